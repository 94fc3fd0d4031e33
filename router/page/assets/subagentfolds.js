// Folds what a subagent did into the line that tells of all of it, once it is over. One
// that works stands open, and what a reader has opened or closed stays as it is.

import { readingTop } from "./dom.js";

const page = document.body.dataset;

export class SubagentFolds {
  #chosen = new Map(); // whether a reader wants it open, by the row of its call
  #worked = new Set(); // the rows of those that were seen at work

  constructor(list) {
    list.addEventListener("click", ({ target }) => {
      const subagent = target.closest("summary")?.parentElement;
      if (subagent?.matches(".subagent")) this.#choose(subagent, !subagent.open); // the browser opens it after this
    });
  }

  // show has those within a place open or closed as they are to be now.
  show(place) {
    for (const subagent of place.querySelectorAll(".subagent")) this.#show(subagent);
  }

  // around does it for those within a row, and for those that it is of.
  around(row) {
    this.show(row);
    for (let at = row.parentElement.closest(".subagent"); at !== null; at = at.parentElement.closest(".subagent")) this.#show(at);
  }

  // toggle opens or closes one at a reader's wish.
  toggle(subagent) {
    subagent.open = !subagent.open;
    this.#choose(subagent, subagent.open);
  }

  // reveal opens what a place stands in.
  reveal(place) {
    for (let at = place.closest(".subagent"); at !== null; at = at.parentElement.closest(".subagent")) {
      at.open = true;
      this.#choose(at, true);
    }
  }

  #choose(subagent, open) {
    this.#chosen.set(subagent.closest(".event").id, open);
  }

  #show(subagent) {
    const call = subagent.closest(".event");
    const over = isOver(call);
    if (over && this.#worked.delete(call.id) && !this.#chosen.has(call.id) && isRead(subagent)) this.#choose(subagent, true);
    if (!over) this.#worked.add(call.id);
    subagent.open = this.#chosen.get(call.id) ?? !over;
  }
}

// isOver tells it of the subagent of a call. One that works in the background goes on
// after its call has had a result: that it has ended is known when the run has.
function isOver(call) {
  if (call.dataset.session !== page.session || document.getElementById("status").dataset.status !== "open") return true;
  const result = [...call.querySelectorAll(":scope > .content > .tool > .tool-body > .result[data-seq]")].at(-1);
  if (result === undefined) return false;
  const last = Math.max(...[...call.querySelectorAll(":scope > .content > .subagent [data-seq]")].map(({ dataset }) => Number(dataset.seq)));
  return last < Number(result.dataset.seq);
}

// isRead tells whether a reader who does not follow the end has it in view.
function isRead(subagent) {
  if (page.follow === "true") return false;
  const { top, bottom } = subagent.getBoundingClientRect();
  return bottom > readingTop() && top < innerHeight;
}
