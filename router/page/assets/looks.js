// What each item of the timeline gets before it is shown: the reader's own time, and
// buttons to copy.

import { el, setText } from "./dom.js";
import { ago, clock, day, moment } from "./format.js";

export function looks(row) {
  if (row.matches(".session-break")) {
    for (const time of row.querySelectorAll("time")) setText(time, moment(new Date(time.dateTime)));
    return;
  }
  for (const time of row.querySelectorAll(":scope > .meta time, :scope > .result-meta time")) {
    const date = new Date(time.dateTime);
    const start = startOf(row);
    const dated = start !== null && day(start) !== day(date);
    setText(time, dated ? `${day(date)} ${clock(date)}` : clock(date));
    time.classList.toggle("dated", dated);
    time.title = moment(date);
  }
  shortPaths(row.querySelector(":scope > .content > .tool > summary .argument[data-path]"));
  const blocks = row.matches(".result")
    ? row.querySelectorAll("pre")
    : row.querySelectorAll(":scope > .content > :not(.subagent) pre");
  for (const block of blocks) {
    if (block.parentElement.matches(".copyable")) continue;
    const box = el("div", { class: "copyable" });
    block.replaceWith(box);
    box.append(block, copyButton(() => block.textContent));
  }
}

// shortPaths shows paths within the agent's directory as seen from there, as
// shortPath in paths.go.
function shortPaths(argument) {
  const directory = document.getElementById("directory")?.textContent ?? "";
  if (argument === null || directory === "" || directory === "/" || document.body.dataset.all === "true") return;
  const within = `${directory.replace(/\/$/, "")}/`;
  const start = new RegExp(`(^|, | in )${RegExp.escape?.(within) ?? within.replace(/[^\w/]/g, "\\$&")}(?=.)`, "g");
  setText(argument, argument.textContent.replace(start, "$1"));
}

// startOf is when the run of a row began, null if that is not known.
function startOf(row) {
  const { session } = row.dataset;
  const run = document.body.dataset.all === "true" ? document.querySelector(".runs")?.querySelector(`a[data-session="${CSS.escape(session ?? "")}"] time`) : null;
  const time = run ?? document.getElementById("started");
  const date = new Date(time.dateTime);
  return Number.isNaN(date.getTime()) ? null : date;
}

// markdownButton copies Markdown.
export function markdownButton(text) {
  return copyButton(text, "Copy as Markdown");
}

// copyButton copies what text() returns, or promises.
export function copyButton(text, label = "Copy") {
  const button = el("button", { type: "button", class: label === "Copy" ? "button copy" : "button" }, label);
  button.hidden = navigator.clipboard === undefined;
  button.addEventListener("click", async (click) => {
    click.stopPropagation(); // it is not the reader's wish to stay here
    try {
      await navigator.clipboard.writeText(await text());
      setText(button, "Copied");
    } catch {
      setText(button, "Not allowed");
    }
    setTimeout(() => setText(button, label), 2000);
  });
  return button;
}

// How long ago something was changes all the time: it is said when somebody asks.
document.addEventListener("pointerover", ({ target }) => {
  if (!target.matches?.(".event time")) return;
  const date = new Date(target.dateTime);
  target.title = `${moment(date)}, ${ago(Date.now() - date)}`;
});
