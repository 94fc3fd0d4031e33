// Desktop notifications, for those who want them, in this browser, while a tab is open: a
// run has ended, or its agent waits for an answer.

import { el, setText } from "./dom.js";

const key = "jrweb-notify";

export class Notifier {
  #button = null;

  // The button that asks for notifications is put at the end of a place.
  constructor(place) {
    if (!("Notification" in window)) return;
    this.#button = el("button", { type: "button", class: "button", id: "notify" });
    this.#button.addEventListener("click", async () => {
      if (this.on) localStorage.removeItem(key);
      else if (await Notification.requestPermission() === "granted") localStorage.setItem(key, "on");
      this.#show();
    });
    this.#show();
    place.append(this.#button);
  }

  get on() {
    return this.#button !== null && localStorage.getItem(key) === "on" && Notification.permission === "granted";
  }

  // offer shows the button while there may be something to tell.
  offer(is) {
    if (this.#button !== null) this.#button.hidden = !is;
  }

  #show() {
    const denied = Notification.permission === "denied";
    this.#button.setAttribute("aria-pressed", String(this.on));
    setText(this.#button, denied ? "Notifications are blocked by the browser" : "Notify me");
    this.#button.disabled = denied;
  }

  // ended tells that a run is over.
  ended(task, status) {
    this.#tell(task, status, "The run has ended.");
  }

  // asks tells that an agent waits for an answer.
  asks(task, text) {
    this.#tell(task, "waits for you", text);
  }

  // #tell says something of a task, {id, title}. A click on it leads to this tab.
  #tell({ id, title }, what, text) {
    if (!this.on || document.hasFocus()) return; // who looks sees it
    const shown = new Notification(`${title || id}: ${what}`, { body: text, tag: `jrweb-${id}` });
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
    });
  }
}

// ofRun reports on the run that a page shows, from now on.
export function ofRun(notifier, list, status) {
  const task = () => ({ id: document.body.dataset.task, title: document.body.dataset.title });
  const told = new Set(); // a row may move
  let before = status.dataset.status;
  new MutationObserver(() => {
    const now = status.dataset.status;
    if (before === "open" && now !== "open" && now !== "none") notifier.ended(task(), now);
    before = now;
  }).observe(status, { attributes: true, attributeFilter: ["data-status"] });
  new MutationObserver((changes) => {
    for (const row of changes.flatMap((change) => [...change.addedNodes])) {
      if (row.dataset?.type !== "question" || !isNew(row) || told.has(row.id)) continue;
      told.add(row.id);
      notifier.asks(task(), row.querySelector(".prose")?.textContent.slice(0, 200) ?? "");
    }
  }).observe(list, { childList: true, subtree: true }); // a subagent may ask, too
}

const newsMs = 60_000;

// isNew tells new questions from those of an older part that is loaded now.
function isNew(row) {
  return Date.now() - Date.parse(row.dataset.time) < newsMs;
}
