// Desktop notifications, for those who want them, in this browser, while a tab is open: the
// run has ended, or its agent waits for an answer.

import { el, setText } from "./dom.js";

const key = "jrweb-notify";

// notify adds the button to a place, and tells of what happens from now on.
export function notify(place, list, status) {
  if (!("Notification" in window)) return;
  const button = el("button", { type: "button", class: "button", id: "notify" });
  const on = () => localStorage.getItem(key) === "on" && Notification.permission === "granted";
  const show = () => {
    button.setAttribute("aria-pressed", String(on()));
    setText(button, Notification.permission === "denied" ? "Notifications are blocked by the browser" : "Notify me");
    button.disabled = Notification.permission === "denied";
  };
  button.addEventListener("click", async () => {
    if (on()) localStorage.removeItem(key);
    else if (await Notification.requestPermission() === "granted") localStorage.setItem(key, "on");
    show();
  });
  show();
  place.append(button);

  const tell = (what, text) => {
    if (!on() || document.hasFocus()) return; // who looks sees it
    const { task, title } = document.body.dataset;
    const shown = new Notification(`${title || task}: ${what}`, { body: text, tag: `jrweb-${task}` });
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
    });
  };
  let before = status.dataset.status;
  new MutationObserver(() => {
    const now = status.dataset.status;
    if (before === "open" && now !== "open" && now !== "none") tell(now, "The run has ended.");
    before = now;
  }).observe(status, { attributes: true, attributeFilter: ["data-status"] });
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const row of change.addedNodes) {
        if (row.dataset?.type !== "question" || !isNew(row)) continue;
        tell("waits for you", row.querySelector(".prose")?.textContent.slice(0, 200) ?? "");
      }
    }
  }).observe(list, { childList: true });
}

const newsMs = 60_000;

// isNew tells new questions from those of an older part that is loaded now.
function isNew(row) {
  return Date.now() - Date.parse(row.dataset.time) < newsMs;
}
