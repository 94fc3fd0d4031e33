// What a search in a run has found: the server looks at all of it, part by part.

import { compare, withChange } from "./cursor.js";

const againMs = 1000; // between two looks at what is new

export class Hits {
  list = []; // places, oldest first
  done = false;
  at = -1; // the hit that was gone to
  #taskURL;
  #changed;
  #query = null; // {words, kinds}
  #next = "";
  #looking = null;
  #timer;

  // changed() is called when there is more to tell.
  constructor(taskURL, changed) {
    this.#taskURL = taskURL;
    this.#changed = changed;
  }

  // start looks for something else; null for nothing.
  start(query) {
    this.#query = query;
    this.list = [];
    this.at = -1;
    this.done = false;
    this.#next = "";
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#looking?.abort();
    if (query !== null) this.#look();
  }

  // more looks at what has come since.
  more() {
    if (this.#query === null || !this.done) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#query !== null) this.#look();
    }, againMs);
  }

  async #look() {
    const looking = this.#looking = new AbortController();
    try {
      do {
        const answer = await fetch(this.#address(), { headers: { Accept: "application/json" }, cache: "no-store", signal: looking.signal });
        if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
        const { hits, changes, next, done } = await answer.json();
        if (looking !== this.#looking) return;
        this.list.push(...hits.map((hit, i) => withChange(hit, changes?.[i])));
        this.#next = next;
        this.done = done;
        this.#changed();
      } while (!this.done);
    } catch {
      if (looking.signal.aborted) return;
      this.done = true; // what comes next, or what is typed, tries again
      this.#changed();
    }
  }

  #address() {
    const page = document.body.dataset;
    const { words, kinds } = this.#query;
    const query = new URLSearchParams();
    if (words !== "") query.set("q", words);
    if (kinds.length > 0) query.set("kinds", kinds.join(","));
    if (page.all === "true") query.set("sessions", "all");
    else if (page.session !== "") query.set("session", page.session);
    if (this.#next !== "") query.set("after", this.#next);
    return `${this.#taskURL}/search?${query}`;
  }

  // step goes by one, round the ends, and at first from a place on. It returns the
  // place of the hit, or undefined.
  step(by, from) {
    const { length } = this.list;
    if (length === 0) return undefined;
    if (this.at < 0) {
      const behind = this.list.findIndex((hit) => compare(hit, from) >= 0);
      this.at = by > 0 ? (behind < 0 ? 0 : behind) : ((behind < 0 ? length : behind) - 1 + length) % length;
    } else {
      this.at = (this.at + by + length) % length;
    }
    return this.list[this.at];
  }
}
