// A card of the wall: one task, while its agent works and for a moment after that.

import { doingWhat, planWords } from "./doingwords.js";
import { setText } from "./dom.js";
import { cost, dollars, duration, roughly } from "./format.js";
import { paceOf } from "./pace.js";

const leastRate = 0.01; // a minute that costs less is not worth a word
const ranks = { asks: 0, stuck: 1, working: 2, idle: 3 };

// rateWords is what a minute costs.
export function rateWords(usd, estimated) {
  return usd < leastRate ? "" : `${estimated ? "≈ " : ""}${dollars(usd)}/min`;
}

export class Card {
  id;
  title;
  element;
  estimated; // some of the cost
  #project;
  #agent;
  #status;
  #kind;
  #updated; // when something was appended last
  #started;
  #running; // a tool is at work
  #usd; // of a minute
  #ended; // NaN while it runs

  // of takes over a card that the server has made.
  static of(element) {
    const card = new Card();
    const { dataset } = card.element = element;
    card.id = dataset.task;
    card.title = dataset.title || dataset.task;
    card.#project = dataset.project;
    card.#agent = dataset.agent;
    card.#status = dataset.status;
    card.#kind = dataset.kind;
    card.#updated = Date.parse(dataset.updated);
    card.#started = Date.parse(dataset.started);
    card.#running = dataset.running === "true";
    card.#usd = Number(dataset.usd);
    card.estimated = dataset.estimated === "true";
    return card;
  }

  // make makes the card of a task that begins later.
  static make(task) {
    const element = document.getElementById("card").content.firstElementChild.cloneNode(true);
    Object.assign(element.dataset, { task: task.id, title: task.title, project: task.project ?? "", agent: task.agent ?? "", status: task.status, updated: "", started: "", behind: "false" });
    const card = Card.of(element);
    card.#part("title a").href = `tasks/${encodeURIComponent(task.id)}`;
    card.update(task);
    return card;
  }

  #part(name) {
    return this.element.querySelector(`.card-${name}`);
  }

  get open() {
    return this.#status === "open";
  }

  get asks() {
    return this.open && this.#kind === "asks";
  }

  get updated() {
    return this.#updated || 0;
  }

  get started() {
    return this.#started || 0;
  }

  // behind tells that what the server has said is not of the newest event.
  get behind() {
    return this.element.dataset.behind === "true";
  }

  pace(now) {
    return paceOf(this.#running, this.#updated, now);
  }

  // usd is what a minute costs now.
  usd(now) {
    return this.open && this.pace(now) === "working" ? this.#usd : 0;
  }

  // rank is lower for what wants to be looked at first.
  rank(now) {
    return this.asks ? ranks.asks : ranks[this.open ? this.pace(now) : "working"];
  }

  // update takes the task as the stream has it. It tells whether something is new.
  update(task) {
    const updated = Date.parse(task.updated) || 0;
    const isNew = updated !== this.updated || task.status !== this.#status;
    this.#updated = updated;
    this.#status = task.status;
    this.title = task.title || task.id;
    this.#project = task.project ?? "";
    this.element.dataset.status = task.status;
    setText(this.#part("title a bdi"), this.title);
    this.#showWho();
    return isNew;
  }

  // tell shows what the agent does, as the server says. It tells whether the agent has begun
  // to wait for a person.
  tell({ session, now }) {
    if (session === null) return false;
    const asked = this.asks;
    this.#kind = now.kind;
    this.#status = session.status;
    this.#running = this.open && now.running;
    this.#started = Date.parse(session.started);
    this.#usd = cost(session.totals) === "–" ? 0 : now.usd_per_minute; // it counts in other sessions
    this.#agent = session.agent;
    const { dataset } = this.element;
    Object.assign(dataset, { status: session.status, kind: now.kind, behind: String(now.sequence < session.head) });
    setText(this.#part("what"), doingWhat(now));
    setText(this.#part("detail"), now.detail);
    const spent = cost(session.totals);
    this.#show("cost", spent === "–" ? "" : spent);
    this.#show("loop", now.loop);
    this.#show("plan", planWords(now));
    this.estimated = (session.totals.estimated_usd ?? 0) > 0;
    this.#show("rate", this.open ? rateWords(this.#usd, this.estimated) : "");
    this.#ended = Date.parse(session.ended);
    this.#showWho();
    return this.asks && !asked;
  }

  #showWho() {
    this.#show("who", [this.#agent, this.#project].filter((text) => text !== "").join(" · "));
  }

  #show(name, text) {
    const part = this.#part(name);
    setText(part, text);
    part.hidden = text === "";
  }

  // tick shows how long it takes, and whether it goes on.
  tick(now) {
    const pace = this.open ? this.pace(now) : "";
    const { dataset } = this.element;
    if (dataset.pace !== pace) dataset.pace = pace;
    const heard = roughly(now - this.#updated);
    this.#show("pace", pace === "stuck" ? `stuck? Nothing was heard for ${heard}` : pace === "idle" ? `idle for ${heard}` : "");
    if (pace !== "" && pace !== "working") this.#show("rate", "");
    const ended = this.open ? NaN : this.#ended;
    const time = Number.isNaN(ended) ? roughly(now - this.#started) : duration(ended - this.#started);
    setText(this.#part("time"), Number.isNaN(this.#started) ? "" : time);
  }
}
