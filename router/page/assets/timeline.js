// The rows of the timeline that are in the page: a stretch of the run without holes,
// in order, each event once. The stretch is bounded: what is taken away at one end
// can be had again from the server.

import { compare, cursorOf } from "./cursor.js";
import { since } from "./format.js";
import { abandonCalls, addUp, callOf, joinCost, joinResult, nest } from "./joins.js";

const mostEvents = 1200;
const keptEvents = 900; // when it is too much

const notEvents = (item) => item.dataset.seq === undefined;

export class Timeline {
  last = null; // the newest event in the page: the element with its data-seq
  #list;
  #prepare;
  #lastTime = NaN;

  // prepare(item) is called with each new item before it is shown.
  constructor(list, prepare) {
    this.#list = list;
    this.#prepare = prepare;
    for (const item of list.children) this.#prepareAll(item);
    this.#findLast();
  }

  get count() {
    return this.#list.querySelectorAll("[data-seq]").length;
  }

  // first is the cursor of the oldest row, "" without any.
  get first() {
    const row = this.#edge ?? this.#list.querySelector(":scope > .event");
    return row === null ? "" : cursorOf(row);
  }

  // rows are the top ones, in order, but for those that nobody is shown.
  get rows() {
    return [...this.#list.querySelectorAll(":scope > .event:not([hidden])")];
  }

  get running() {
    const open = this.#list.querySelectorAll('.event[data-type="tool_call"][data-outcome="open"]');
    return open[open.length - 1] ?? null;
  }

  // append adds what is newer than everything here: rows of the stream. It returns
  // how many rows were added.
  append(items) {
    let rows = 0;
    for (const item of items) {
      if (notEvents(item)) {
        this.#list.append(item);
        continue;
      }
      if (this.#has(item)) continue;
      rows += this.#add(item);
    }
    return rows;
  }

  #add(row) {
    if (row.dataset.type === "session") this.#learn(row);
    if (row.hidden) {
      this.#prepare(row);
      this.#list.append(row);
      return 0;
    }
    const time = Date.parse(row.dataset.time);
    sinceLast(row, time - this.#lastTime);
    this.#lastTime = time;
    const { type, parent } = row.dataset;
    this.last = row;
    if (type === "tool_result") {
      const call = callOf(this.#list, row);
      if (call !== null) {
        joinResult(call, row);
        this.last = call.querySelector(":scope > .content > .tool > .tool-body > .result");
        this.#prepare(this.last);
        return 0;
      }
    }
    for (const name of row.dataset.withdraws?.split(" ") ?? []) this.#withdraw(name, row.dataset.session);
    // The latest cost of a message has what the ones before it had, and more.
    if (row.dataset.cost !== undefined) this.#grow(row);
    if (row.dataset.amount !== undefined) {
      const cost = joinCost(this.#list, row);
      if (cost !== null) {
        this.last = cost;
        addUp(cost);
        return 0;
      }
    }
    // The agent goes on only once it has what it asked for, and not all agents
    // record results.
    if (type === "assistant") abandonCalls(this.#list, (call) => call.dataset.parent === parent);
    if (type === "complete") abandonCalls(this.#list, () => true);
    this.#prepare(row);
    if (nest(this.#list, row)) addUp(row);
    else this.#list.append(row);
    return 1;
  }

  // #learn shows the row of a session event if it tells that another model works now.
  #learn(row) {
    const { model, session } = row.dataset;
    const known = [...this.#list.querySelectorAll(`.event[data-type="session"][data-model][data-session="${session}"]`)].at(-1)?.dataset.model;
    const shown = document.body.dataset.all === "true" ? undefined : document.getElementById("model").textContent || undefined;
    row.hidden = model === undefined || (known ?? shown ?? model) === model;
  }

  // #withdraw marks the latest row of a name: an agent has taken back what it says.
  #withdraw(name, session) {
    const rows = this.#list.querySelectorAll(`[data-name="${CSS.escape(name)}"][data-session="${session}"]`);
    if (rows.length > 0) rows[rows.length - 1].dataset.withdrawn = "true";
  }

  #grow(row) {
    const { cost, session } = row.dataset;
    for (const before of this.#list.querySelectorAll(`[data-cost="${CSS.escape(cost)}"][data-session="${session}"]`)) before.hidden = true;
  }

  // newer adds a part that the server has joined already, behind everything here.
  newer(items) {
    this.#merge(items, (item) => this.#list.append(item));
    this.#joinLate();
    this.#findLast();
  }

  // older adds such a part before what is here.
  older(items) {
    const pinned = this.rows.filter((row) => this.#edge !== null && compare(cursorOf(row), cursorOf(this.#edge)) < 0);
    const edge = this.#edge ?? this.#list.firstElementChild;
    const firstTime = Date.parse(edge?.dataset.time);
    this.#merge(items, (item) => {
      if (!notEvents(item)) {
        while (pinned.length > 0 && compare(cursorOf(pinned[0]), cursorOf(item)) < 0) pinned.shift();
      }
      this.#list.insertBefore(item, pinned[0] ?? edge);
    });
    this.#edge = null;
    const before = edge?.previousElementSibling;
    if (before?.dataset.time !== undefined) sinceLast(edge, firstTime - Date.parse(before.dataset.time));
    this.#joinLate();
  }

  // replace shows a part instead of what is here.
  replace(items) {
    for (const item of items) this.#prepareAll(item);
    this.#edge = null;
    this.#list.replaceChildren(...items);
    this.#findLast();
  }

  // trimOldest takes rows away at the old end, if there are too many. It tells
  // whether it did.
  trimOldest() {
    if (this.count <= mostEvents) return false;
    const rows = this.rows;
    let kept = 0, at = rows.length;
    while (at > 0 && kept < keptEvents) kept += sizeOf(rows[--at]);
    if (at === 0) return false;
    const edge = rows[at];
    for (let item = this.#list.firstElementChild; item !== edge;) {
      const next = item.nextElementSibling;
      // A call that is still open, or whose result is among the rows that stay, stays.
      if (notEvents(item) || !(item.dataset.outcome === "open" || reaches(item, edge))) item.remove();
      item = next;
    }
    this.#edge = edge;
    return true;
  }

  // trimNewest does it at the new end, and returns the cursor of what is now the
  // newest row; "" when it did nothing.
  trimNewest() {
    if (this.count <= mostEvents) return "";
    const rows = this.rows;
    let kept = 0, at = -1;
    while (at < rows.length - 1 && kept < keptEvents) kept += sizeOf(rows[++at]);
    if (at === rows.length - 1) return "";
    const edge = rows[at];
    while (edge.nextElementSibling !== null) edge.nextElementSibling.remove();
    this.#findLast();
    return cursorOf(edge);
  }

  // #edge is where the stretch without holes begins when calls stand before it.
  #edge = null;

  #has(item) {
    return document.getElementById(item.id) !== null;
  }

  // #merge leaves out what is here already. A notice stands before an event and
  // comes with it.
  #merge(items, place) {
    let notices = [];
    for (const item of items) {
      if (notEvents(item)) {
        this.#prepareAll(item);
        notices.push(item);
        continue;
      }
      for (const known of [...item.querySelectorAll("[data-seq]")]) if (this.#has(known)) known.remove();
      if (!this.#has(item)) {
        this.#prepareAll(item);
        notices.forEach(place);
        place(item);
      }
      notices = [];
    }
  }

  #prepareAll(item) {
    this.#prepare(item);
    for (const row of item.querySelectorAll(".event, .result")) this.#prepare(row);
  }

  // #joinLate joins results that came before their call: those of another part.
  #joinLate() {
    for (const row of [...this.#list.querySelectorAll('.event[data-type="tool_result"]')]) {
      const call = callOf(this.#list, row);
      if (call !== null) joinResult(call, row);
    }
    for (const row of [...this.#list.querySelectorAll(':scope > .event[data-amount]')]) joinCost(this.#list, row);
  }

  #findLast() {
    this.last = null;
    for (const event of this.#list.querySelectorAll("[data-seq]:not([hidden])")) {
      if (this.last === null || compare(cursorOf(event), cursorOf(this.last)) > 0) this.last = event;
    }
    this.#lastTime = Date.parse(this.last?.dataset.time);
  }
}

// sinceLast shows the time since the event before, where it is not known yet.
function sinceLast(row, ms) {
  const place = row.querySelector(":scope > .meta .since");
  if (place?.textContent === "") place.textContent = since(ms);
}

function sizeOf(row) {
  return 1 + row.querySelectorAll("[data-seq]").length;
}

function reaches(row, edge) {
  return [...row.querySelectorAll("[data-seq]")].some((part) => compare(cursorOf(part), cursorOf(edge)) >= 0);
}
