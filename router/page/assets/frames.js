// Draws what has come: once a frame, and where there are no frames, as in a tab in the
// background, a few times a second. A tab may change sides while a frame is awaited:
// whichever comes first draws.

const withoutFramesMs = 250;
const apartMs = 120; // between two drawings: what comes faster is drawn together

export class Frames {
  #draw;
  #frame;
  #timer;
  #pause;
  #drawnAt = 0;

  constructor(draw) {
    this.#draw = draw;
  }

  // request has draw called soon, once for all requests until then.
  request() {
    if (this.#timer !== undefined) return;
    const now = () => {
      cancelAnimationFrame(this.#frame);
      clearTimeout(this.#pause);
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#drawnAt = performance.now();
      this.#draw();
    };
    const early = this.#drawnAt + apartMs - performance.now();
    const frame = () => { this.#frame = requestAnimationFrame(now); };
    this.#timer = setTimeout(now, Math.max(early, 0) + withoutFramesMs);
    if (early > 0) this.#pause = setTimeout(frame, early);
    else frame();
  }
}
