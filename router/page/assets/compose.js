// People take part: a box for a comment or a message to the agent, and a button
// that ends a session which hangs.

import { el, setText } from "./dom.js";
import { Steering } from "./steering.js";

export class Compose {
  #taskURL;
  #header;
  #announce;
  #form;
  #text;
  #note;
  #send;
  #toAgent;
  #comment;
  #deaf;
  #cancel;
  #dialog;
  #unsettled = null;

  constructor(taskURL, header, announce) {
    this.#taskURL = taskURL;
    this.#header = header;
    this.#announce = announce;
    this.#build();
    this.update();
    // The status comes from several places; what is shown of it decides.
    new MutationObserver(() => this.update()).observe(document.getElementById("status"), { attributes: true, attributeFilter: ["data-status"] });
    new MutationObserver(() => this.update()).observe(document.body, { attributes: true, attributeFilter: ["data-steer"] });
  }

  // update shows the box while there is an open session to write to.
  update() {
    const page = document.body.dataset;
    // Who cannot be spoken to says so before anybody writes.
    if (this.#toAgent.disabled === Steering.listens) {
      this.#toAgent.disabled = !Steering.listens;
      (Steering.listens ? this.#toAgent : this.#comment).checked = true;
    }
    this.#deaf.hidden = Steering.listens;
    setText(this.#deaf, document.body.dataset.steer === "true"
      ? "You may not speak to this agent: sign in with the role steer, or use a browser on the server's machine. A comment is for people."
      : "This agent cannot be spoken to: it does not run under jrweb run -steer. A comment is for people.");
    this.#form.hidden = this.#header.status !== "open" || page.state === "gone" || page.session === "";
  }

  #build() {
    this.#text = el("textarea", { id: "message", rows: "1", maxlength: "100000", placeholder: "Markdown works. Ctrl+Enter sends." });
    this.#note = el("p", { class: "compose-note", role: "status" });
    this.#send = el("button", { type: "submit", class: "button primary" }, "Send");
    this.#toAgent = el("input", { type: "radio", name: "kind", value: "user" });
    this.#toAgent.checked = true;
    this.#comment = el("input", { type: "radio", name: "kind", value: "comment" });
    this.#deaf = el("p", { class: "compose-deaf", id: "deaf" });
    this.#cancel = el("button", { type: "button", class: "button danger", id: "cancel" }, "End this session…");
    this.#form = el("form", { class: "compose", id: "compose" },
      el("label", { for: "message", class: "compose-title" }, "Say something"),
      this.#text,
      el("div", { class: "compose-line" },
        el("fieldset", {}, el("legend", { class: "hidden-label" }, "To whom"),
          el("label", {}, this.#toAgent, " To the agent"),
          el("label", {}, this.#comment, " Comment")),
        this.#cancel, this.#send),
      this.#deaf, this.#note);
    this.#form.addEventListener("submit", (submit) => {
      submit.preventDefault();
      this.#say();
    });
    this.#text.addEventListener("keydown", (key) => {
      if (key.key === "Enter" && (key.ctrlKey || key.metaKey)) this.#form.requestSubmit();
    });
    this.#cancel.addEventListener("click", () => this.#dialog.showModal());
    document.querySelector("main").append(this.#form);
    this.#buildDialog();
  }

  #buildDialog() {
    const reason = el("input", { id: "reason", type: "text", maxlength: "1000", autocomplete: "off" });
    const back = el("button", { type: "button", class: "button" }, "Back");
    const form = el("form", {},
      el("h2", { id: "cancel-title" }, "End this session?"),
      el("p", {}, "It is sealed as canceled: nothing can be appended to it any more. If jrweb run runs its agent, the agent is stopped; any other one goes on until it notices."),
      el("label", { for: "reason" }, "Reason"), reason,
      el("div", { class: "dialog-line" }, back, el("button", { type: "submit", class: "button danger" }, "End the session")));
    this.#dialog = el("dialog", { id: "cancel-dialog", "aria-labelledby": "cancel-title" }, form);
    back.addEventListener("click", () => this.#dialog.close());
    form.addEventListener("submit", async (submit) => {
      submit.preventDefault();
      this.#dialog.close();
      const session = document.body.dataset.session;
      await this.#post(`${this.#taskURL}/sessions/${session}/complete`, { status: "canceled", reason: reason.value.trim() });
    });
    document.body.append(this.#dialog);
  }

  // answer sends an answer to a question of the session that is shown.
  answer(event) {
    return this.#post(`${this.#taskURL}/sessions/${document.body.dataset.session}/events`, event);
  }

  async #say() {
    const content = this.#text.value.trim();
    if (content === "") {
      this.#text.focus();
      return;
    }
    this.#send.disabled = true;
    const type = this.#toAgent.checked ? "user" : "comment";
    const event = { type, actor: "human", data: { content } };
    // To the session that is shown: it must not end up in a retry, or start one.
    if (await this.#post(`${this.#taskURL}/sessions/${document.body.dataset.session}/events`, event)) {
      this.#text.value = "";
      this.#announce("Sent");
    }
    this.#send.disabled = false;
  }

  // #post sends once: what is sent again because its answer was lost carries the key
  // of the first time.
  async #post(url, event) {
    setText(this.#note, "");
    const body = JSON.stringify(event);
    if (this.#unsettled?.body !== body) this.#unsettled = { body, key: newKey() };
    try {
      const answer = await fetch(url, {
        method: "POST", headers: { "Content-Type": "application/json", "Idempotency-Key": this.#unsettled.key }, body,
      });
      if (answer.status < 500) this.#unsettled = null;
      if (answer.ok) return true;
      const problem = await answer.json().catch(() => ({}));
      setText(this.#note, answer.status === 401 || answer.status === 403
        ? "You may read here, but not write." : `Not done: ${problem.detail ?? problem.title ?? answer.status}`);
    } catch {
      setText(this.#note, "The server cannot be reached. Send it again later: it does not arrive twice.");
    }
    return false;
  }
}

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
