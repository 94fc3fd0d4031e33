// One row of the list of tasks.

import { doingWhat, planWords } from "./doingwords.js";
import { el, setText, svgEl } from "./dom.js";
import { ago, calmly, cost, duration, moment, tokens, untilNext } from "./format.js";
import { calmMs, paceOf, paceWords } from "./pace.js";

const triesShown = 10;
const second = 1000, minute = 60 * second, hour = 60 * minute;
const longAgoMs = 60 * 60_000; // so long after its end, and a run was not recorded live
const told = ["task", "title", "type", "agent", "model", "owner", "project", "status", "created", "updated"];

export class ListRow {
  task; // as the server's JSON has it
  element;
  due = 0; // when it tells something else than it shows
  #started; // when the agent ran last
  #ended;
  #running = false;
  #asks = false; // the agent waits for an answer

  // of takes over a row that the server has made.
  static of(element) {
    const row = new ListRow();
    row.element = element;
    row.task = Object.fromEntries(told.map((name) => [name === "task" ? "id" : name, element.dataset[name]]));
    row.#started = element.dataset.started;
    row.#ended = element.dataset.ended;
    return row;
  }

  // make makes the row of a task that came later.
  static make(task) {
    const row = new ListRow();
    row.task = {};
    row.element = el("tr", { "data-task": task.id },
      el("td", { class: "task" },
        el("a", { href: `tasks/${encodeURIComponent(task.id)}` }, el("bdi")), " ",
        el("span", { class: "ids" }, el("code", {}, task.id))),
      el("td", {}, el("span", { class: "status" })),
      el("td", { class: "when" }, el("time", { class: "updated" })),
      el("td", { class: "number duration" }),
      el("td", { class: "number sessions", "data-label": "sessions" }),
      el("td", { class: "number events", "data-label": "events" }),
      el("td", { class: "number cost" }),
      el("td", { class: "number tokens", "data-label": "tokens" }));
    row.update(task);
    return row;
  }

  get updated() {
    return Date.parse(this.task.updated) || 0;
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }

  update(task) {
    const before = this.task;
    this.task = task;
    // What the page came with is of the same moment as what the stream brings first.
    const known = before.status === task.status && (before.sessions ?? task.sessions) === task.sessions;
    if (task.sessions > 0 && !known) this.#showTries();
    this.element.dataset.status = task.status;
    setText(this.#part(".task a bdi"), task.title || task.id);
    this.#part(".ids code").hidden = !task.title; // the id stands in the title's place
    for (const [name, value, label] of [["kind", task.type, ""], ["project", task.project, ""], ["owner", task.owner, "by "]]) this.#showWord(name, value, label);
    this.#showPinned(task.pinned === true);
    this.#part(".status").dataset.status = task.status;
    this.#part(".updated").dateTime = task.updated ?? "";
    setText(this.#part(".sessions"), String(task.sessions));
    setText(this.#part(".events"), String(task.totals.events));
    setText(this.#part(".cost"), cost(task.totals));
    setText(this.#part(".tokens"), tokens(task.totals));
    if (task.status !== "open") {
      this.#part(".doing")?.remove();
      this.#running = false;
    }
    this.tick(Date.now());
  }

  #showPinned(is) {
    const old = this.#part(".pinned");
    if (!is) old?.remove();
    else if (old === null) this.#part(".ids").append(" ", el("span", { class: "pinned", title: "Retention leaves it alone" }, "pinned"));
  }

  #showWord(name, value, label) {
    const old = this.#part(`.${name}`);
    if (!value) {
      old?.remove();
      return;
    }
    if (old === null) this.#part(".ids").append(" ", el("span", { class: name }, label, el("bdi", {}, value)));
    else setText(old.querySelector("bdi"), value);
  }

  // doing shows what the agent does now, or in what circles it went. It tells whether the
  // agent has begun to wait for an answer.
  doing(now) {
    const open = this.task.status === "open";
    const asks = open && now.kind === "asks";
    const begins = asks && !this.#asks;
    this.#asks = asks;
    this.#running = open && now.running;
    const parts = [];
    if (open) parts.push(el("span", { class: "doing-what" }, [doingWhat(now), now.detail].filter((text) => text !== "").join(" · ")));
    if (open && now.plan !== "") parts.push(el("span", { class: "now-plan" }, planWords(now)));
    if (now.loop !== "") parts.push(el("span", { class: "now-loop" }, now.loop));
    this.#part(".doing")?.remove();
    if (parts.length > 0) this.#part(".task").append(el("span", { class: "doing" }, ...parts.flatMap((part, i) => i === 0 ? [part] : [" ", part])));
    this.tick(Date.now());
    return begins;
  }

  // drawSpark shows how much happened in each part of the run's time, as the server draws it.
  drawSpark(spark) {
    const old = this.#part(".spark");
    if (spark === undefined) {
      old?.remove();
      return;
    }
    const svg = svgEl("svg", { class: "spark", viewBox: "0 0 60 14", role: "img", "aria-label": spark.what });
    const title = svgEl("title", {});
    title.textContent = spark.what;
    svg.append(title, svgEl("path", { d: spark.heights.map((height, n) => `M${n * 3} 14v-${height}h2v${height}z`).join("") }));
    if (old === null) this.#part(".status").parentElement.append(" ", svg);
    else if (!old.isEqualNode(svg)) old.replaceWith(svg);
  }

  // news marks that something has happened which the reader has not seen.
  news(is) {
    if (this.element.dataset.news === String(is)) return;
    this.element.dataset.news = String(is);
    this.#part(".news")?.remove();
    if (is) this.#part(".task a").append(el("span", { class: "news" }, el("span", { class: "hidden-label" }, " (new)")));
  }

  // tick shows what is counted in time.
  tick(now) {
    const { element, task } = this;
    const { updated } = this, started = Date.parse(this.#started), ended = Date.parse(this.#ended);
    const open = task.status === "open", calm = now - updated >= calmMs;
    const pace = open ? paceOf(this.#running, updated, now) : "";
    if (element.dataset.pace !== pace) element.dataset.pace = pace;
    const status = this.#part(".status");
    setText(status, paceWords[pace] ?? task.status);
    const title = paceWords[pace] === undefined ? "" : "Open, and nothing was heard for more than five minutes";
    if (status.title !== title) status.title = title;
    const time = this.#part(".updated");
    setText(time, updated === 0 ? "–" : ago(now - updated));
    const exact = moment(new Date(updated));
    if (time.title !== exact) time.title = exact;
    const ran = (open ? now : ended) - started;
    setText(this.#part(".duration"), Number.isNaN(ran) ? "–" : open && calm ? calmly(ran) : duration(ran));
    this.#showRan(updated - ended >= longAgoMs ? new Date(ended) : null);
    const agoUnit = now - updated < minute ? second : now - updated < hour ? minute : hour;
    this.due = now + Math.min(untilNext(agoUnit, now - updated), open ? untilNext(calm ? minute : second, ran) : Infinity);
  }

  // #showRan says when a run took place that was recorded long after.
  #showRan(date) {
    let time = this.#part(".ran");
    if (date === null) {
      time?.remove();
      return;
    }
    if (time === null) {
      time = el("time", { class: "ran" });
      this.#part(".when").append(" ", time);
    }
    time.dateTime = date.toISOString();
    setText(time, `ran ${moment(date)}`);
  }

  // #showTries shows when the agent ran, and how the sessions of a task that was tried
  // again have ended.
  async #showTries() {
    try {
      const answer = await fetch(`tasks/${encodeURIComponent(this.task.id)}/sessions?limit=${triesShown}`, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!answer.ok) return;
      const { sessions } = await answer.json();
      this.#started = sessions[0]?.started;
      this.#ended = sessions[0]?.ended;
      this.tick(Date.now());
      if (sessions.length < 2) return;
      const tries = el("span", { class: "outcomes" });
      for (const { status, started } of sessions.reverse()) {
        tries.append(el("span", { class: "outcome", "data-status": status, title: `${status}, started ${moment(new Date(started))}` },
          el("span", { class: "hidden-label" }, `${status} `)));
      }
      const old = this.#part(".outcomes");
      if (old !== null) old.replaceWith(tries);
      else this.#part(".status").after(" ", tries);
    } catch {
      // The next change of the task asks again.
    }
  }
}
