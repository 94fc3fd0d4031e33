// Blocks of text that may be long: what is shown at once is bounded, the rest is
// one press away.

import { el } from "./dom.js";
import { byteLength, bytes, text } from "./format.js";

const shownAtOnce = 8000; // UTF-16 units

// block returns text in an element of the given name and class, with its line
// breaks and spaces.
export function block(name, className, string) {
  const attributes = { class: className };
  if (name === "pre") attributes.tabindex = "0"; // it may scroll: the keyboard must reach it
  if (string.length <= shownAtOnce) return el(name, attributes, string);

  const high = (string.charCodeAt(shownAtOnce - 1) & 0xfc00) === 0xd800; // never cut inside a character
  const body = el(name, attributes, string.slice(0, shownAtOnce - (high ? 1 : 0)));
  const more = el("button", { type: "button", class: "button more" }, `Show all (${bytes(byteLength(string))})`);
  more.addEventListener("click", () => {
    body.textContent = string;
    more.remove();
  });
  return el("div", { class: "long" }, body, more);
}

// fold is a closed <details> whose content is made when it is first opened.
export function fold(className, summary, content) {
  const details = el("details", { class: className }, summary);
  details.addEventListener("toggle", () => details.append(...content()), { once: true });
  return details;
}

// fieldList shows an object's fields: short values in a line, long ones as a block.
export function fieldList(object, leftOut = []) {
  const list = el("dl", { class: "fields" });
  for (const [key, value] of Object.entries(object)) {
    if (leftOut.includes(key)) continue;
    const string = typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : text(value);
    const long = string.includes("\n") || string.length > 100;
    list.append(el("div", { class: long ? "field long-field" : "field" },
      el("dt", {}, key),
      el("dd", {}, long ? block("pre", "text", string) : el("code", {}, string === "" ? "–" : string))));
  }
  return list.childElementCount > 0 ? list : null;
}
