// Takes rows away at an end of the stretch that is in the page.

import { compare, cursorOf } from "./cursor.js";
import { nestedOf } from "./subagents.js";

const isRow = (item) => item.dataset.seq !== undefined;

// pruneOlder leaves of what is older than the new start only calls: those that have no
// result yet, and those that something newer belongs to.
export function pruneOlder(rows, start) {
  let notices = [];
  for (const item of [...rows.children]) {
    if (!isRow(item)) {
      notices.push(item);
      continue;
    }
    if (compare(cursorOf(item), start) >= 0) return; // with the notices before it
    for (const notice of notices) notice.remove();
    notices = [];
    if (!["open", "later"].includes(item.dataset.outcome) && !reaches(item, start)) item.remove();
    else if (nestedOf(item) !== null) pruneOlder(nestedOf(item), start);
  }
}

function reaches(row, start) {
  return [...row.querySelectorAll("[data-seq]")].some((part) => compare(cursorOf(part), start) >= 0);
}

// pruneNewer leaves nothing that is newer than the new end, except the results and costs of what
// stays.
export function pruneNewer(rows, end) {
  let atEnd = true;
  for (const item of [...rows.children].reverse()) {
    if (!isRow(item)) {
      if (atEnd) item.remove();
    } else if (compare(cursorOf(item), end) > 0) {
      item.remove();
    } else {
      atEnd = false;
      if (nestedOf(item) !== null) pruneNewer(nestedOf(item), end);
    }
  }
}
