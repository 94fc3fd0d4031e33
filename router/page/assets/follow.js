// Keeps the end of the page in view while the reader is there, and leaves the
// reader alone everywhere else.

import { readingTop, setText } from "./dom.js";

const nearEnd = 48; // pixels that still count as the end

export class Follow {
  #active;
  #unseen = 0;
  #lastY = 0;
  #button;
  #count;
  #options;

  // content is what is read; button is shown while the reader is elsewhere.
  // options: active at first; whole() tells whether the newest rows are in the page;
  // latest() is a promise of that; goesOn() whether more may come; changed(active).
  constructor(content, button, count, options) {
    this.#active = options.active;
    this.#button = button;
    this.#count = count;
    this.#options = options;
    // The browser's own memory of a scroll position is older than the content.
    history.scrollRestoration = "manual";
    addEventListener("scroll", () => this.#scrolled(), { passive: true });
    button.addEventListener("click", () => this.resume());
    // Who unfolds something wants to read it, not to see it pushed away. Who answers a
    // question wants to see what comes of it.
    content.addEventListener("click", (click) => {
      if (click.target.closest("summary, button:not(.option)") !== null) this.pause();
    });
    new ResizeObserver(() => this.keep()).observe(document.body);
  }

  get active() {
    return this.#active;
  }

  // keep brings the end back into view after something grew.
  keep() {
    if (this.#active) this.#toEnd();
    this.show();
  }

  // added reports new events that arrived live.
  added(events) {
    if (this.#active) return;
    this.#unseen += events;
    this.show();
  }

  pause() {
    this.#become(false);
    this.show();
  }

  async resume() {
    await this.#options.latest();
    this.#become(true);
    this.#unseen = 0;
    this.#toEnd();
    this.show();
  }

  forget() {
    this.#unseen = 0;
    this.show();
  }

  show() {
    // In a run that is over there is nothing new to jump to, but what came unseen.
    const nothing = this.#options.whole() && (this.#atEnd() || !this.#options.goesOn() && this.#unseen === 0);
    this.#button.hidden = this.#active || nothing;
    setText(this.#count, this.#unseen > 0 ? ` (${this.#unseen} new)` : "");
  }

  #toEnd() {
    scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    this.#lastY = scrollY;
  }

  // Only a move upwards is the reader's wish to stay: content that grows also
  // takes the end away from the view, but does not move it up.
  #scrolled() {
    const moved = scrollY - this.#lastY;
    this.#lastY = scrollY;
    if (!(this.#atEnd() && this.#options.whole())) {
      if (moved < 0) this.#become(false);
    } else if (moved > 0) {
      this.#become(true);
      this.#unseen = 0;
    }
    this.show();
  }

  #become(active) {
    if (active === this.#active) return;
    this.#active = active;
    this.#options.changed(active);
  }

  #atEnd() {
    return document.documentElement.scrollHeight - innerHeight - scrollY <= nearEnd;
  }
}

// keepPlace makes a change and then puts back under the reader's eyes what was there.
export function keepPlace(list, change) {
  const top = readingTop();
  const places = [...list.children].filter((item) => !item.matches(".fold") && item.getBoundingClientRect().bottom > top).slice(0, 20)
    .map((item) => ({ item, y: item.getBoundingClientRect().top }));
  change();
  const anchor = places.find(({ item }) => item.isConnected);
  if (anchor !== undefined) scrollBy({ top: anchor.item.getBoundingClientRect().top - anchor.y, behavior: "instant" });
}
