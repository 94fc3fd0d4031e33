// What people say to an agent: whether it listens, the answers to its questions, and what
// became of each message.

import { el, setText } from "./dom.js";
import { firstLine } from "./format.js";

const states = { delivered: "Delivered", read: "Read", failed: "Not delivered" };

// Steering shows at each row what is known of it, whenever rows come. answer(event) sends
// an answer, and resolves to whether it was taken.
export class Steering {
  #list;
  #taskURL;
  #header;
  #answer;
  #own; // where an answer is written that is none of the options
  #drawing = false;

  constructor(list, taskURL, header, answer) {
    this.#list = list;
    this.#taskURL = taskURL;
    this.#header = header;
    this.#answer = answer;
    this.#own = new OwnAnswer((question, value) => this.#send(question, value));
    list.addEventListener("click", (click) => this.#clicked(click));
    new MutationObserver(() => this.#later()).observe(list, { childList: true, subtree: true });
    const page = new MutationObserver((changes) => {
      if (changes.some((change) => change.attributeName === "data-session")) this.#learn();
      this.#later();
    });
    page.observe(document.body, { attributes: true, attributeFilter: ["data-session", "data-steer", "data-state"] });
    page.observe(document.getElementById("status"), { attributes: true, attributeFilter: ["data-status"] });
    this.draw();
  }

  // listens tells whether what is said now reaches the agent.
  static get listens() {
    return document.body.dataset.steer === "true" && document.body.dataset.person === "true";
  }

  // #learn asks whether the agent of a session that began now can be spoken to.
  async #learn() {
    const { session } = document.body.dataset;
    document.body.dataset.steer = "false";
    if (session === "") return;
    try {
      const answer = await fetch(`${this.#taskURL}/sessions/${session}`, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.ok && session === document.body.dataset.session) document.body.dataset.steer = String((await answer.json()).steer === true);
    } catch {
      // A comment is always possible, and to load the page again asks again.
    }
  }

  #later() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      this.draw();
    });
  }

  // draw shows what is known now.
  draw() {
    const state = new Map();
    for (const receipt of this.#list.querySelectorAll('.event[data-type="receipt"]')) {
      state.set(`${receipt.dataset.session}:${receipt.dataset.for}`, receipt);
    }
    for (const row of this.#list.querySelectorAll('.event[data-type="user"], .event[data-type="answer"]')) {
      const receipt = state.get(`${row.dataset.session}:${row.dataset.seq}`);
      if (receipt !== undefined) showReceipt(row, receipt);
    }
    const answers = new Map();
    for (const answer of this.#list.querySelectorAll('.event[data-type="answer"]')) {
      const of = `${answer.dataset.session}:${answer.dataset.for}`;
      if (!answers.has(of)) answers.set(of, answer.querySelector(".note .text")?.textContent ?? "");
    }
    for (const question of this.#list.querySelectorAll('.event[data-type="question"]')) {
      const given = answers.get(`${question.dataset.session}:${question.dataset.seq}`);
      const may = given === undefined && Steering.listens && this.#header.status === "open" && question.dataset.session === document.body.dataset.session;
      for (const option of question.querySelectorAll(".option")) {
        const pressed = String(given === option.dataset.value);
        if (given !== undefined && option.getAttribute("aria-pressed") !== pressed) {
          option.disabled = false; // so that its attributes are in one order, live and after a reload
          option.setAttribute("aria-pressed", pressed);
        }
        if (option.disabled === may) option.disabled = !may;
      }
      const own = ownAnswerOf(question);
      if (own !== null && own.hidden === may) own.hidden = !may;
    }
  }

  #clicked(click) {
    const button = click.target.closest("button.option, button.own-answer");
    if (button === null) return;
    const question = button.closest(".event");
    if (button.matches(".option")) this.#send(question, button.dataset.value);
    else this.#own.ask(question, button.textContent);
  }

  async #send(question, value) {
    for (const button of question.querySelectorAll(".option")) button.disabled = true;
    const taken = await this.#answer({ type: "answer", actor: "human", data: { for: Number(question.dataset.seq), value } });
    if (!taken) this.#later(); // somebody else may have been first
  }
}

// ownAnswerOf is the button for an answer in words of one's own: where there are no options
// to choose from, or the agent understands others. Else it is null.
function ownAnswerOf(question) {
  const box = question.querySelector(":scope > .content > .question");
  if (box === null) return null; // it is none that can be answered
  const known = box.querySelector(".own-answer");
  const options = box.querySelector(".options");
  if (known !== null || options !== null && box.dataset.other === undefined) return known;
  const own = el("button", { type: "button", class: "button own-answer", hidden: true }, box.dataset.other ?? "Answer", "…");
  if (options === null) box.append(el("div", { class: "options", role: "group", "aria-label": "Answers" }, own));
  else options.append(own);
  return own;
}

// OwnAnswer is where an answer is written. send(question, value) gets it.
class OwnAnswer {
  #question;
  #title = el("h2", { id: "answer-title" });
  #asked = el("p", {});
  #text = el("input", { id: "answer-text", type: "text", maxlength: "10000", autocomplete: "off", required: true });
  #dialog;

  constructor(send) {
    const back = el("button", { type: "button", class: "button" }, "Back");
    const form = el("form", {}, this.#title, this.#asked, el("label", { for: "answer-text" }, "Answer"), this.#text,
      el("div", { class: "dialog-line" }, back, el("button", { type: "submit", class: "button primary" }, "Send")));
    this.#dialog = el("dialog", { id: "answer-dialog", "aria-labelledby": "answer-title" }, form);
    back.addEventListener("click", () => this.#dialog.close());
    form.addEventListener("submit", (submit) => {
      submit.preventDefault();
      const value = this.#text.value.trim();
      if (value === "") return;
      this.#dialog.close();
      send(this.#question, value);
    });
    document.body.append(this.#dialog);
  }

  ask(question, title) {
    this.#question = question;
    setText(this.#title, title.replace(/…$/, ""));
    setText(this.#asked, firstLine(question.querySelector(".prose").innerText));
    this.#text.value = "";
    this.#dialog.showModal();
  }
}

function showReceipt(row, receipt) {
  const { state } = receipt.dataset;
  let place = row.querySelector(":scope > .content > .receipt");
  if (place === null) {
    place = el("p", { class: "receipt" });
    row.querySelector(":scope > .content").append(place);
  }
  const reason = receipt.querySelector(".note .text")?.textContent ?? "";
  const text = (states[state] ?? state) + (reason === "" ? "" : `: ${reason}`);
  if (place.dataset.state !== state) place.dataset.state = state;
  setText(place, text);
}
