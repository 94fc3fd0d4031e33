// Shows an event as the log keeps it, and the whole of a text that was cut.

import { el, setText } from "./dom.js";
import { byteLength, bytes, withoutBase64, withoutEscapes } from "./format.js";
import { copyButton, markdownButton } from "./looks.js";
import { eventAt, markdownOf } from "./markdown.js";

export function inspect(list) {
  list.addEventListener("click", (click) => {
    if (click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
    const link = click.target.closest("a.raw, a.full");
    if (link === null) return;
    click.preventDefault();
    if (link.matches(".raw")) raw(link);
    else whole(link).then((text) => text?.focus({ preventScroll: true }));
  });
}

// raw shows the event under its row, and takes it away again.
async function raw(link) {
  const content = link.closest(".event").querySelector(":scope > .content");
  const shown = content.querySelector(":scope > .raw-event");
  link.setAttribute("aria-expanded", String(shown === null));
  if (shown !== null) {
    shown.remove();
    return;
  }
  const box = el("div", { class: "raw-event copyable" });
  content.append(box);
  try {
    const text = withoutBase64(JSON.stringify(await eventAt(link.closest("[data-seq]").dataset), null, 2));
    box.append(el("pre", { class: "text json", tabindex: "0", "aria-label": "The event as JSON" }, text), copyButton(() => text),
      markdownButton(() => markdownOf(link.closest(".event"))));
  } catch (error) {
    setText(box, `The event cannot be shown: ${error.message}`);
  }
}

// whole puts the whole text in the place of its head and tail, and returns its element.
export async function whole(link) {
  const long = link.closest(".long");
  setText(link, "Loading…");
  try {
    const text = withoutBase64(textAt((await eventAt(link.closest("[data-seq]").dataset)).data, long.dataset.field));
    const head = long.querySelector("pre, .prose");
    const pre = el("pre", { class: head?.matches("pre") ? head.className : "text", tabindex: "0" }, text);
    long.replaceChildren(el("p", { class: "cut" }, `All of it: ${bytes(byteLength(text))}`),
      el("div", { class: "copyable" }, pre, copyButton(() => text)));
    return pre;
  } catch (error) {
    setText(link, `Cannot be loaded: ${error.message}. Try again`);
    return null;
  }
}

// textAt follows a JSON pointer.
function textAt(data, pointer) {
  let value = data;
  for (const name of pointer.split("/").slice(1)) value = value?.[name.replaceAll("~1", "/").replaceAll("~0", "~")];
  return typeof value === "string" ? withoutEscapes(value) : JSON.stringify(value, null, 2) ?? "";
}
