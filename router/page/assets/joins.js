// Puts what belongs together into one row: a result into the row of its call, a cost
// into that of the step that it is of.

import { compare, cursorOf } from "./cursor.js";
import { el, setText } from "./dom.js";
import { took } from "./format.js";

const words = { open: "running: ", ok: "ok: ", failed: "failed: ", none: "no result: ", later: "its result comes later: " };

// setOutcome shows how a call has gone.
export function setOutcome(call, outcome) {
  call.dataset.outcome = outcome;
  const summary = call.querySelector(":scope > .content > .tool > summary");
  setText(summary.querySelector(".hidden-label"), words[outcome]);
  if (outcome === "none" || outcome === "open") setText(summary.querySelector(".took"), outcome === "none" ? "no result" : "");
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

// joinResult moves the row of a result into the row of its call, and returns its new
// place.
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
  return result;
}

const steps = ["assistant", "thought", "tool_call"].map((type) => `.event[data-type="${type}"]`).join(", ");

// joinCost hangs a cost on the step that it is of, the latest one before it; null when
// there is none.
export function joinCost(list, row) {
  const { parent, session } = row.dataset;
  const of = parent === undefined ? ":not([data-parent])" : `[data-parent="${CSS.escape(parent)}"]`;
  const before = [...list.querySelectorAll(`:is(${steps})[data-session="${session}"]${of}`)];
  const step = before.findLast((one) => compare(cursorOf(one), cursorOf(row)) < 0);
  if (step === undefined) return null;
  const raw = row.querySelector(":scope > .meta .raw").getAttribute("href");
  const line = row.querySelector(".cost-line");
  const cost = el("a", { class: "raw step-cost", href: raw, title: line.textContent.replace(/^Cost: /, "") }, row.dataset.amount);
  row.remove();
  for (const { name, value } of row.attributes) if (name !== "class") cost.setAttribute(name, value);
  let place = step.querySelector(":scope > .costs");
  if (place === null) {
    place = el("div", { class: "costs" });
    step.append(place);
  }
  place.append(cost);
  return cost;
}

// settleCalls says of the calls that a part left open what became of them, now that all
// behind it is here: one whose agent has gone on gets no result any more.
export function settleCalls(list) {
  for (const call of list.querySelectorAll('.event[data-outcome="later"]')) {
    const { parent, session } = call.dataset;
    const after = [...list.querySelectorAll(`.event[data-session="${session}"]:is([data-type="assistant"], [data-type="complete"])`)];
    const over = after.some((row) => compare(cursorOf(row), cursorOf(call)) > 0 && (row.dataset.type === "complete" || row.dataset.parent === parent));
    setOutcome(call, over ? "none" : "open");
  }
}

// abandonCalls stops the spinners of calls that nobody waits for any more, and adds them
// to those that were touched.
export function abandonCalls(list, which, touched) {
  for (const call of list.querySelectorAll('.event[data-type="tool_call"][data-outcome="open"]')) {
    if (!which(call)) continue;
    setOutcome(call, "none");
    touched.add(call);
  }
}
