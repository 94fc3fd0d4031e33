// The order of events, which is that of their places.

import { compare, cursorOf } from "./cursor.js";

// inOrder places a row among others by its place.
export function inOrder(rows, row) {
  let after = rows.lastElementChild;
  while (after !== null && !(after.dataset.seq !== undefined && compare(cursorOf(after), cursorOf(row)) < 0)) after = after.previousElementSibling;
  if (after === null) rows.prepend(row);
  else after.after(row);
}

// partsOf are all events in items, results and costs among them, in their order.
export function partsOf(items) {
  const parts = [];
  for (const item of items) {
    if (item.dataset.seq !== undefined) parts.push(item);
    parts.push(...item.querySelectorAll("[data-seq]"));
  }
  return parts.map((part) => ({ part, place: cursorOf(part) }))
    .sort((a, b) => compare(a.place, b.place))
    .map(({ part }) => part);
}
