// Whether an open session goes on. The list and the page of a task say the same, by the
// moment of the last append: the times in events may be those of long ago.

export const quietMs = 5 * 60_000; // nothing was heard for so long
export const calmMs = 30_000; // for so long, and seconds tell nothing any more

// paceOf returns working, stuck (a tool is at work, and nothing is heard of it) or idle.
export function paceOf(running, updated, now) {
  if (!(now - updated >= quietMs)) return "working";
  return running ? "stuck" : "idle";
}

export const paceWords = { stuck: "stuck?", idle: "idle" };
