// Draws what has come: at once, and what comes soon after a little later, together. A
// timer does it, not a frame: a tab in the background gets none, and what is scrolled in
// a frame takes a second one.

const fast = 20; // rows a second that nobody reads one by one
const soonMs = 16; // what comes in one go is drawn together
const apartMs = 120; // between two drawings
const farApartMs = 1000; // while that many come

export class Frames {
  #draw;
  #timer;
  #apart = apartMs;
  #drawnAt = 0;
  #since = Infinity; // between the last two drawings

  constructor(draw) {
    this.#draw = draw;
  }

  // drew tells how many rows were drawn, and returns whether more come than anybody reads.
  drew(rows) {
    const busy = rows > 4 && rows / this.#since * 1000 > fast;
    this.#apart = busy ? farApartMs : apartMs;
    return busy;
  }

  // soon has draw called for what it has left.
  soon() {
    this.#timer ??= setTimeout(() => this.now(), soonMs);
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
    this.#since = performance.now() - this.#drawnAt;
    this.#drawnAt += this.#since;
    this.#draw();
  }
}
