// Says in one line what the agent is doing.

import { firstLine } from "./format.js";

const outcomeWords = {
  succeeded: "Succeeded", failed: "Failed", canceled: "Canceled", interrupted: "Interrupted",
};

// activityOf returns {kind, what, detail, since}: since is when it began, or null.
// last is the element of the newest event, running the row of an open call; both
// may be null.
export function activityOf(last, running) {
  if (last === null) return { kind: "waiting", what: "Waiting for the first event", detail: "", since: null };
  const { type, status, tool, outcome, time } = last.dataset;
  const since = new Date(time);
  const line = (selector) => firstLine(last.querySelector(selector)?.textContent ?? "");
  if (type === "complete") return { kind: status, what: outcomeWords[status] ?? status, detail: line(".banner .text"), since: null };
  if (type === "error") return { kind: "error", what: "Error", detail: line(".prose"), since };
  if (running !== null) {
    const summary = running.querySelector(".tool > summary");
    return {
      kind: "tool", what: `Running ${running.dataset.tool}`, detail: summary.querySelector(".argument").textContent,
      since: new Date(running.dataset.time),
    };
  }
  switch (type) {
    case "assistant":
      return { kind: "says", what: "Says", detail: line(".prose"), since };
    case "thought":
      return { kind: "thinks", what: "Thinking", detail: line(".prose"), since };
    case "user":
      return { kind: "thinks", what: "Reading", detail: line(".prose"), since };
    case "tool_result":
      return { kind: "thinks", what: "Thinking", detail: `after ${tool}${outcome === "failed" ? ", which failed" : ""}`, since };
    default:
      return { kind: "thinks", what: "Working", detail: "", since };
  }
}
