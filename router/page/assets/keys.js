// Everything by keyboard.

import { el, readingTop } from "./dom.js";
import { markdownOf } from "./markdown.js";

const help = [
  ["j", "next event"], ["k", "previous event"], ["Enter", "unfold or fold the event, or the run of tools"], ["c", "copy the event as Markdown"], ["e", "next error"], ["Shift+E", "previous error"],
  ["f", "follow the newest events, or stop to"], ["/", "search in this run"], ["n", "next thing found"], ["Shift+N", "previous thing found"], ["Esc", "leave the search"], ["?", "this list"],
];

const failures = '.event[data-type="error"], .event[data-outcome="failed"]';

// canBeShown tells it of a row that is in sight, or in what a subagent did.
const canBeShown = (row) => row.checkVisibility() || row.closest("[hidden], .no-match") === null && row.closest(".subagent:not([open])") !== null;

export function keys({ list, folds, follow, filter, announce }) {
  let current = null; // the row that j and k go on from
  const dialog = helpDialog();

  const go = (row) => {
    if (row === undefined) return;
    follow.pause();
    folds.reveal(row);
    current?.classList.remove("current");
    current = row;
    row.classList.add("current");
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest", behavior: "instant" });
  };

  const step = (selector, by, isThere = (row) => row.checkVisibility()) => {
    const rows = [...list.querySelectorAll(selector)].filter(isThere);
    const from = current !== null && current.isConnected ? current : null;
    if (from === null) {
      // Nothing is chosen yet: begin with what is in view.
      const top = readingTop();
      const inView = rows.findIndex((row) => row.getBoundingClientRect().bottom > top + 8);
      go(by > 0 ? rows[inView] : rows[inView === -1 ? rows.length - 1 : inView - 1]);
      return;
    }
    const isAfter = (row) => (from.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
    const isBefore = (row) => (from.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_PRECEDING) !== 0;
    go(by > 0 ? rows.find(isAfter) : rows.findLast(isBefore));
  };

  const copyRow = async (row) => {
    try {
      await navigator.clipboard.writeText(await markdownOf(row));
      announce("Copied as Markdown");
    } catch (error) {
      announce(`Not copied: ${error.message}`);
    }
  };

  const does = {
    j: () => step(".event, .fold", 1),
    k: () => step(".event, .fold", -1),
    e: () => step(failures, 1, canBeShown),
    E: () => step(failures, -1, canBeShown),
    f: () => follow.active ? follow.pause() : follow.resume(),
    "/": () => filter.focus(),
    n: () => filter.step(1),
    N: () => filter.step(-1),
    c: () => {
      if (!current?.matches(".event") || navigator.clipboard === undefined) return false;
      copyRow(current);
    },
    "?": () => dialog.showModal(),
    Enter: () => {
      if (document.activeElement !== current) return false;
      folds.toggle(current);
    },
  };

  addEventListener("keydown", (key) => {
    if (key.key === "Escape" && document.activeElement?.id === "search") {
      filter.clear();
      document.activeElement.blur();
      return;
    }
    if (key.ctrlKey || key.metaKey || key.altKey || key.isComposing || dialog.open) return;
    if (key.target.closest?.("input, textarea, select, dialog")) return;
    const act = does[key.key];
    if (act === undefined || act() === false) return;
    key.preventDefault();
  });
}

function helpDialog() {
  const close = el("button", { type: "button", class: "button" }, "Close");
  const dialog = el("dialog", { class: "help", id: "help", "aria-labelledby": "help-title" },
    el("h2", { id: "help-title" }, "Keyboard"),
    el("dl", {}, ...help.map(([key, what]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)))),
    close);
  close.addEventListener("click", () => dialog.close());
  const open = el("button", { type: "button", class: "button help-button" }, "Keys ", el("kbd", { "aria-hidden": "true" }, "?"));
  open.addEventListener("click", () => dialog.showModal());
  document.querySelector(".search-box").append(open);
  document.body.append(dialog);
  return dialog;
}
