// Cursors: `<session>:<sequence>`, "" before anything. Sessions sort by their start.

export function cursorOf(element) {
  return `${element.dataset.session}:${element.dataset.seq}`;
}

// compare is negative when a is earlier than b, positive when it is later.
export function compare(a, b) {
  const [sessionA, sequenceA = "0"] = a.split(":");
  const [sessionB, sequenceB = "0"] = b.split(":");
  if (sessionA !== sessionB) return sessionA < sessionB ? -1 : 1;
  return Number(sequenceA) - Number(sequenceB);
}
