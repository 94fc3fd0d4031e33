// The line that says what the agent does now, whatever part of the run is on the screen.
// The server says it; here it is kept up to date.

import { doingWhat, planWords } from "./doingwords.js";
import { el, setText } from "./dom.js";
import { clock } from "./format.js";
import { paceOf } from "./pace.js";

const byID = (id) => document.getElementById(id);

export class Now {
  #place = byID("now");
  #since;
  #running;
  #updated; // when something was appended last
  #sequence;
  behind; // the server has not read all of the run yet

  constructor() {
    this.#read();
  }

  // #read takes over what the page was made with.
  #read() {
    const { dataset } = this.#place;
    this.#since = new Date(dataset.since);
    this.#running = dataset.running === "true";
    this.#updated = Date.parse(dataset.updated);
    this.#sequence = Number(dataset.sequence);
    this.behind = dataset.behind === "true";
    for (const name of ["since", "running", "updated", "sequence", "behind"]) delete dataset[name];
  }

  // adopt takes the line of a page that the server has made again.
  adopt(place) {
    place.querySelector("details").open = byID("now-plan").open;
    this.#place.replaceWith(document.adoptNode(place));
    this.#place = place;
    this.#read();
  }

  // forget starts again: another session begins.
  forget() {
    this.#sequence = 0;
  }

  // heard tells that something was appended just now.
  heard() {
    this.#updated = Date.now();
  }

  // show takes what the server says of a run with so many events. An answer that was
  // overtaken by another is none.
  show(now, updated, head, address) {
    this.behind = now.sequence < head;
    if (now.sequence < this.#sequence) return;
    this.#sequence = now.sequence;
    this.#updated = Math.max(Date.parse(updated) || 0, this.#updated || 0);
    this.#since = new Date(now.since ?? "");
    this.#running = now.running;
    this.#place.dataset.kind = now.kind;
    this.#say(doingWhat(now), now.detail, now.inside);
    showPlan(now);
    part("now-loop", now.loop);
    if (now.loop !== "") byID("now-loop").href = address(now.loop_at);
  }

  // over says how it has ended, with which event, or that it is gone.
  over(sequence, kind, what, detail) {
    this.#sequence = sequence;
    this.#place.dataset.kind = kind;
    this.#since = new Date(NaN);
    this.#running = false;
    this.#say(what, detail, "");
  }

  #say(what, detail, inside) {
    setText(byID("now-what"), what);
    setText(byID("now-detail"), detail);
    part("now-inside", inside === "" ? "" : `inside ${inside}`);
  }

  // silence is how long nothing was heard.
  silence(now) {
    return now - this.#updated;
  }

  // pace tells whether it goes on.
  pace(now) {
    return paceOf(this.#running, this.#updated, now);
  }

  // moment is that from which the time is counted.
  moment(now) {
    return this.pace(now) === "working" ? this.#since.getTime() : this.#updated;
  }

  // tick shows how long it takes; long(ms) puts it into words.
  tick(now, long, open, ended) {
    const pace = open ? this.pace(now) : "working";
    const since = Number.isNaN(this.#since.getTime()) ? "" : long(now - this.#since);
    let text = open ? since : ended;
    if (pace !== "working") {
      const heard = `nothing was heard since ${clock(new Date(this.#updated))}, ${long(now - this.#updated)}`;
      text = pace === "stuck" ? `stuck? ${heard}` : `idle, ${heard}`;
    }
    setText(byID("now-for"), text);
    return pace;
  }
}

// showPlan shows how much of the plan is done, and its steps when a person unfolds it.
function showPlan(now) {
  const place = byID("now-plan"), { steps } = now;
  setText(byID("now-progress"), planWords(now));
  place.hidden = now.plan === "";
  const list = place.querySelector(".steps");
  const fresh = el("ul", { class: "steps" }, ...steps.map(({ text, state }) =>
    el("li", { "data-state": state }, el("span", { class: "hidden-label" }, `${state}: `), el("bdi", {}, text))));
  if (steps.length === 0) list?.remove();
  else if (list === null) place.append(fresh);
  else if (!list.isEqualNode(fresh)) list.replaceWith(fresh);
}

function part(id, text) {
  const place = byID(id);
  setText(place, text);
  place.hidden = text === "";
}
