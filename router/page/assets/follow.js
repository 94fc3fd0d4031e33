// Keeps the end of the page in view while the reader is there, and leaves the
// reader alone everywhere else.

import { setText } from "./dom.js";

const nearEnd = 48; // pixels that still count as the end

export class Follow {
  #active;
  #unseen = 0;
  #lastY = 0;
  #button;
  #count;

  // content is what grows; button is shown while the reader is elsewhere.
  constructor(content, button, count, active) {
    this.#active = active;
    this.#button = button;
    this.#count = count;
    // The browser's own memory of a scroll position is older than the content.
    history.scrollRestoration = "manual";
    addEventListener("scroll", () => this.#scrolled(), { passive: true });
    button.addEventListener("click", () => this.resume());
    // Who unfolds something wants to read it, not to see it pushed away.
    content.addEventListener("click", (click) => {
      if (click.target.closest("summary, button") !== null) this.pause();
    });
    new ResizeObserver(() => {
      if (this.#active) this.#toEnd();
      this.#show();
    }).observe(content);
  }

  // added tells of new rows that arrived live.
  added(rows) {
    if (this.#active) return;
    this.#unseen += rows;
    this.#show();
  }

  pause() {
    this.#active = false;
    this.#show();
  }

  resume() {
    this.#active = true;
    this.#unseen = 0;
    this.#toEnd();
    this.#show();
  }

  forget() {
    this.#unseen = 0;
    this.#show();
  }

  #toEnd() {
    scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    this.#lastY = scrollY;
  }

  // Only a move upwards is the reader's wish to stay: content that grows also
  // takes the end away from the view, but does not move it up.
  #scrolled() {
    const up = scrollY < this.#lastY;
    this.#lastY = scrollY;
    if (this.#atEnd()) {
      this.#active = true;
      this.#unseen = 0;
    } else if (up) {
      this.#active = false;
    }
    this.#show();
  }

  #atEnd() {
    return document.documentElement.scrollHeight - innerHeight - scrollY <= nearEnd;
  }

  #show() {
    this.#button.hidden = this.#active || this.#atEnd();
    setText(this.#count, this.#unseen > 0 ? ` (${this.#unseen} new)` : "");
  }
}
