// One row for a tool call and its result.

import { block, fieldList, fold } from "./blocks.js";
import { countChanges, diffBlock, editsOf, linesOf, shownByEdits } from "./diff.js";
import { el, setText } from "./dom.js";
import { byteLength, bytes, duration, firstLine, plural, text, took, withoutEscapes } from "./format.js";

// What a reader wants to see of a call's arguments, the first that is there.
const telling = [
  "command", "cmd", "path", "file_path", "notebook_path", "filename", "file", "pattern",
  "query", "url", "description", "prompt", "name", "title",
];

const outcomes = { open: "running", ok: "ok", failed: "failed", none: "no result" };

export class ToolRow {
  // content is what stands in the row of the timeline.
  content;
  name;
  // argument is the telling one, in one line.
  argument;
  started;
  #mark;
  #outcome;
  #time;
  #size;

  constructor(tool, args, time) {
    const shown = args !== null && typeof args === "object" ? args : { args };
    const edits = editsOf(shown).map(linesOf);
    const { key, value } = argumentOf(shown);
    this.name = text(tool);
    this.argument = firstLine(value);
    this.started = new Date(time);

    this.#mark = el("span", { class: "mark", "aria-hidden": "true" });
    this.#outcome = el("span", { class: "hidden-label" });
    this.#time = el("span", { class: "took" });
    this.#size = el("span", { class: "size" });
    const changes = edits.length > 0 ? changeCount(edits) : null;
    const summary = el("summary", {},
      this.#mark, this.#outcome,
      el("span", { class: "tool-name" }, this.name), " ",
      el("code", { class: "argument" }, this.argument), " ",
      changes, changes && " ", this.#size, " ", this.#time);

    this.content = el("details", { class: "tool" }, summary, el("div", { class: "tool-body" }));
    // Arguments and diffs are made when somebody looks.
    this.content.addEventListener("toggle", () => this.#body.prepend(...callParts(shown, key, value, edits)), { once: true });
    this.#become("open");
  }

  get state() {
    return this.content.dataset.outcome;
  }

  // finish joins the result. It returns the element that stands for that event.
  finish(event) {
    const { success, output, duration_ms: ms } = event.data;
    this.#become(success === false ? "failed" : "ok");
    setText(this.#time, took(typeof ms === "number" ? ms : new Date(event.time) - this.started));
    const string = withoutEscapes(text(output));
    const size = bytes(byteLength(string));
    setText(this.#size, string === "" ? "" : size);
    const result = el("div", { class: "result" },
      el("p", { class: "result-title" }, success === false ? "Failed · " : "",
        string === "" ? "No output" : `Output · ${plural(lineCount(string), "line")}, ${size}`),
      string === "" ? null : block("pre", "text output", string),
      extraFields(event.data));
    this.#body.append(result);
    if (success === false) this.content.open = true; // what failed must not hide
    return result;
  }

  // abandon says that no result is to be waited for any more.
  abandon() {
    if (this.state === "open") this.#become("none");
  }

  // tick shows for how long an open call has been running.
  tick(now) {
    setText(this.#time, duration(now - this.started));
  }

  get #body() {
    return this.content.lastElementChild;
  }

  #become(state) {
    this.content.dataset.outcome = state;
    setText(this.#outcome, `${outcomes[state]}: `);
    if (state === "none") setText(this.#time, "no result");
  }
}

function argumentOf(args) {
  for (const key of telling) {
    const value = args[key];
    if (typeof value === "string" && value !== "") return { key, value };
    if (Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === "string")) {
      return { key, value: value.join(" ") };
    }
  }
  const rest = JSON.stringify(args);
  return { key: null, value: rest === "{}" ? "" : rest.slice(0, 300) };
}

function callParts(args, key, value, edits) {
  const parts = [];
  const command = key === "command" || key === "cmd";
  if (command) parts.push(block("pre", "text command", value));
  const leftOut = edits.length > 0 ? [...shownByEdits] : [];
  if (command || key !== null && value.length <= 80 && !value.includes("\n")) leftOut.push(key);
  parts.push(fieldList(args, leftOut), ...edits.map(diffBlock));
  return parts.filter((part) => part !== null);
}

function changeCount(edits) {
  let added = 0, removed = 0;
  for (const lines of edits) {
    const count = countChanges(lines);
    added += count.added;
    removed += count.removed;
  }
  return el("span", { class: "changes" },
    el("span", { class: "added" }, `+${added}`), " ", el("span", { class: "removed" }, `−${removed}`));
}

function extraFields(data) {
  return fieldList(data, ["tool", "success", "output", "call_id", "duration_ms"]);
}

function lineCount(string) {
  return string.split("\n").length - (string.endsWith("\n") ? 1 : 0);
}

// Calls keeps the tool calls that wait for their result.
export class Calls {
  #open = new Map(); // sequence → {row, tool, callID}, in order

  add(sequence, data, row) {
    this.#open.set(sequence, { row, tool: data.tool, callID: data.call_id });
  }

  // take returns the row that a result belongs to: the one with its call_id, or
  // without a call_id the oldest open one of the same tool; undefined for none.
  take(data) {
    for (const [sequence, call] of this.#open) {
      const mine = data.call_id === undefined
        ? call.callID === undefined && call.tool === data.tool
        : call.callID === data.call_id;
      if (!mine) continue;
      this.#open.delete(sequence);
      return call.row;
    }
    return undefined;
  }

  // abandonAll stops the spinners; a late result still finds its call.
  abandonAll() {
    for (const { row } of this.#open.values()) row.abandon();
  }

  tick(now) {
    for (const { row } of this.#open.values()) if (row.state === "open") row.tick(now);
  }

  // running is the newest call that is still open.
  get running() {
    let newest;
    for (const { row } of this.#open.values()) if (row.state === "open") newest = row;
    return newest;
  }
}
