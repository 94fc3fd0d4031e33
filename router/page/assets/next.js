// What comes after the session that is shown: it may be tried again.

import { compare } from "./cursor.js";
import { el } from "./dom.js";
import { Link } from "./link.js";

// Sessions that somebody ended, and not their agent: another one is likely.
const mayGoOn = ["canceled", "interrupted"];

export class Next {
  #taskURL;
  #options;
  #link = null;

  // options: place, where to say it; follows() tells whether the end is kept in view;
  // shown() is called when something was said.
  constructor(taskURL, options) {
    this.#taskURL = taskURL;
    this.#options = options;
  }

  // after looks for the session that has taken the place of one that ended with a
  // status, at a cursor. It waits for one only where the agent has not come to its end
  // by itself: after that the page makes no requests.
  async after(status, cursor) {
    // A page of one session stays with it.
    const follows = this.#options.follows() && document.body.dataset.pinned === "";
    if (await this.#look(follows) || !mayGoOn.includes(status)) return;
    this.#link = new Link({
      about: () => ({ url: this.#streamURL(), cursor, ends: false, checks: { task: this.#taskURL } }),
      joined: (fresh) => {
        if (!fresh) this.#look(follows);
      },
      row: () => this.#look(follows),
      control: {},
      state() {},
      ended() {},
      gone() {},
    });
    this.#link.join();
  }

  #streamURL() {
    return `${this.#taskURL}/events/stream?format=html&control=true&sessions=all`;
  }

  // #look tells whether there is a newer session, and goes there.
  async #look(follows) {
    try {
      const answer = await fetch(`${this.#taskURL}/sessions?limit=1`, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!answer.ok) return false;
      const { sessions: [latest] } = await answer.json();
      if (latest === undefined || compare(latest.id, document.body.dataset.session) <= 0) return false;
    } catch {
      return false; // to load the page again shows it as well
    }
    this.#link?.leave();
    this.#say();
    // Who was at the end wants to see how it goes on; not who has gone to read elsewhere.
    if (follows && this.#options.follows()) location.replace(this.#address);
    return true;
  }

  get #address() {
    return `./${encodeURIComponent(document.body.dataset.task)}`;
  }

  #say() {
    if (document.getElementById("next") !== null) return;
    this.#options.place.append(el("p", { class: "more-line", id: "next" }, "A new session has started. ",
      el("a", { class: "button", href: this.#address }, "Go there")));
    this.#options.shown();
  }
}
