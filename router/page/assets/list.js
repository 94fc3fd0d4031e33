// The page of all tasks, live.

import { Doing } from "./doing.js";
import { announcer, setText } from "./dom.js";
import { Favicon } from "./favicon.js";
import { plural } from "./format.js";
import { fetchPage } from "./fragments.js";
import { Link } from "./link.js";
import { ListFilter } from "./listfilter.js";
import { listKeys } from "./listkeys.js";
import { ListRow } from "./listrow.js";
import { Notifier } from "./notify.js";
import { newsSince } from "./seen.js";

const byID = (id) => document.getElementById(id);
const body = byID("tasks");
const announce = announcer(byID("announcer"));

const inFirstLoad = 200; // so many tasks a new stream sends at first, the newest
const settleMs = 2000; // by then they have come
const pollMs = 10_000;
const secondMs = 1000;
const minutesLateMs = 10_000; // at most, where minutes are told
const nearMargin = "1000px 0px"; // more tasks are asked for before their place is in view

const rows = new Map(); // id → ListRow
let total, atLeast; // how many there are, with those that are not on the page
let newest = ""; // when the newest task that was counted was made
let confirmed = null; // id → when it changed, of what the current stream has sent until it has settled
let settling;
let late = false; // another tab has had what the stream brings at first
let ticking; // the timer of the next tick
let polling; // while there is no connection left for this page
let loading = null; // the question for a page that is under way
let isNews = newsSince();
const favicon = new Favicon();
const filter = new ListFilter(load);
const notifier = new Notifier(document.querySelector(".bar-inner"));
const doing = new Doing((id) => `tasks/${encodeURIComponent(id)}/now?spark=true`, told, () => notifier.on);

const link = new Link({
  about: () => ({ url: new URL("stream", location.href).href, cursor: "", list: true, ends: false, checks: {} }),
  joined(fresh) {
    late = !fresh;
    if (late) askForAll();
  },
  row() {},
  control: {
    task(task) {
      confirmed?.set(task.id, Date.parse(task.updated) || 0);
      update(task);
    },
    task_deleted({ id }) {
      confirmed?.delete(id);
      remove(id);
    },
  },
  state(state, retryAt) {
    const before = document.body.dataset.state;
    if (state === before && state !== "reconnecting") return;
    showState(state, retryAt);
    if (state === "live") {
      if (before === "reconnecting") announce("Live again");
      if (!late) {
        startOver();
        settling = setTimeout(settle, settleMs);
      }
      late = false;
    } else {
      clearTimeout(settling);
      if (state === "reconnecting" && before === "live") announce("Connection lost, reconnecting");
    }
    clearInterval(polling);
    if (state === "waiting") polling = setInterval(askForAll, pollMs);
  },
  ended() {},
  gone() {},
});

adopt(document, true);
showState("connecting");
byID("connection").hidden = false;
listKeys(body, filter);
showFirstCommand();
byID("more").addEventListener("click", (click) => {
  click.preventDefault();
  loadMore();
});
new IntersectionObserver((entries) => {
  if (entries.at(-1).isIntersecting) loadMore();
}, { rootMargin: nearMargin }).observe(byID("more"));
for (const event of ["pageshow", "storage", "visibilitychange"]) addEventListener(event, markNews);
addEventListener("visibilitychange", tick);
link.join();

// adopt takes over the rows of a page that the server has made, the first one or one
// that goes on behind the rows that are here.
function adopt(page, isFirst) {
  for (const element of [...page.getElementById("tasks").rows]) {
    if (page !== document && rows.has(element.dataset.task)) continue;
    const row = ListRow.of(document.adoptNode(element));
    rows.set(row.task.id, row);
    if (!body.contains(row.element)) body.append(row.element);
    if (row.task.created > newest) newest = row.task.created;
    filter.offer(row.task);
    shown(row);
  }
  const next = page.getElementById("more").getAttribute("href");
  byID("more").setAttribute("href", next);
  byID("more").parentElement.hidden = next === "";
  if (isFirst) {
    const { dataset } = page.getElementById("summary");
    total = Number(dataset.total);
    atLeast = dataset.atLeast === "true";
  }
  tick();
  showCount();
}

// load shows what is looked for instead of what was.
async function load() {
  const page = await pageAt(filter.query);
  if (page === null) return;
  for (const [id, { element }] of rows) doing.forget(id, element);
  rows.clear();
  body.replaceChildren();
  adopt(page, true);
  announce(byID("summary").textContent);
  link.leave(); // what came meanwhile comes again
  link.join();
}

async function loadMore() {
  const from = byID("more").getAttribute("href");
  if (from === "" || loading !== null) return;
  const page = await pageAt(from);
  if (page !== null) adopt(page, false);
}

// pageAt asks for a page of the list; null if something else is wanted meanwhile.
async function pageAt(address) {
  const mine = loading = {};
  try {
    const page = await fetchPage(address === "" ? "./" : address);
    return loading === mine ? page : null;
  } catch {
    return null;
  } finally {
    if (loading === mine) loading = null;
  }
}

function startOver() {
  confirmed = new Map();
  clearTimeout(settling);
}

// askForAll gets what a new stream would bring at first.
async function askForAll() {
  startOver();
  try {
    const answer = await fetch(`tasks?limit=${inFirstLoad}`, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok) return;
    for (const task of (await answer.json()).tasks) {
      confirmed.set(task.id, Date.parse(task.updated) || 0);
      update(task);
    }
    settle();
  } catch {
    // The stream, or the next time, brings it.
  }
}

// settle takes out the tasks that were deleted while the page was not connected:
// those that the new stream would have sent, and did not.
function settle() {
  if (confirmed === null) return;
  const oldest = confirmed.size >= inFirstLoad ? Math.min(...confirmed.values()) : -Infinity;
  for (const [id, row] of rows) if (!confirmed.has(id) && row.updated > oldest) remove(id);
  confirmed = null;
}

function update(task) {
  let row = rows.get(task.id);
  if (row?.task.status === "open" && task.status !== "open" && task.status !== "none") notifier.ended(task, task.status);
  if (!filter.matches(task)) {
    if (row !== undefined) remove(task.id);
    return;
  }
  if (row === undefined) {
    // One that is not on the page may have been counted as one of the others.
    if (byID("more").parentElement.hidden || task.created > newest) total++;
    if (task.created > newest) newest = task.created;
    row = ListRow.make(task);
    rows.set(task.id, row);
  } else {
    row.update(task);
  }
  filter.offer(task);
  place(row);
  shown(row);
  showCount();
  tickAgain();
}

// shown marks a row, and asks what its agent does, or what it has done in circles.
function shown(row) {
  row.news(isNews(row.task.id, row.task.updated));
  if (row.task.status === "none") doing.forget(row.task.id, row.element);
  else doing.ask(row.task.id, row.element);
}

// told shows the answer, and asks again as long as the server has not read all of the run.
function told(id, { now, session, spark }) {
  const row = rows.get(id);
  if (row !== undefined && session !== null && now.sequence < session.head) doing.ask(id, row.element);
  row?.drawSpark(spark);
  if (row?.doing(now)) notifier.asks(row.task, now.detail);
}

function markNews() {
  if (document.hidden) return;
  isNews = newsSince();
  for (const row of rows.values()) row.news(isNews(row.task.id, row.task.updated));
}

function remove(id) {
  const row = rows.get(id);
  if (row === undefined) return;
  doing.forget(id, row.element);
  rows.delete(id);
  row.element.remove();
  total--;
  showCount();
}

// place puts a row where its last activity belongs: newest first.
function place({ element, updated }) {
  let next = body.firstElementChild;
  while (next !== null && (next === element || rows.get(next.dataset.task).updated > updated)) next = next.nextElementSibling;
  if (element.isConnected && element.nextElementSibling === next) return;
  if (element.isConnected && body.moveBefore) {
    body.moveBefore(element, next); // keeps the focus by itself
    return;
  }
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  body.insertBefore(element, next);
  focused?.focus({ preventScroll: true });
}

// tick shows what is counted in time and has come to tell something else.
function tick() {
  if (document.hidden) return;
  const now = Date.now();
  for (const row of rows.values()) if (now >= row.due) row.tick(now);
  if (document.body.dataset.state === "reconnecting") showConnection();
  tickAgain();
}

// tickAgain has it done again when it will. To draw the page for each single row would be
// too much where rows tell minutes: those may be a little late.
function tickAgain() {
  clearTimeout(ticking);
  if (document.hidden) return;
  const reconnects = document.body.dataset.state === "reconnecting";
  const left = reconnects ? 0 : Math.min(...[...rows.values()].map(({ due }) => due)) - Date.now();
  const pause = Math.max(left, left <= secondMs ? secondMs : minutesLateMs);
  if (pause < Infinity) ticking = setTimeout(tick, pause);
}

function showCount() {
  const none = total === 0 && !filter.active;
  byID("some").hidden = none;
  byID("none").hidden = !none;
  byID("no-match").hidden = rows.size > 0 || none;
  setText(byID("summary"), `${atLeast ? "more than " : ""}${plural(total, "task")}${filter.active ? " found" : ""}`);
  showTitle();
}

// What the page shows of itself

function showState(state, retryAt) {
  document.body.dataset.state = state;
  document.body.dataset.retryAt = retryAt ?? "";
  showConnection();
  tickAgain();
  showTitle();
}

function showConnection() {
  const { state, retryAt } = document.body.dataset;
  const left = Math.ceil((Number(retryAt) - Date.now()) / 1000);
  const words = { connecting: "Connecting…", live: "Live", reconnecting: "Reconnecting…", waiting: "Live, with a delay" };
  setText(byID("connection-text"), state === "reconnecting" && left > 0 ? `Reconnecting in ${left} s` : words[state]);
}

function showTitle() {
  const open = [...rows.values()].filter(({ task }) => task.status === "open").length;
  const mark = document.body.dataset.state === "reconnecting" ? "↻ " : open > 0 ? "● " : "";
  const title = open > 0 ? `${mark}Tasks (${open} open)` : `${mark}Tasks`;
  if (document.title !== title) document.title = title;
  favicon.show(document.body.dataset.state !== "reconnecting" && open > 0 ? "open" : "none");
}

function showFirstCommand() {
  const url = new URL("tasks/my-task/events", location.href.replace(/[?#].*$/, "")).href;
  setText(byID("first-event-url"), /^[\w:/.-]+$/.test(url) ? url : `'${url.replaceAll("'", `'\\''`)}'`);
  const copy = byID("copy");
  copy.hidden = navigator.clipboard === undefined;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(byID("first-event").textContent);
    setText(copy, "Copied");
  });
}
