// What a page shows above the rows: what the run came to, and the run as a map. The
// server draws both; here they are kept up to date, and lead to events without a load.

import { el, readingTop } from "./dom.js";
import { fetchPage } from "./fragments.js";
import { markdownButton } from "./looks.js";
import { outcomeMarkdown } from "./markdown.js";

const againMs = 10_000; // between two drawings of a run that goes on

const byID = (id) => document.getElementById(id);
const page = document.body.dataset;

export class Overview {
  #taskURL;
  #options;
  #timer;
  #scrubber = el("input", { type: "range", id: "scrub", min: "1", step: "1", "aria-label": "Go to an event of the run" });
  #waiting = false;

  // options: goTo(id) shows an event; follows() tells whether the end is kept in view;
  // rows() are those in the page; head() is the newest sequence.
  constructor(taskURL, options) {
    this.#taskURL = taskURL;
    this.#options = options;
    document.querySelector("main").addEventListener("click", (click) => {
      const link = click.target.closest(".came-to a[data-to], .map a");
      if (link === null || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
      click.preventDefault();
      options.goTo(link.dataset.to ?? this.#idOf(link.dataset.first));
    });
    this.#scrubber.addEventListener("change", () => options.goTo(this.#idOf(this.#scrubber.value)));
    addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#placed();
  }

  #idOf(sequence) {
    return page.all === "true" ? `${byID("map").dataset.session}:${sequence}` : sequence;
  }

  // grown tells that there is more of the run.
  grown() {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (!document.hidden) this.load();
    }, againMs);
  }

  // load draws them again.
  async load() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const which = page.all === "true" ? "?sessions=all" : page.session === "" ? "" : `?session=${page.session}`;
    try {
      const fresh = await fetchPage(`${this.#taskURL}/overview${which}`);
      byID("outcome").replaceWith(document.adoptNode(fresh.getElementById("outcome")));
      this.#redraw(document.adoptNode(fresh.getElementById("map")));
      this.#placed();
    } catch {
      // The next time, or a reload, shows them.
    }
  }

  // #redraw leaves the scrubber where it is: somebody may hold it.
  #redraw({ hidden, dataset, childNodes }) {
    const map = byID("map");
    map.hidden = hidden;
    Object.assign(map.dataset, dataset);
    for (const node of [...map.childNodes]) if (node !== this.#scrubber) node.remove();
    this.#scrubber.before(...childNodes);
  }

  #placed() {
    const map = byID("map");
    this.#scrubber.max = map.dataset.head ?? "1";
    if (!map.contains(this.#scrubber)) map.append(this.#scrubber);
    const outcome = byID("outcome");
    if (!outcome.hidden) outcome.append(el("p", { class: "outcome-copy" }, markdownButton(() => outcomeMarkdown(outcome))));
    this.#show();
  }

  // #scrolled shows, once a frame, which event is in view.
  #scrolled() {
    if (this.#waiting || this.#options.follows()) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#show();
    });
  }

  #show() {
    let at = this.#scrubber.max;
    if (!this.#options.follows()) {
      const top = readingTop() + 8;
      at = this.#options.rows().find((row) => row.getBoundingClientRect().bottom > top)?.dataset.seq ?? at;
    }
    if (this.#scrubber.value !== at) this.#scrubber.value = at;
  }
}
