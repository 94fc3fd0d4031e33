// The page of a search over all runs. The server writes its hits as it finds them; here
// times are shown in the reader's zone, and it is used by keyboard.

import { setText } from "./dom.js";
import { moment } from "./format.js";

const box = document.getElementById("search-all");

function adopt(root) {
  for (const time of root.querySelectorAll("time:not([data-local])")) {
    time.dataset.local = "true";
    setText(time, moment(new Date(time.dateTime)));
  }
}

// The script runs while the page still grows.
const growing = new MutationObserver(() => adopt(document));
growing.observe(document.body, { childList: true, subtree: true });
addEventListener("DOMContentLoaded", () => growing.disconnect());
adopt(document);
if (document.readyState !== "loading") growing.disconnect();

function step(by) {
  const links = [...document.querySelectorAll(".hit-head a")];
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus({ preventScroll: true });
  next?.closest(".hit").scrollIntoView({ block: "nearest", behavior: "instant" });
}

addEventListener("keydown", (key) => {
  if (key.ctrlKey || key.metaKey || key.altKey || key.isComposing || key.target.closest?.("input, textarea, select")) return;
  const does = { j: () => step(1), k: () => step(-1), "/": () => { box.focus(); box.select(); } }[key.key];
  if (does === undefined) return;
  does();
  key.preventDefault();
});
