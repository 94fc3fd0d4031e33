// Draws what has come: at once, and what comes soon after a little later, together. A
// timer does it, not a frame: a tab in the background gets none, and what is scrolled in
// a frame takes a second one.

import { farApartMs, isBusy } from "./busy.js";

const soonMs = 16; // what comes in one go is drawn together
const apartMs = 120; // between two drawings

export class Frames {
  #draw;
  #timer;
  #due = Infinity; // when it fires
  #changes = []; // that wait for the next drawing
  #busy = false;
  #drawnAt = 0;
  #since = Infinity; // between the last two drawings

  constructor(draw) {
    this.#draw = draw;
  }

  // drew tells how many rows were drawn, and returns whether more come than anybody reads.
  drew(rows) {
    this.#busy = isBusy(rows, this.#since);
    return this.#busy;
  }

  // soon has draw called for what it has left.
  soon() {
    this.#at(0);
  }

  // request has draw called soon, once for all requests until then.
  request() {
    this.#at(this.#drawnAt + apartMs);
  }

  // along makes a change of the page with the rows that wait, at once. While many rows
  // come it waits for the next of them.
  along(change) {
    this.#changes.push(change);
    if (this.#busy) this.#at(this.#drawnAt + 2 * farApartMs);
    else this.now();
  }

  #at(time) {
    const due = Math.max(time, performance.now() + soonMs);
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.now(), due - performance.now());
  }

  // now changes and draws what waits for it. The rows come last: to keep their end in view
  // the page has to be laid out.
  now() {
    for (const change of this.#changes.splice(0)) change();
    if (this.#due === Infinity) return;
    clearTimeout(this.#timer);
    this.#due = Infinity;
    this.#since = performance.now() - this.#drawnAt;
    this.#drawnAt += this.#since;
    this.#draw();
  }
}
