// The kinds of events that a reader chooses among, as the server knows them.

export const kinds = [
  ["says", "Messages"], ["thought", "Thoughts"], ["tool", "Tools"], ["error", "Errors"], ["people", "People"], ["other", "Other"],
];

const ofType = {
  assistant: "says", thought: "thought", tool_call: "tool", tool_result: "tool", error: "error",
  user: "people", comment: "people", question: "people", answer: "people",
};

// isOf tells whether a row, or anything within it, is of one of the kinds. A tool that
// failed is an error as well.
export function isOf(row, chosen) {
  const { type, actor, parent, outcome } = row.dataset;
  let kind = ofType[type] ?? "other";
  if (type === "user" && actor === "system") kind = "other"; // a program in a person's place
  if (type === "user" && actor === "agent" && parent !== undefined) kind = "says"; // to an agent that it has started
  if (chosen.has(kind) || outcome === "failed" && chosen.has("error")) return true;
  return [...row.querySelectorAll(":scope > .content > .subagent .event")].some((inner) => isOf(inner, chosen));
}
