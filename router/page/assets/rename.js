// Gives the task another title. A person's title stays whatever its agent calls it.

import { el, setText } from "./dom.js";

export function rename(taskURL, header) {
  const input = el("input", { id: "new-title", type: "text", maxlength: "250", autocomplete: "off" });
  const note = el("p", { class: "compose-note", role: "status" });
  const back = el("button", { type: "button", class: "button" }, "Back");
  const form = el("form", {},
    el("h2", { id: "rename-title" }, "Rename this task"),
    el("p", {}, "Without a title it is called what its agent calls it, or by the first words of a person."),
    el("label", { for: "new-title" }, "Title"), input, note,
    el("div", { class: "dialog-line" }, back, el("button", { type: "submit", class: "button primary" }, "Rename")));
  const dialog = el("dialog", { id: "rename-dialog", "aria-labelledby": "rename-title" }, form);
  const open = el("button", { type: "button", class: "button", id: "rename" }, "Rename…");
  open.addEventListener("click", () => {
    input.value = document.body.dataset.title;
    setText(note, "");
    dialog.showModal();
    input.select();
  });
  back.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (submit) => {
    submit.preventDefault();
    try {
      const answer = await fetch(taskURL, {
        method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ title: input.value.trim() }),
      });
      const task = await answer.json();
      if (!answer.ok) {
        setText(note, answer.status === 401 || answer.status === 403 ? "You may read here, but not write." : `Not done: ${task.detail ?? answer.status}`);
        return;
      }
      header.titled(task.title);
      dialog.close();
    } catch {
      setText(note, "The server cannot be reached.");
    }
  });
  document.getElementById("download").after(open);
  document.body.append(dialog);
}
