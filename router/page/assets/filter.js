// The tools above the timeline: which kinds of events are shown, and a search in the
// whole run.

import { cursorOf } from "./cursor.js";
import { download } from "./download.js";
import { el, readingTop, setText } from "./dom.js";
import { Hits } from "./hits.js";
import { isOf, kinds } from "./kinds.js";
import { mark } from "./marks.js";

const typedMs = 150; // after the last key, before the server is asked

export class Filter {
  #list;
  #timeline;
  #goTo;
  #announce;
  #hits;
  #words = [];
  #chosen = new Set(); // kinds; none: all
  #input;
  #note;
  #buttons = new Map();
  #steps;
  #typed;

  // goTo(cursor, words) shows an event, unfolded to where the words are.
  constructor(list, timeline, taskURL, goTo, announce) {
    this.#list = list;
    this.#timeline = timeline;
    this.#goTo = goTo;
    this.#announce = announce;
    this.#hits = new Hits(taskURL, () => this.#show());
    this.#build(taskURL);
  }

  focus() {
    this.#input.focus();
    this.#input.select();
  }

  // look searches for a text at once, and returns its words.
  look(text) {
    this.#input.value = text;
    this.#take();
    return this.#words;
  }

  clear() {
    this.#input.value = "";
    this.#search();
  }

  // apply looks at the rows once more.
  apply() {
    if (this.#chosen.size > 0) this.#hideOthers();
    if (this.#words.length > 0) mark(this.#list, this.#words);
    this.#hits.more();
  }

  // reveal makes sure that a place is shown.
  reveal(place) {
    const row = place.closest(".event");
    if (row === null || row.closest(".no-match") === null) return;
    this.#chosen.clear();
    this.#choose();
  }

  step(by) {
    const top = readingTop();
    const inView = this.#timeline.rows.find((row) => row.getBoundingClientRect().bottom > top + 8);
    const from = inView === undefined ? "" : cursorOf(inView);
    const hit = this.#hits.step(by, from);
    this.#show();
    if (hit !== undefined) this.#goTo(hit, this.#words);
  }

  #hideOthers() {
    this.#list.classList.toggle("chosen", this.#chosen.size > 0);
    for (const row of this.#list.querySelectorAll(".event, .fold")) {
      row.classList.toggle("no-match", this.#chosen.size > 0 && !isOf(row, this.#chosen));
    }
  }

  #search() {
    clearTimeout(this.#typed);
    this.#typed = setTimeout(() => this.#take(), this.#input.value === "" ? 0 : typedMs);
  }

  // #take searches for what stands in the box.
  #take() {
    this.#words = this.#input.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    mark(this.#list, this.#words);
    this.#ask();
  }

  #ask() {
    const nothing = this.#words.length === 0 && this.#chosen.size === 0;
    this.#hits.start(nothing ? null : { words: this.#words.join(" "), kinds: [...this.#chosen] });
    this.#show();
  }

  #choose() {
    for (const [kind, button] of this.#buttons) {
      button.setAttribute("aria-pressed", String(kind === "" ? this.#chosen.size === 0 : this.#chosen.has(kind)));
    }
    this.#hideOthers();
    this.#ask();
  }

  // #show tells how much there is in the whole run.
  #show() {
    const nothing = this.#words.length === 0 && this.#chosen.size === 0;
    this.#note.parentElement.hidden = nothing;
    if (nothing) return;
    const { list, at, done } = this.#hits;
    const count = `${list.length} found`;
    const where = done ? "in the whole run" : "so far…";
    setText(this.#note, at < 0 ? `${count} ${where}` : `${at + 1} of ${count} ${where}`);
    for (const step of this.#steps) step.disabled = list.length === 0;
    // What comes live changes the note all the time: only what was asked for is said.
    if (done && at < 0) this.#announce(this.#note.textContent);
  }

  #build(taskURL) {
    this.#input = el("input", { id: "search", type: "search", placeholder: "Search in this run", autocomplete: "off", spellcheck: "false" });
    this.#input.addEventListener("input", () => this.#search());
    this.#input.addEventListener("keydown", (key) => {
      if (key.key === "Enter") this.step(key.shiftKey ? -1 : 1);
    });
    this.#note = el("span", { id: "found" });
    const step = (by, id, label, sign) => {
      const button = el("button", { type: "button", class: "button step", id, "aria-label": label, title: label }, sign);
      button.addEventListener("click", () => this.step(by));
      return button;
    };
    this.#steps = [step(-1, "previous-hit", "Previous", "↑"), step(1, "next-hit", "Next", "↓")];

    const group = el("div", { class: "kinds", role: "group", "aria-label": "Show only" });
    for (const [kind, label] of [["", "All"], ...kinds]) {
      const button = el("button", { type: "button", class: "kind-button", "data-kind": kind, "aria-pressed": String(kind === "") }, label);
      button.addEventListener("click", () => {
        if (kind === "") this.#chosen.clear();
        else if (!this.#chosen.delete(kind)) this.#chosen.add(kind);
        this.#choose();
      });
      this.#buttons.set(kind, button);
      group.append(button);
    }

    const save = el("button", { type: "button", class: "button", id: "download" }, "Download");
    save.title = "The events as NDJSON";
    save.addEventListener("click", () => download(taskURL, save));

    const bar = el("div", { class: "timeline-tools" }, group,
      el("div", { class: "search-box" }, el("label", { class: "hidden-label", for: "search" }, "Search in this run"), this.#input, save),
      el("p", { class: "search-note" }, ...this.#steps, " ", this.#note));
    (document.getElementById("older").parentElement).before(bar);
    this.#note.parentElement.hidden = true;
  }
}
