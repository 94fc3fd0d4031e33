// Values as people read them. format.go does the same on the server.

export function dollars(value) {
  if (value > 0 && value < 0.0001) return "<$0.0001";
  if (value > 0 && value < 0.01) return "$" + value.toFixed(4);
  return "$" + value.toFixed(2);
}

// cost is what totals come to, as the server's JSON has them: "≈" if some of it is
// estimated, "–" if nothing is known.
export function cost(totals) {
  const estimated = totals.estimated_usd ?? 0;
  const sum = totals.usd + estimated;
  if (sum === 0) return "–";
  return estimated > 0 ? `≈ ${dollars(sum)}` : dollars(sum);
}

// isEstimated tells of the row of a cost whether it is estimated.
export const isEstimated = (row) => (row.dataset.amount ?? "").startsWith("≈");

// costNote says where the money comes from; prices is the day of the list prices.
export function costNote(totals, prices) {
  const parts = [];
  const estimated = totals.estimated_usd ?? 0;
  const from = `list prices of ${prices || "an unknown day"}`;
  if (estimated > 0) parts.push(totals.usd > 0 ? `${dollars(totals.usd)} as the agent says, the rest estimated from ${from}` : `estimated from ${from}`);
  if (totals.unpriced) parts.push("without what tokens of an unknown price cost");
  return parts.join(", ");
}

// tokens are those that were new to a model or made by it.
export function tokens(totals) {
  return count(totals.input_tokens + totals.cache_write_tokens + totals.output_tokens);
}

// elsewhere tells what of a run's cost counts in other runs, and so is not in its own.
export function elsewhere({ tokens: n, usd = 0, tasks = [] }) {
  return `${count(n)} tokens${usd > 0 ? `, ${dollars(usd)}` : ""}${tasks.length > 0 ? `, in ${tasks.join(", ")}` : ""}`;
}

export const tokensElsewhere = (counted) => `, ${count(counted.tokens)} elsewhere`;

// tokenKinds tells the tokens of each kind that there are.
export function tokenKinds(totals) {
  const kinds = [[totals.input_tokens, "in"], [totals.output_tokens, "out"], [totals.cache_read_tokens, "from cache"], [totals.cache_write_tokens, "to cache"]];
  return kinds.filter(([n]) => n > 0).map(([n, name]) => `${count(n)} ${name}`).join(" · ");
}

function count(n) {
  if (n >= 999_500_000) return (n / 1e9).toFixed(2) + "G";
  if (n >= 999_500) return (n / 1e6).toFixed(2) + "M";
  if (n >= 1000) return (n / 1e3).toFixed(1) + "k";
  return String(n);
}

// duration of a run or a wait, in whole seconds.
export function duration(ms) {
  const s = Math.floor(Math.max(ms, 0) / 1000);
  const two = (n) => String(n).padStart(2, "0");
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} min`;
  return `${Math.floor(s / 86400)} days`;
}

// roughly is a duration that is read from afar, and changes once a minute.
export function roughly(ms) {
  const minutes = Math.floor(Math.max(ms, 0) / 60_000);
  if (minutes < 1) return "< 1 min";
  if (minutes < 60) return `${minutes} min`;
  return duration(ms);
}

// calmly is how long something takes of which nothing was heard for half a minute: it
// changes once a minute.
export function calmly(ms) {
  return ms >= 30_000 && ms < 60_000 ? "> 30 s" : roughly(ms);
}

// untilNext is the time until so many milliseconds are a whole number of units.
export function untilNext(unit, ms) {
  return ms > 0 ? unit - ms % unit : unit;
}

// took is how long a tool ran: short times matter, too.
export function took(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return duration(ms);
}

// since is the time between two events in short, "" when there is none worth telling.
export function since(ms) {
  if (!(ms >= 1)) return "";
  if (ms < 60_000) return `+${took(ms)}`;
  if (ms < 3_600_000) return `+${Math.floor(ms / 60_000)} min`;
  if (ms < 48 * 3_600_000) return `+${Math.floor(ms / 3_600_000)} h`;
  return `+${Math.floor(ms / 86_400_000)} days`;
}

export function ago(ms) {
  const s = Math.floor(Math.max(ms, 0) / 1000);
  if (s < 5) return "just now";
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} days ago`;
}

const clockFormat = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const dayFormat = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const momentFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });

export const clock = (date) => valid(date) ? clockFormat.format(date) : "";
export const day = (date) => valid(date) ? dayFormat.format(date) : "";
export const moment = (date) => valid(date) ? momentFormat.format(date) : "–";

const valid = (date) => !Number.isNaN(date.getTime());

const utf8 = new TextEncoder();

export function byteLength(text) {
  return utf8.encode(text).length;
}

export function bytes(n) {
  if (n < 1000) return `${n} B`;
  if (n < 1_000_000) return `${(n / 1000).toFixed(n < 10_000 ? 1 : 0)} KB`;
  return `${(n / 1_000_000).toFixed(1)} MB`;
}

export function plural(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

// text of a value whose type nobody promised.
export function text(value) {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

// withoutEscapes takes a terminal's colour and cursor codes out.
export function withoutEscapes(string) {
  return string.replace(/\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g, "");
}

// withoutBase64 takes long runs of base64 out of a text, as package blob does: they are
// no text for people.
export function withoutBase64(string) {
  return string.replace(/[A-Za-z0-9+/=]{1001,}/g, (run) =>
    /[a-z]/.test(run) && /[A-Z]/.test(run) && /[0-9]/.test(run) ? `${run.slice(0, 24)}… (${bytes(run.length)} of base64)` : run);
}

export function firstLine(string) {
  const trimmed = string.trimStart();
  const end = trimmed.indexOf("\n");
  return (end < 0 ? trimmed : trimmed.slice(0, end)).slice(0, 300);
}
