// The rows of the timeline that are in the page: a stretch of the run without holes,
// in order, each event once. The stretch is bounded: what is taken away at one end
// can be had again from the server. Before it stand calls that something within it
// belongs to.

import { compare, cursorOf } from "./cursor.js";
import { isEstimated, since } from "./format.js";
import { abandonCalls, callOf, joinCost, joinResult, settleCalls } from "./joins.js";
import { merge } from "./merge.js";
import { inOrder, partsOf } from "./order.js";
import { pruneNewer, pruneOlder } from "./prune.js";
import { count, nest, takeTotals } from "./subagents.js";

// How many events are in the page at most, and how many are left when there are more.
// Who follows the end sees no more than the last few, and each costs a little whenever
// the page is drawn.
const read = { most: 1200, kept: 900 };
const followed = { most: 200, kept: 120 };

const notEvents = (item) => item.dataset.seq === undefined;

export class Timeline {
  first; // the cursor of the oldest event of the stretch, "" without any
  last = null; // the newest event in the page: the element with its data-seq
  #list;
  #prepare;
  #folds;
  #lastTime = NaN;

  // prepare(item) is called with each new item before it is shown. folds are told of
  // what comes, changes and goes.
  constructor(list, prepare, folds) {
    this.#list = list;
    this.#prepare = prepare;
    this.#folds = folds;
    this.first = document.body.dataset.first;
    for (const item of list.children) this.#prepareAll(item);
    this.#findLast();
    folds.all();
  }

  get count() {
    return this.#list.querySelectorAll("[data-seq]").length;
  }

  // rows are the top ones, in order, except those that nobody is shown.
  get rows() {
    return [...this.#list.querySelectorAll(":scope > .event:not([hidden])")];
  }

  // append adds what is newer than everything here: rows of the stream. It returns
  // how many rows were added.
  append(items) {
    let rows = 0;
    const touched = new Set();
    for (const item of items) {
      if (notEvents(item)) {
        this.#list.append(item);
        continue;
      }
      if (has(item)) continue;
      if (this.first === "") this.first = cursorOf(item);
      rows += this.#add(item, touched);
    }
    this.#folds.around(touched);
    return rows;
  }

  #add(row, touched) {
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
        this.last = joinResult(call, row);
        this.#prepare(this.last);
        if (row.dataset.outcome === "failed") count(call, row, { failed: 1 });
        touched.add(call);
        return 0;
      }
    }
    for (const name of row.dataset.withdraws?.split(" ") ?? []) this.#withdraw(name, row.dataset.session, touched);
    // The latest cost of a message has what the ones before it had, and more.
    const grown = row.dataset.cost === undefined ? 0 : this.#grow(row);
    const usd = Number(row.dataset.usd ?? 0) - grown;
    const estimated = isEstimated(row) ? 1 : 0;
    if (row.dataset.amount !== undefined) {
      const cost = joinCost(this.#list, row);
      if (cost !== null) {
        this.last = cost;
        count(cost, row, { usd, estimated });
        touched.add(cost.closest(".event"));
        return 0;
      }
    }
    // The agent goes on only once it has what it asked for, and not all agents
    // record results.
    if (type === "assistant") abandonCalls(this.#list, (call) => call.dataset.parent === parent, touched);
    if (type === "complete") abandonCalls(this.#list, () => true, touched);
    this.#prepare(row);
    const call = nest(this.#list, row);
    if (call === null) this.#list.append(row);
    else {
      count(row, row, { calls: type === "tool_call" ? 1 : 0, failed: row.dataset.outcome === "failed" ? 1 : 0, usd, estimated });
      touched.add(call);
    }
    touched.add(row);
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
  #withdraw(name, session, touched) {
    const row = [...this.#list.querySelectorAll(`[data-name="${CSS.escape(name)}"][data-session="${session}"]`)].at(-1);
    if (row === undefined) return;
    row.dataset.withdrawn = "true";
    touched.add(row.closest(".event"));
  }

  // #grow hides the costs before of a message, and returns what they were.
  #grow(row) {
    const { cost, session } = row.dataset;
    let usd = 0;
    for (const before of this.#list.querySelectorAll(`[data-cost="${CSS.escape(cost)}"][data-session="${session}"]:not([hidden])`)) {
      before.hidden = true;
      usd += Number(before.dataset.usd ?? 0);
    }
    return usd;
  }

  // newer adds a part that the server has joined already, behind everything here.
  newer({ items, first }) {
    const before = this.#lastTime;
    const row = items.find((item) => item.dataset.seq !== undefined && !item.hidden && compare(cursorOf(item), first) >= 0);
    if (row !== undefined) sinceLast(row, Date.parse(row.dataset.time) - before);
    if (this.first === "") this.first = first;
    this.#merge(items, (item) => inOrder(this.#list, item));
  }

  // older adds such a part before what is here.
  older({ items, first }) {
    const edge = this.rows.find((row) => compare(cursorOf(row), this.first) >= 0);
    const before = partsOf(items).findLast((part) => !part.hidden);
    if (edge !== undefined && before !== undefined) sinceLast(edge, Date.parse(edge.dataset.time) - Date.parse(before.dataset.time));
    const rows = [...this.#list.querySelectorAll(":scope > .event")];
    this.#merge(items, (item) => {
      while (rows.length > 0 && compare(cursorOf(rows[0]), cursorOf(item)) < 0) rows.shift();
      let place = rows[0] ?? null;
      while (place?.previousElementSibling && notEvents(place.previousElementSibling)) place = place.previousElementSibling;
      this.#list.insertBefore(item, place);
    });
    if (first !== "") this.first = first;
  }

  // replace shows a part instead of what is here.
  replace({ items, first }) {
    for (const item of items) this.#prepareAll(item);
    this.first = first;
    this.#list.replaceChildren(...items);
    this.#findLast();
    this.#folds.all();
  }

  // settle tells that the newest rows are here.
  settle() {
    settleCalls(this.#list);
    this.#folds.all();
  }

  // trimOldest takes rows away at the old end, if there are too many: leaving() is called
  // before it does. It tells whether it did.
  trimOldest(follows, leaving) {
    const { most, kept } = follows ? followed : read;
    if (this.count <= most) return false;
    leaving();
    this.first = cursorOf(partsOf([this.#list]).at(-kept));
    pruneOlder(this.#list, this.first);
    this.#folds.all();
    return true;
  }

  // trimNewest does it at the new end, and returns the cursor of what is now the
  // newest row; "" when it did nothing.
  trimNewest() {
    if (this.count <= read.most) return "";
    const end = cursorOf(partsOf([this.#list])[read.kept - 1]);
    pruneNewer(this.#list, end);
    this.#findLast();
    this.#folds.all();
    return end;
  }

  // #merge leaves out what is here already. A notice stands before an event and
  // comes with it.
  #merge(items, place) {
    let notices = [];
    for (const item of items) {
      this.#prepareAll(item);
      if (notEvents(item)) {
        notices.push(item);
        continue;
      }
      if (merge(item)) {
        place(item);
        item.before(...notices);
      }
      notices = [];
    }
    this.#joinLate();
    this.#findLast();
    this.#folds.all();
  }

  #prepareAll(item) {
    for (const place of item.querySelectorAll(".subagent")) takeTotals(place);
    this.#prepare(item);
    for (const row of item.querySelectorAll(".event, .result")) this.#prepare(row);
  }

  // #joinLate joins what came before that which it belongs to: in another part.
  #joinLate() {
    for (const row of [...this.#list.querySelectorAll(":scope > .event[data-parent]")]) nest(this.#list, row);
    for (const row of [...this.#list.querySelectorAll('.event[data-type="tool_result"]')]) {
      const call = callOf(this.#list, row);
      if (call !== null) joinResult(call, row);
    }
    for (const row of [...this.#list.querySelectorAll(".event[data-amount]")]) joinCost(this.#list, row);
  }

  #findLast() {
    this.last = partsOf([this.#list]).findLast((part) => !part.hidden) ?? null;
    this.#lastTime = Date.parse(this.last?.dataset.time);
  }
}

const has = (item) => document.getElementById(item.id) !== null;

// sinceLast shows the time since the event before, where it is not known yet.
function sinceLast(row, ms) {
  const place = row.querySelector(":scope > .meta .since");
  if (place?.textContent === "") place.textContent = since(ms);
}
