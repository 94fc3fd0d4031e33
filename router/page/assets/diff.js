// Edits as coloured lines.

import { el } from "./dom.js";
import { plural } from "./format.js";

const contextLines = 3;
const mostCells = 1_000_000; // of the comparison table; beyond it, all old and all new lines are shown

// editsOf finds the edits in the arguments of a tool call: [{before, after}] or
// [{unified}]; empty when the call edits nothing.
export function editsOf(args) {
  const found = [];
  for (const edit of [args, ...(Array.isArray(args.edits) ? args.edits : [])]) {
    if (edit === null || typeof edit !== "object") continue;
    const before = edit.old_str ?? edit.old_string;
    const after = edit.new_str ?? edit.new_string;
    if (typeof before === "string" && typeof after === "string") found.push({ before, after });
    else if (typeof edit.diff === "string") found.push({ unified: edit.diff });
  }
  return found;
}

// shownByEdits are the arguments that the coloured lines stand for.
export const shownByEdits = ["old_str", "new_str", "old_string", "new_string", "diff", "edits"];

// linesOf returns [{mark, text}] with the marks "+", "-", " " and "@".
export function linesOf(edit) {
  return edit.unified !== undefined ? unifiedLines(edit.unified) : compare(split(edit.before), split(edit.after));
}

export function diffBlock(lines) {
  const block = el("div", { class: "diff", role: "group", "aria-label": "Edit", tabindex: "0" });
  const table = el("div", { class: "diff-lines" });
  for (const { mark, text } of folded(lines)) {
    const kind = { "+": "added", "-": "removed", "@": "skip" }[mark] ?? "same";
    const sign = mark === "@" ? " " : mark;
    table.append(el("div", { class: `diff-line ${kind}` }, el("span", { class: "sign" }, sign), el("code", {}, text || " ")));
  }
  block.append(table);
  return block;
}

export function countChanges(lines) {
  let added = 0, removed = 0;
  for (const { mark } of lines) {
    if (mark === "+") added++;
    else if (mark === "-") removed++;
  }
  return { added, removed };
}

function split(text) {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function unifiedLines(text) {
  return split(text).map((line) => {
    if (/^(@@|---|\+\+\+|diff |index )/.test(line)) return { mark: "@", text: line };
    const mark = line[0] === "+" || line[0] === "-" ? line[0] : " ";
    return { mark, text: mark === " " && line[0] !== " " ? line : line.slice(1) };
  });
}

// compare finds the longest common subsequence of lines between the parts that
// are the same at both ends.
function compare(before, after) {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;

  const same = (text) => ({ mark: " ", text });
  return [
    ...before.slice(0, head).map(same),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

function middle(a, b) {
  const removed = (text) => ({ mark: "-", text });
  const added = (text) => ({ mark: "+", text });
  if (a.length * b.length > mostCells) return [...a.map(removed), ...b.map(added)];

  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width); // common lines from a[i] and b[j] on
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] = a[i] === b[j]
        ? longest[(i + 1) * width + j + 1] + 1
        : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const lines = [];
  let i = 0, j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ mark: " ", text: a[i] });
      i++;
      j++;
    } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
      lines.push(removed(a[i++]));
    } else {
      lines.push(added(b[j++]));
    }
  }
  return [...lines, ...a.slice(i).map(removed), ...b.slice(j).map(added)];
}

// folded leaves out long runs of lines that did not change.
function folded(lines) {
  const near = new Uint8Array(lines.length);
  lines.forEach(({ mark }, at) => {
    if (mark === " ") return;
    near.fill(1, Math.max(0, at - contextLines), at + contextLines + 1);
  });
  const kept = [];
  for (let at = 0; at < lines.length; at++) {
    if (near[at]) {
      kept.push(lines[at]);
      continue;
    }
    let end = at;
    while (end < lines.length && !near[end]) end++;
    kept.push({ mark: "@", text: plural(end - at, "unchanged line") });
    at = end - 1;
  }
  return kept;
}
