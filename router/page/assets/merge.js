// Puts what a part of the timeline brings where the page has its place: a call may have
// come before with what belongs to it in another part.

import { setText } from "./dom.js";
import { setOutcome } from "./joins.js";
import { inOrder } from "./order.js";
import { adoptTotals, nestedOf } from "./subagents.js";

const isKnown = (part) => document.getElementById(part.id) !== null;

// merge tells whether a row is to be placed. If the row is known, what it has more than
// the one in the page is given to that.
export function merge(row) {
  const known = document.getElementById(row.id);
  if (known === null) {
    for (const part of [...row.querySelectorAll("[data-seq]")]) if (isKnown(part)) part.remove();
    return true;
  }
  if (known.matches(".event")) give(row, known);
  return false;
}

function give(row, known) {
  const content = known.querySelector(":scope > .content");
  const nested = nestedOf(row);
  if (nested !== null) {
    const place = nestedOf(known);
    if (place === null) {
      for (const inner of [...nested.children]) if (!merge(inner)) inner.remove();
      content.append(nested.parentElement);
    } else {
      for (const inner of [...nested.children]) if (merge(inner)) inOrder(place, inner);
      adoptTotals(place.parentElement, nested.parentElement);
    }
  }
  for (const result of row.querySelectorAll(":scope > .content > .tool > .tool-body > .result")) {
    if (isKnown(result)) continue;
    content.querySelector(":scope > .tool > .tool-body").append(result);
    setOutcome(known, row.dataset.outcome);
    for (const part of [".size", ".took"]) setText(content.querySelector(`:scope > .tool > summary ${part}`), row.querySelector(`:scope > .content > .tool > summary ${part}`).textContent);
    if (row.dataset.outcome === "failed") content.querySelector(":scope > .tool").open = true;
  }
  const costs = row.querySelector(":scope > .costs");
  if (costs === null) return;
  for (const cost of [...costs.children]) if (isKnown(cost)) cost.remove();
  const place = known.querySelector(":scope > .costs");
  if (place === null) known.append(costs);
  else place.append(...costs.children);
}
