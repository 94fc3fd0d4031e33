// Pins the task, so that retention leaves its sessions alone, or ends that.

import { el, setText } from "./dom.js";

export function pin(taskURL) {
  const { body } = document;
  const button = el("button", { type: "button", class: "button", id: "pin" });
  const show = () => {
    const pinned = body.dataset.kept === "true";
    setText(button, pinned ? "Unpin" : "Pin");
    button.title = pinned ? "Pinned: retention leaves this task alone" : "Let retention leave this task alone";
    button.setAttribute("aria-pressed", String(pinned));
  };
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const answer = await fetch(taskURL, {
        method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ pinned: body.dataset.kept !== "true" }),
      });
      if (answer.ok) {
        body.dataset.kept = String((await answer.json()).pinned === true);
        show();
      } else {
        button.title = answer.status === 401 || answer.status === 403 ? "You may read here, but not write." : `Not done: ${answer.status}`;
      }
    } catch {
      button.title = "The server cannot be reached.";
    }
    button.disabled = false;
  });
  show();
  document.getElementById("rename").after(button);
}
