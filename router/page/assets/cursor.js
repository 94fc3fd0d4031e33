// Places: a cursor, `<session>:<sequence>`, or "" before anything. Where the page shows all
// sessions, `@<change>` follows: the change that committed the event. Events of several
// sessions are in the order of their changes, then of their sessions' starts.

export function cursorOf(element) {
  const { session, seq, change } = element.dataset;
  return withChange(`${session}:${seq}`, change);
}

// placeIn is the place of an event of the stream, which comes as markup.
export function placeIn(cursor, markup) {
  return withChange(cursor, /^<li [^>]*? data-change="(\d+)"/.exec(markup)?.[1]);
}

export function withChange(cursor, change) {
  return change === undefined ? cursor : `${cursor}@${change}`;
}

// plain is the cursor of a place, as the server knows it.
export function plain(place) {
  return place.split("@")[0];
}

// compare is negative when a is earlier than b, positive when it is later.
export function compare(a, b) {
  const [cursorA, changeA = "0"] = a.split("@");
  const [cursorB, changeB = "0"] = b.split("@");
  if (changeA !== changeB) return Number(changeA) - Number(changeB);
  const [sessionA, sequenceA = "0"] = cursorA.split(":");
  const [sessionB, sequenceB = "0"] = cursorB.split(":");
  if (sessionA !== sessionB) return sessionA < sessionB ? -1 : 1;
  return Number(sequenceA) - Number(sequenceB);
}
