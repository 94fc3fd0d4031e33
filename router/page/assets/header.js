// The head of the task page: status, facts, totals, connection, and what the agent
// does now.

import { setText } from "./dom.js";
import { cost, costNote, duration, firstLine, moment, plural, tokenKinds, tokens } from "./format.js";
import { Favicon } from "./favicon.js";
import { Now } from "./now.js";
import { saw } from "./seen.js";

const refreshMs = 1000; // between two looks at what the stream does not tell

const quietMs = 30_000; // without a sign of life, and the page counts more slowly
const quietSeconds = 5;

const page = document.body.dataset;
const byID = (id) => document.getElementById(id);
const favicon = new Favicon();

export class Header {
  status = page.status;
  #timeline;
  #taskURL;
  #changes;
  #retryAt;
  #started = dateOf(byID("started").dateTime);
  #ended = dateOf(byID("duration").dataset.ended);
  #now;
  #totals = totalsOf(page);
  #exactAt = page.cursor; // the totals hold everything up to here
  #refreshing;
  #refreshedAt = 0;
  #tickedAt = 0;
  #updated = byID("now").dataset.updated; // when something was appended last
  #about = ""; // what the server said last

  // changes() is called before the head changes by itself: other changes can be shown
  // with it.
  constructor(timeline, taskURL, changes) {
    this.#timeline = timeline;
    this.#changes = changes;
    this.#taskURL = taskURL;
    byID("connection").hidden = false;
    localTimes(document);
    this.#seen(this.#updated);
    document.addEventListener("visibilitychange", () => this.#seen(this.#updated));
    this.#now = new Now();
    setInterval(() => this.#second(), 1000);
    this.tick();
  }

  get over() {
    return this.status !== "open" && this.status !== "none";
  }

  // adopt takes the facts of a page that the server has made anew.
  adopt(fresh) {
    const data = fresh.body.dataset;
    page.session = data.session;
    page.cursor = data.cursor;
    const about = fresh.querySelector(".about");
    if (about.textContent !== this.#about) { // else a reader may be in the middle of it
      this.#about = about.textContent;
      localTimes(about);
      about.querySelector("details").open = byID("details").open;
      document.querySelector(".about").replaceWith(document.adoptNode(about));
    }
    this.#started = dateOf(byID("started").dateTime);
    this.#ended = dateOf(byID("duration").dataset.ended);
    this.#totals = totalsOf(data);
    this.#exactAt = data.cursor;
    this.#now.adopt(fresh.getElementById("now"));
    this.#setStatus(data.status);
    this.showTotals();
    this.tick();
  }

  // began tells of a session that started after the page was made.
  began(session) {
    page.session = session;
    this.#now.forget();
    this.#setStatus("open");
    this.refresh();
  }

  // counted adds an event of the stream to the totals. They are shown when the rows are.
  counted(row, isAfter) {
    if (!isAfter(this.#exactAt)) return;
    this.#totals.events++;
    const { type } = row.dataset;
    this.#now.heard();
    if (type === "raw") this.#countRaw(row);
  }

  #countRaw(row) {
    const place = byID("raws"), link = byID("raws-link");
    const count = Number(place.dataset.count) + 1;
    place.dataset.count = String(count);
    place.hidden = false;
    if (count === 1) link.setAttribute("href", row.querySelector(".seq").getAttribute("href"));
    setText(link, `${plural(count, "line")} not understood`);
  }

  // refresh asks for what the stream does not tell: at once, and then not more often
  // than every moment.
  refresh() {
    const wait = Math.max(0, this.#refreshedAt + refreshMs - Date.now());
    this.#refreshing ??= setTimeout(() => this.#refresh(), wait);
  }

  async #refresh() {
    clearTimeout(this.#refreshing);
    this.#refreshing = undefined;
    this.#refreshedAt = Date.now();
    await this.latest();
  }

  // latest asks for what the head tells, and returns the session whose newest events
  // the stream brings; null when it cannot be had: the timeline does without it, and
  // the next event asks again.
  async latest() {
    const whole = page.all === "true", asked = whole ? "" : page.session;
    const answer = await jsonOf(`${this.#taskURL}/now${asked === "" ? "" : `?session=${asked}`}`);
    if (answer === null || !whole && asked !== page.session) return null;
    this.#changes();
    const { session } = answer;
    this.titled(answer.title);
    this.#seen(answer.updated);
    if (page.state !== "gone") this.#now.show(answer.now, answer.updated, (sequence) => this.#addressOf(session, sequence));
    if (session === null) return null;
    this.#exactAt = `${session.id}:${session.head}`;
    if (whole) {
      this.#totals = { ...answer.totals, events: this.#totals.events };
    } else {
      this.#totals = session.totals;
      this.#facts(session);
    }
    this.showTotals();
    this.tick();
    return session;
  }

  // #seen tells the list how far the reader has seen the task.
  #seen(updated) {
    this.#updated = updated;
    if (!document.hidden) saw(page.task, updated);
  }

  #addressOf(session, sequence) {
    return page.all === "true" ? `?sessions=all&around=${session.id}:${sequence}#${session.id}:${sequence}`
      : `?session=${session.id}&around=${sequence}#${sequence}`;
  }

  #facts(info) {
    this.#started = dateOf(info.started);
    showFact("agent", `${info.agent ?? ""} ${info.version ?? ""}`.trim());
    showFact("model", info.model ?? "");
    showFact("directory", info.cwd ?? "");
    showFact("branch", info.branch ?? "");
    showFact("owner", info.owner ?? "");
    showFact("machine", info.machine ?? "");
    showFact("thread", info.external_id ?? "");
    showFact("parent-thread", info.parent_external_id ?? "");
    if (this.#started !== null) {
      byID("started").dateTime = info.started;
      showFact("started", moment(this.#started));
    }
    this.tick();
  }

  // titled shows the title of the task.
  titled(title) {
    page.title = title;
    setText(document.querySelector(".bar h1 bdi"), title || page.task);
    this.#showTitle();
  }

  // finished tells of the row that ends a session.
  finished(row) {
    this.#setStatus(row.dataset.status);
    if (page.all !== "true") {
      this.#ended = new Date(row.dataset.time);
      byID("duration").dataset.ended = row.dataset.time;
    }
    this.#now.over(Number(row.dataset.seq), row.dataset.status, row.querySelector(".banner-title").textContent, firstLine(row.querySelector(".banner > .text")?.textContent ?? ""));
    this.#refresh(); // after the end nothing is asked any more
    this.tick();
  }

  #setStatus(status) {
    this.status = status;
    const run = document.querySelector(`.runs a[data-session="${CSS.escape(page.session)}"] .status`);
    for (const place of [byID("status"), run]) {
      if (place === null) continue;
      place.dataset.status = status;
      setText(place, status);
    }
    this.#showTitle();
  }

  connection(state, retryAt) {
    page.state = state;
    page.retryAt = retryAt ?? "";
    this.#retryAt = retryAt;
    this.#showConnection();
    this.#showTitle();
    byID("waiting").hidden = state !== "live" || this.#timeline.last !== null;
  }

  #showConnection() {
    const words = {
      connecting: "Connecting…", live: "Live", reconnecting: "Reconnecting…", ended: "Ended", gone: "Deleted",
      waiting: "Live, with a delay",
    };
    const left = Math.ceil((this.#retryAt - Date.now()) / 1000);
    setText(byID("connection-text"), page.state === "reconnecting" && left > 0 ? `Reconnecting in ${left} s` : words[page.state]);
  }

  #showTitle() {
    let mark = { open: "●", none: "○", succeeded: "✓", failed: "✗" }[this.status] ?? "■";
    let icon = this.status;
    if (page.pace === "stuck") mark = "⚠", icon = "stuck";
    if (page.state === "reconnecting") mark = "↻", icon = "none";
    if (page.state === "gone") mark = "✗", icon = "failed";
    const whole = `${mark} ${page.title === "" ? page.task : `${page.task} ${page.title}`}`;
    if (document.title !== whole) document.title = whole;
    favicon.show(icon);
  }

  showTotals() {
    const totals = this.#totals;
    const money = cost(totals), note = costNote(totals, page.prices), kinds = tokenKinds(totals);
    setText(byID("count"), String(totals.events));
    setText(byID("usd"), money);
    setText(byID("tokens"), tokens(totals));
    byID("usd").title = note;
    byID("tokens").title = kinds;
    setText(byID("cost"), money);
    setText(byID("cost-note"), note);
    showFact("token-kinds", kinds);
    const run = document.querySelector(`.runs a[data-session="${CSS.escape(page.session)}"] .run-totals`);
    if (run !== null && page.all !== "true") setText(run, `${plural(totals.events, "event")} · ${money}`);
  }

  // deleted says that there is nothing to show any more.
  deleted(what) {
    this.connection("gone");
    this.#now.over(Infinity, "error", `This ${what} was deleted`, "");
    setText(byID("now-for"), "");
  }

  // #second goes on with what is counted in seconds. Where nothing has happened for some
  // time, to draw the page each second is too much for what it tells.
  #second() {
    if (Date.now() - this.#tickedAt < 900) return; // with what came just now
    const silence = this.#now.silence(Date.now());
    const quiet = this.status !== "open" || silence > quietMs;
    if (page.quiet !== String(quiet)) page.quiet = String(quiet);
    if (quiet && Math.floor(silence / 1000) % quietSeconds !== 0 && page.state !== "reconnecting") return;
    this.#changes();
    this.tick();
  }

  tick() {
    const now = this.#tickedAt = Date.now();
    if (page.state === "reconnecting") this.#showConnection();
    if (this.#started !== null) showFact("duration", duration((this.#ended ?? now) - this.#started));
    if (page.state === "gone") return;
    this.#tickCalls(now);
    const ended = this.#started !== null && this.#ended !== null ? `after ${duration(this.#ended - this.#started)}` : "";
    const pace = this.#now.tick(now, this.status === "open", ended);
    if (page.pace === pace) return;
    page.pace = pace;
    this.#showTitle();
  }

  #tickCalls(now) {
    if (this.over) return;
    for (const call of document.querySelectorAll('.event[data-type="tool_call"][data-outcome="open"]')) {
      setText(call.querySelector(".took"), duration(now - Date.parse(call.dataset.time)));
    }
  }
}

// totalsOf reads the totals that a page was made with, in the form of the JSON.
function totalsOf(data) {
  return {
    events: Number(data.events), usd: Number(data.usd), estimated_usd: Number(data.estimated), unpriced: data.unpriced === "true",
    input_tokens: Number(data.in), output_tokens: Number(data.out), cache_read_tokens: Number(data.read), cache_write_tokens: Number(data.write),
  };
}

async function jsonOf(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function showFact(id, value) {
  setText(byID(id), value);
  byID(`${id}-fact`).hidden = value === "";
  const details = byID("details");
  details.hidden = details.querySelector("dl > :not([hidden])") === null;
}

function localTimes(within) {
  for (const time of within.querySelectorAll(".about time[datetime]")) {
    const date = dateOf(time.dateTime);
    if (date !== null) setText(time, moment(date));
  }
}

function dateOf(string) {
  const date = new Date(string ?? "");
  return Number.isNaN(date.getTime()) ? null : date;
}
