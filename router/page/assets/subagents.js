// What a subagent does stands in the row of the call that started it, with a line that
// says what it has done in all: the page may have only a part of it.

import { compare, cursorOf } from "./cursor.js";
import { el, setText } from "./dom.js";
import { dollars, plural } from "./format.js";
import { inOrder } from "./order.js";

const deepest = 8;

const totals = new WeakMap(); // of the place of a subagent: {calls, failed, usd, estimated, upTo}

export function nestedOf(row) {
  return row.querySelector(":scope > .content > .subagent > .nested");
}

// nest puts a row under the call that started its subagent, and returns that; null when
// there is none.
export function nest(list, row) {
  const { parent, session } = row.dataset;
  if (parent === undefined) return null;
  let call = [...list.querySelectorAll(`.event[data-type="tool_call"][data-session="${session}"][data-call="${CSS.escape(parent)}"]`)].at(-1);
  if (call === undefined || row.contains(call) || compare(cursorOf(call), cursorOf(row)) > 0) return null;
  while (depthOf(call) >= deepest) call = call.parentElement.closest(".event"); // beside what cannot hold it
  if (row.parentElement !== null && row.parentElement === nestedOf(call)) return call;
  let place = nestedOf(call);
  if (place === null) {
    place = el("ol", { class: "nested" });
    const subagent = el("details", { class: "subagent", open: true }, el("summary"), place);
    totals.set(subagent, { calls: 0, failed: 0, usd: 0, estimated: 0, upTo: 0 });
    call.querySelector(":scope > .content").append(subagent);
    say(subagent);
  }
  inOrder(place, row);
  return call;
}

function depthOf(row) {
  let depth = 0;
  for (let at = row.closest(".nested"); at !== null; at = at.parentElement.closest(".nested")) depth++;
  return depth;
}

// takeTotals reads what the server has added up.
export function takeTotals(subagent) {
  const { calls, failed, usd, estimated, upto } = subagent.dataset;
  totals.set(subagent, { calls: Number(calls), failed: Number(failed), usd: Number(usd), estimated: Number(estimated), upTo: Number(upto) });
  for (const name of ["calls", "failed", "usd", "estimated", "upto"]) delete subagent.dataset[name];
}

// adoptTotals takes over what a newer or older part says of the same subagent.
export function adoptTotals(subagent, other) {
  const a = totals.get(subagent), b = totals.get(other);
  for (const name of ["calls", "failed", "usd", "estimated", "upTo"]) a[name] = Math.max(a[name], b[name]);
  say(subagent);
}

// count adds what an event has brought to the subagents that a place stands in.
export function count(place, event, more) {
  const sequence = Number(event.dataset.seq);
  for (let at = place.closest(".subagent"); at !== null; at = at.parentElement.closest(".subagent")) {
    const sum = totals.get(at);
    if (sequence <= sum.upTo) continue; // the server has counted it
    for (const [name, n] of Object.entries(more)) sum[name] += n;
    say(at);
  }
}

// say is the line above what a subagent does, as subagent.go has it.
function say(subagent) {
  const { calls, failed, usd, estimated } = totals.get(subagent);
  const parts = ["Subagent", plural(calls, "call")];
  if (failed > 0) parts.push(`${failed} failed`);
  if (usd > 1e-9) parts.push(estimated > 0 ? `≈ ${dollars(usd)}` : dollars(usd));
  setText(subagent.querySelector(":scope > summary"), parts.join(" · "));
}
