// Says in one line what the agent is doing.

import { firstLine, text } from "./format.js";
import { outcomeWords } from "./rows.js";

// activityOf returns {kind, what, detail, since}: since is when it began, or null.
export function activityOf(last, running) {
  if (last === null) return { kind: "waiting", what: "Waiting for the first event", detail: "", since: null };
  const since = new Date(last.time);
  if (last.type === "complete") {
    const { status, reason } = last.data;
    return { kind: text(status), what: outcomeWords[status] ?? text(status), detail: firstLine(text(reason)), since: null };
  }
  if (last.type === "error") {
    return { kind: "error", what: "Error", detail: firstLine(text(last.data.message)), since };
  }
  if (running !== undefined) {
    return { kind: "tool", what: `Running ${running.name}`, detail: running.argument, since: running.started };
  }
  switch (last.type) {
    case "assistant":
      return { kind: "says", what: "Says", detail: firstLine(text(last.data.content)), since };
    case "thought":
      return { kind: "thinks", what: "Thinking", detail: firstLine(text(last.data.content)), since };
    case "user":
      return { kind: "thinks", what: "Reading", detail: firstLine(text(last.data.content)), since };
    case "tool_result":
      return { kind: "thinks", what: "Thinking", detail: `after ${text(last.data.tool)}${last.data.success === false ? ", which failed" : ""}`, since };
    default:
      return { kind: "thinks", what: "Working", detail: "", since };
  }
}
