// Folds runs of like tools into a line: "Read 14 files". The rows stay where they are and
// are only out of sight. What failed, what still runs, and what a reader has unfolded is
// never folded away. What a subagent did folds as well, when it is over.

import { el, setText } from "./dom.js";
import { dollars, isEstimated } from "./format.js";
import { likeness, wordsOf } from "./likeness.js";
import { SubagentFolds } from "./subagentfolds.js";

const foldedFrom = 3; // rows
const mostNamed = 20; // of them are told by what they were about

export class Folds {
  #list;
  #subagents;
  #opened = new WeakSet(); // rows of runs that the reader has unfolded

  constructor(list) {
    this.#list = list;
    this.#subagents = new SubagentFolds(list);
    list.addEventListener("click", (click) => {
      const button = click.target.closest(".fold-button");
      if (button !== null) this.#toggleRun(button.closest(".fold"));
    });
  }

  // all looks at every run: parts have come or gone.
  all() {
    this.#subagents.show(this.#list);
    for (const rows of [this.#list, ...this.#list.querySelectorAll(".nested")]) {
      let at = rows.firstElementChild;
      if (at !== null && isNothing(at)) at = after(at);
      while (at !== null) at = after(this.#show(at));
      if (rows.lastElementChild?.matches(".fold")) rows.lastElementChild.remove();
    }
  }

  // around looks at the runs of rows that were added or changed.
  around(rows) {
    const seen = new Set();
    for (const row of rows) {
      if (!row.isConnected) continue;
      if (row.dataset.type === "complete") this.#subagents.show(this.#list);
      else this.#subagents.around(row);
      for (const one of [row, before(row), after(row)]) {
        if (one === null) continue;
        const first = firstOf(one);
        if (!seen.has(first)) this.#show(first);
        seen.add(first);
      }
    }
  }

  // toggle unfolds or folds a row: a run of tools, or a tool and what its subagent did.
  toggle(row) {
    if (isFold(row)) return this.#toggleRun(row);
    const subagent = row.querySelector(":scope > .content > .subagent");
    if (subagent !== null) this.#subagents.toggle(subagent);
    const details = row.querySelector(":scope > .content > details:not(.subagent)");
    if (details !== null) details.open = subagent === null ? !details.open : subagent.open;
  }

  #toggleRun(fold) {
    const open = fold.querySelector(".fold-button").getAttribute("aria-expanded") === "true";
    const rows = runOf(after(fold));
    for (const row of rows) this.#opened[open ? "delete" : "add"](row);
    this.#show(rows[0]);
  }

  // reveal unfolds what a place stands in.
  reveal(place) {
    this.#subagents.reveal(place);
    for (let row = place.closest(".event"); row !== null; row = row.parentElement.closest(".event")) {
      if (!row.matches(".folded")) continue;
      this.#opened.add(row);
      this.#show(firstOf(row));
    }
  }

  // #show shows the run that begins with a row as it is now, and returns its last row.
  #show(first) {
    const run = runOf(first);
    const folds = foldsIn(run.length > 0 ? run : [first]);
    const quiet = new Set(run.filter(isQuiet));
    const fold = quiet.size < foldedFrom ? undefined : folds.shift() ?? makeFold();
    for (const other of folds) other.remove();
    if (fold === undefined) {
      for (const row of run) row.classList.remove("folded");
      return run.at(-1) ?? first;
    }
    const open = run.some((row) => this.#opened.has(row));
    if (first.previousElementSibling !== fold) first.before(fold);
    say(fold, run, quiet, open);
    for (const row of run) {
      if (open) this.#opened.add(row); // those that have come since, too
      row.classList.toggle("folded", !open && quiet.has(row));
    }
    return run.at(-1);
  }
}

const isFold = (item) => item.matches(".fold");

// Events that nobody is shown lie between rows without parting them.
const isNothing = (item) => item.hidden || isFold(item);

function before(item) {
  let at = item.previousElementSibling;
  while (at !== null && isNothing(at)) at = at.previousElementSibling;
  return at;
}

function after(item) {
  let at = item.nextElementSibling;
  while (at !== null && isNothing(at)) at = at.nextElementSibling;
  return at;
}

// likenessOf is the same for rows that can be folded together, null for all others: a
// call that has started a subagent is a story of its own.
function likenessOf(row) {
  if (row.dataset.type !== "tool_call") return null;
  if (row.querySelector(":scope > .content > .subagent, :scope > .content > .tool > .tool-body > .steps") !== null) return null;
  return likeness(row.dataset.tool ?? "");
}

function firstOf(row) {
  const like = likenessOf(row);
  if (like === null) return row;
  for (let at = before(row); at !== null && likenessOf(at) === like; at = before(at)) row = at;
  return row;
}

function runOf(first) {
  const like = likenessOf(first);
  const rows = [];
  for (let at = first; like !== null && at !== null && likenessOf(at) === like; at = after(at)) rows.push(at);
  return rows;
}

// foldsIn are the lines that stand for rows already, before the first or, from when they
// were several runs, among them.
function foldsIn(rows) {
  const folds = [];
  const end = before(rows[0]);
  for (let at = rows.at(-1).previousElementSibling; at !== end; at = at.previousElementSibling) if (isFold(at)) folds.unshift(at);
  return folds;
}

// isQuiet tells whether a row has nothing that must be seen.
function isQuiet(row) {
  const { outcome, withdrawn } = row.dataset;
  if (outcome !== "ok" && outcome !== "none" || withdrawn !== undefined) return false;
  return !row.querySelector(":scope > .content > .tool").open && !row.matches(".current, .target")
    && row.querySelector(":scope > .content > .raw-event") === null;
}

function makeFold() {
  return el("li", { class: "fold", "data-type": "tool_call" },
    el("div", { class: "meta" }, el("span", { class: "fold-range" })), el("span", { class: "icon", "aria-hidden": "true" }),
    el("div", { class: "content" }, el("button", { type: "button", class: "fold-button" },
      el("span", { class: "fold-what" }), " ", el("span", { class: "fold-failed" }), " ", el("code", { class: "argument" }))),
    el("div", { class: "costs" }));
}

function say(fold, rows, quiet, open) {
  const named = [...quiet].map((row) => argumentOf(row)).filter((text) => text !== "");
  const failed = rows.filter((row) => row.dataset.outcome === "failed").length;
  let usd = 0, estimated = false;
  for (const row of rows) {
    for (const cost of row.querySelectorAll(":scope > .costs > [data-usd]:not([hidden])")) {
      usd += Number(cost.dataset.usd);
      estimated ||= isEstimated(cost);
    }
  }
  const name = rows[0].querySelector(".tool-name").textContent;
  setText(fold.querySelector(".fold-what"), wordsOf(rows[0].dataset.tool ?? "", name, quiet.size, new Set(named.map(withoutRange))));
  setText(fold.querySelector(".fold-failed"), failed > 0 ? `${failed} failed` : "");
  setText(fold.querySelector(".fold-range"), `#${rows[0].dataset.seq}–#${rows.at(-1).dataset.seq}`);
  setText(fold.querySelector(".argument"), [...new Set(named)].slice(0, mostNamed).join(" · "));
  setText(fold.querySelector(".costs"), usd > 0 ? `${estimated ? "≈ " : ""}${dollars(usd)}` : "");
  fold.querySelector(".fold-button").setAttribute("aria-expanded", String(open));
}

const argumentOf = (row) => row.querySelector(":scope > .content > .tool > summary .argument").textContent;

// withoutRange leaves the lines out that a call reads.
const withoutRange = (argument) => argument.replace(/:\d+(?:–\d+)?$/, "");
