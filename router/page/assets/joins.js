// Puts what belongs together into one row: a result into the row of its call, what
// a subagent does into the row of the call that started it.

import { compare, cursorOf } from "./cursor.js";
import { el, setText } from "./dom.js";
import { took } from "./format.js";

const mostNested = 200; // rows under one call; then they stand for themselves
const deepest = 8;

const words = { open: "running: ", ok: "ok: ", failed: "failed: ", none: "no result: " };

// setOutcome shows how a call has gone.
function setOutcome(call, outcome) {
  call.dataset.outcome = outcome;
  const summary = call.querySelector(":scope > .content > .tool > summary");
  setText(summary.querySelector(".hidden-label"), words[outcome]);
  if (outcome === "none") setText(summary.querySelector(".took"), "no result");
}

// callOf finds the call of a result: the oldest one before it that waits and has
// its call_id, or without a call_id the same tool.
export function callOf(list, result) {
  const { call, tool, session } = result.dataset;
  const mine = call === undefined ? `:not([data-call])[data-tool="${CSS.escape(tool ?? "")}"]` : `[data-call="${CSS.escape(call)}"]`;
  for (const candidate of list.querySelectorAll(`.event[data-type="tool_call"][data-session="${session}"]${mine}`)) {
    if (compare(cursorOf(candidate), cursorOf(result)) > 0) return null;
    if (candidate.querySelector(":scope > .content > .tool > .tool-body > .result") === null) return candidate;
  }
  return null;
}

// joinResult moves the row of a result into the row of its call.
export function joinResult(call, row) {
  const from = row.querySelector(".tool");
  const result = from.querySelector(".result");
  const to = call.querySelector(":scope > .content > .tool");
  const time = row.querySelector(".meta time");
  time.removeAttribute("class");
  result.append(el("p", { class: "result-meta" }, time, " ", row.querySelector(".meta .seq")));
  row.remove();
  const id = row.id;
  row.removeAttribute("id");
  result.id = id;
  Object.assign(result.dataset, row.dataset);
  to.querySelector(".tool-body").append(result);
  setOutcome(call, row.dataset.outcome);
  setText(to.querySelector("summary .size"), from.querySelector("summary .size").textContent);
  setText(to.querySelector("summary .took"), from.querySelector("summary .took").textContent
    || took(Date.parse(row.dataset.time) - Date.parse(call.dataset.time)));
  if (from.open) to.open = true; // what failed must not hide, and images are to be seen
}

// nest puts a row under the call that started its subagent; false when there is none.
export function nest(list, row) {
  const { parent, session } = row.dataset;
  if (parent === undefined) return false;
  const calls = list.querySelectorAll(`.event[data-type="tool_call"][data-session="${session}"][data-call="${CSS.escape(parent)}"]`);
  const call = calls[calls.length - 1];
  if (call === undefined || depthOf(call) >= deepest) return false;
  const content = call.querySelector(":scope > .content");
  let place = content.querySelector(":scope > .nested");
  if (place === null) {
    place = el("ol", { class: "nested" });
    content.append(place);
  }
  if (place.childElementCount >= mostNested) return false;
  place.append(row);
  return true;
}

function depthOf(row) {
  let depth = 0;
  for (let at = row.closest(".nested"); at !== null; at = at.parentElement.closest(".nested")) depth++;
  return depth;
}

// abandonCalls stops the spinners of calls that nobody waits for any more.
export function abandonCalls(list, which) {
  for (const call of list.querySelectorAll('.event[data-type="tool_call"][data-outcome="open"]')) {
    if (which(call)) setOutcome(call, "none");
  }
}
