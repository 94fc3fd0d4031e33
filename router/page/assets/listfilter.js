// What tasks are looked for by. The server looks; here it stands in the address, and
// what comes live is compared.

import { el } from "./dom.js";

const typedMs = 200; // after the last key, before the server is asked
const fields = ["status", "agent", "model", "owner", "project"];

export class ListFilter {
  #form = document.getElementById("filters");
  #changed;
  #timer;

  // changed() is called when something else is looked for.
  constructor(changed) {
    this.#changed = changed;
    this.#form.addEventListener("submit", (submit) => {
      submit.preventDefault();
      this.#soon(0);
    });
    this.#form.addEventListener("input", ({ target }) => this.#soon(target.matches("select") ? 0 : typedMs));
    addEventListener("popstate", () => {
      const query = new URLSearchParams(location.search);
      for (const control of this.#form.querySelectorAll("[name]")) control.value = query.get(control.name) ?? "";
      this.#changed();
    });
  }

  get box() {
    return document.getElementById("filter");
  }

  #soon(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.query === location.search) return;
      history.pushState(null, "", this.query === "" ? location.pathname : this.query);
      this.#changed();
    }, ms);
  }

  clear() {
    this.box.value = "";
    this.#soon(0);
  }

  // query is the address of what is looked for, "" for everything.
  get query() {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(this.#form)) if (value.trim() !== "") query.set(name, value.trim());
    return query.size === 0 ? "" : `?${query}`;
  }

  get active() {
    return this.query !== "";
  }

  // matches tells whether the server would find a task.
  matches(task) {
    const wanted = new FormData(this.#form);
    for (const name of fields) if (wanted.get(name) && wanted.get(name) !== (task[name] ?? "")) return false;
    const text = [task.id, task.title, task.type, task.project, task.description].join("\n").toLowerCase();
    return wanted.get("q").toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }

  // offer adds what a task has to what can be chosen.
  offer(task) {
    for (const name of fields.slice(1)) {
      const select = this.#form.elements[name], value = task[name];
      if (!value || [...select.options].some((option) => option.value === value)) continue;
      const next = [...select.options].slice(1).find((option) => option.value > value) ?? null;
      select.insertBefore(el("option", {}, value), next);
      if (select.options.length > 2) select.parentElement.hidden = false;
    }
  }
}
