// Draws what has come: once a frame, and where there are no frames, as in a tab in the
// background, a few times a second. A tab may change sides while a frame is awaited:
// whichever comes first draws.

const withoutFramesMs = 250;

export class Frames {
  #draw;
  #frame;
  #timer;

  constructor(draw) {
    this.#draw = draw;
  }

  // request has draw called soon, once for all requests until then.
  request() {
    if (this.#timer !== undefined) return;
    const now = () => {
      cancelAnimationFrame(this.#frame);
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#draw();
    };
    this.#timer = setTimeout(now, withoutFramesMs);
    this.#frame = requestAnimationFrame(now);
  }
}
