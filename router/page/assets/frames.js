// Draws what has come: at once, and what comes soon after a little later, together. A
// timer does it, not a frame: a tab in the background gets none, and what is scrolled in
// a frame takes a second one.

const soonMs = 16; // what comes in one go is drawn together
const apartMs = 120; // between two drawings
const farApartMs = 500; // while a lot comes

export class Frames {
  #draw;
  #timer;
  #apart = apartMs;
  #drawnAt = 0;

  constructor(draw) {
    this.#draw = draw;
  }

  // apart says whether a lot comes.
  apart(far) {
    this.#apart = far ? farApartMs : apartMs;
  }

  // request has draw called soon, once for all requests until then.
  request() {
    this.#timer ??= setTimeout(() => this.now(), Math.max(this.#drawnAt + this.#apart - performance.now(), soonMs));
  }

  // now draws what is requested: something else changes the page anyway.
  now() {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#drawnAt = performance.now();
    this.#draw();
  }
}
