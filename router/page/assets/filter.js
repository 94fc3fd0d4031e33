// Which rows are shown: by kind, and by the words that are searched for among the
// rows that are in the page.

import { download } from "./download.js";
import { el, setText } from "./dom.js";
import { plural } from "./format.js";

const kinds = [
  ["says", "Messages"], ["thought", "Thoughts"], ["tool", "Tools"], ["error", "Errors"], ["people", "People"],
  ["cost", "Cost"], ["other", "Other"],
];

const mostSearched = 10; // parts, then the reader decides again

export class Filter {
  #list;
  #timeline;
  #history;
  #words = [];
  #hidden = new Set();
  #input;
  #note;
  #more;
  #searching = false;
  #announce;

  constructor(list, timeline, history, taskURL, announce) {
    this.#list = list;
    this.#timeline = timeline;
    this.#history = history;
    this.#announce = announce;
    this.#build(taskURL);
  }

  // active tells that some rows are not shown.
  get active() {
    return this.#words.length > 0 || this.#hidden.size > 0;
  }

  focus() {
    this.#input.focus();
    this.#input.select();
  }

  clear() {
    this.#input.value = "";
    this.#search();
  }

  // apply looks at the rows once more.
  apply() {
    let matching = 0;
    const rows = this.#timeline.rows;
    for (const row of rows) {
      const matches = this.#matches(row);
      if (matches) matching++;
      row.classList.toggle("no-match", !matches);
    }
    this.#note.parentElement.hidden = !this.active;
    if (!this.active) return;
    this.#more.hidden = !this.#history.hasOlder || this.#words.length === 0;
    const first = rows[0]?.dataset.seq, last = this.#timeline.last?.dataset.seq;
    const where = first === undefined ? "nothing is here yet"
      : `searched #${first}–#${last}${this.#history.hasOlder || !this.#history.whole ? ", not the whole run" : ", the whole run"}`;
    const what = this.#words.length > 0 ? `${plural(matching, "row")} found · ${where}` : `${plural(this.#hidden.size, "kind")} hidden`;
    setText(this.#note, what);
  }

  // reveal makes sure that a place is shown.
  reveal(place) {
    const row = place.closest("#timeline > .event");
    if (row === null || row.getClientRects().length > 0) return;
    this.#hidden.clear();
    for (const button of document.querySelectorAll(".kinds button")) button.setAttribute("aria-pressed", "true");
    this.#showKinds();
    this.clear();
  }

  #matches(row) {
    if (this.#words.length === 0) return true;
    const text = row.textContent.toLowerCase();
    return this.#words.every((word) => text.includes(word));
  }

  #search() {
    this.#words = this.#input.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    this.apply();
    // What comes live changes the note all the time: only what was asked for is said.
    if (this.#words.length > 0) this.#announce(this.#note.textContent);
  }

  // #searchOlder loads older parts until one more row is found.
  async #searchOlder() {
    if (this.#searching) return;
    this.#searching = true;
    this.#more.disabled = true;
    const found = () => this.#timeline.rows.filter((row) => !row.classList.contains("no-match")).map((row) => row.id);
    const before = new Set(found());
    for (let parts = 0; parts < mostSearched && this.#words.length > 0; parts++) {
      if (!await this.#history.older()) break;
      if (found().some((id) => !before.has(id))) break;
    }
    this.#more.disabled = false;
    this.#searching = false;
    this.apply();
    this.#announce(this.#note.textContent);
  }

  #build(taskURL) {
    this.#input = el("input", { id: "search", type: "search", placeholder: "Search in this run", autocomplete: "off", spellcheck: "false" });
    this.#input.addEventListener("input", () => this.#search());
    this.#note = el("span");
    this.#more = el("button", { type: "button", class: "button", id: "search-older" }, "Search older events");
    this.#more.addEventListener("click", () => this.#searchOlder());

    const group = el("div", { class: "kinds", role: "group", "aria-label": "Kinds of events" });
    for (const [kind, label] of kinds) {
      const button = el("button", { type: "button", class: "kind-button", "data-kind": kind, "aria-pressed": "true" }, label);
      button.addEventListener("click", () => {
        const hide = !this.#hidden.has(kind);
        if (hide) this.#hidden.add(kind);
        else this.#hidden.delete(kind);
        button.setAttribute("aria-pressed", String(!hide));
        this.#showKinds();
      });
      group.append(button);
    }

    const save = el("button", { type: "button", class: "button", id: "download" }, "Download");
    save.title = "The events as NDJSON";
    save.addEventListener("click", () => download(taskURL, save));

    const bar = el("div", { class: "timeline-tools" }, group,
      el("div", { class: "search-box" }, el("label", { class: "hidden-label", for: "search" }, "Search in this run"), this.#input, save),
      el("p", { class: "search-note" }, this.#note, " ", this.#more));
    (document.getElementById("older").parentElement).before(bar);
    this.#note.parentElement.hidden = true;
  }

  #showKinds() {
    this.#list.dataset.hide = [...this.#hidden].join(" ");
    this.apply();
  }
}
