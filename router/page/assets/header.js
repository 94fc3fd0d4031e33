// The head of the task page: status, facts, totals, connection, and what the agent
// does now.

import { setText } from "./dom.js";
import { calmly, cost, costNote, duration, elsewhere, firstLine, moment, plural, tokenKinds, tokens, tokensElsewhere, untilNext } from "./format.js";
import { Favicon } from "./favicon.js";
import { Now } from "./now.js";
import { calmMs, quietMs } from "./pace.js";
import { saw } from "./seen.js";

const refreshMs = 1000; // between two looks at what the stream does not tell

const second = 1000, minute = 60 * second;
const wakeMs = 5; // a timer may come a little early

const calm = matchMedia("(prefers-reduced-motion: reduce)");

const page = document.body.dataset;
const byID = (id) => document.getElementById(id);
const favicon = new Favicon();

export class Header {
  status = page.status;
  #timeline;
  #taskURL;
  #along;
  #retryAt;
  #started = dateOf(byID("started").dateTime);
  #ended = dateOf(byID("duration").dataset.ended);
  #now;
  #totals = totalsOf(page);
  #exactAt = page.cursor; // the totals hold everything up to here
  #rawsAt = page.cursor; // the lines that were not understood are counted up to here
  #refreshing;
  #refreshedAt = 0;
  #ticking; // the timer of the next tick
  #updated = byID("now").dataset.updated; // when something was appended last
  #factsSeen = true; // the facts are in view
  #facing = new IntersectionObserver((entries) => this.#faced(entries.at(-1).isIntersecting));
  #about = null; // what the server said last
  #wasRead;

  // along(change) makes a change of the head: others can be shown with it. wasRead() is
  // called when the server has read all of a long run.
  constructor(timeline, taskURL, along, wasRead) {
    this.#timeline = timeline;
    this.#along = along;
    this.#wasRead = wasRead;
    this.#taskURL = taskURL;
    byID("connection").hidden = false;
    localTimes(document);
    this.#seen(this.#updated);
    this.#now = new Now();
    this.#facing.observe(document.querySelector(".about"));
    document.addEventListener("visibilitychange", () => {
      this.#seen(this.#updated);
      this.tick();
    });
    this.tick();
    if (this.#now.behind) this.refresh();
  }

  get over() {
    return this.status !== "open" && this.status !== "none";
  }

  // adopt takes the facts of a page that the server has made again.
  adopt(fresh) {
    const data = fresh.body.dataset;
    page.session = data.session;
    page.cursor = data.cursor;
    const about = fresh.querySelector(".about");
    if (!about.isEqualNode(this.#about)) { // else a reader may be in the middle of it
      this.#about = about.cloneNode(true);
      localTimes(about);
      about.querySelector("details").open = byID("details").open;
      about.append(...document.querySelectorAll("#notify")); // the server knows nothing of it
      document.querySelector(".about").replaceWith(document.adoptNode(about));
      this.#facing.disconnect();
      this.#facing.observe(about);
    }
    this.#started = dateOf(byID("started").dateTime);
    this.#ended = dateOf(byID("duration").dataset.ended);
    this.#totals = totalsOf(data);
    this.#exactAt = data.cursor;
    this.#rawsAt = data.cursor;
    byID("elsewhere").replaceWith(document.adoptNode(fresh.getElementById("elsewhere")));
    this.#now.adopt(fresh.getElementById("now"));
    this.#setStatus(data.status);
    this.showTotals();
    this.tick();
    if (this.#now.behind) this.refresh();
  }

  // began reports a session that started after the page was made.
  began(session) {
    page.session = session;
    this.#now.forget();
    this.#setStatus("open");
    this.refresh();
  }

  // counted adds an event of the stream to the totals. They are shown when the rows are.
  counted(row, isAfter) {
    if (row.dataset.type === "raw" && isAfter(this.#rawsAt)) this.#countRaw(row);
    if (!isAfter(this.#exactAt)) return;
    this.#totals.events++;
    this.#now.heard();
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
    this.#along(() => {
      if (whole || asked === page.session) this.#show(answer);
    });
    return answer.session;
  }

  #show({ session, title, updated, now, totals }) {
    this.titled(title);
    this.#seen(updated);
    const { behind } = this.#now;
    if (page.state !== "gone") this.#now.show(now, updated, session?.head ?? 0, (sequence) => this.#addressOf(session, sequence));
    if (session === null) return;
    if (this.#now.behind) this.refresh();
    else if (behind) this.#wasRead();
    this.#exactAt = `${session.id}:${session.head}`;
    if (page.all === "true") {
      this.#totals = { ...totals, events: this.#totals.events };
    } else {
      this.#totals = session.totals;
      this.#facts(session);
    }
    this.showTotals();
    this.tick();
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
    if (info.counted_elsewhere !== undefined) this.#showElsewhere(info.counted_elsewhere);
    showFact("parent-thread", info.parent_external_id ?? "");
    if (this.#started !== null) {
      byID("started").dateTime = info.started;
      showFact("started", moment(this.#started));
    }
  }

  #showElsewhere(counted) {
    showFact("counted-elsewhere", elsewhere(counted));
    setText(byID("elsewhere"), tokensElsewhere(counted));
    byID("elsewhere").hidden = false;
  }

  // titled shows the title of the task.
  titled(title) {
    page.title = title;
    setText(document.querySelector(".bar h1 bdi"), title || page.task);
    this.#showTitle();
  }

  // finished reports the row that ends a session.
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
    this.#tickAgain(0);
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

  // #tickAgain has what is counted in time shown again, when it next tells something else.
  #tickAgain(atLeast) {
    clearTimeout(this.#ticking);
    const pause = Math.max(this.#pause(Date.now()), atLeast);
    if (pause < Infinity) this.#ticking = setTimeout(() => this.#along(() => this.tick()), pause + wakeMs);
  }

  #pause(now) {
    if (page.state === "reconnecting") return second;
    if (this.status !== "open" || page.state === "gone") return Infinity;
    const silence = this.#now.silence(now);
    if (document.hidden) return silence < quietMs ? quietMs - silence : Infinity; // only the title is seen
    if (!this.#isCalm(now)) return second;
    const shown = [this.#now.moment(now), ...this.#openCalls().map(({ dataset }) => Date.parse(dataset.time))];
    if (this.#factsSeen) shown.push(this.#started);
    const pause = Math.min(...shown.map((since) => untilNext(minute, now - since)));
    return Math.max(second, silence < quietMs ? Math.min(pause, quietMs - silence) : pause);
  }

  // #faced tells whether a reader sees the facts: what is not seen need not be counted.
  #faced(seen) {
    const wasSeen = this.#factsSeen;
    this.#factsSeen = seen;
    if (seen && !wasSeen) this.tick();
    else this.#tickAgain(0);
  }

  // #isCalm tells that nothing was heard for a while. To draw the page each second is too
  // much then for what it tells: times are told in whole minutes.
  #isCalm(now) {
    return this.#now.silence(now) >= calmMs;
  }

  // tick shows what is counted in time, and does so again after a pause.
  tick(atLeast = 0) {
    this.#tickAgain(atLeast);
    const now = Date.now();
    const long = this.#isCalm(now) ? calmly : duration;
    if (page.state === "reconnecting") this.#showConnection();
    if (this.#started !== null) showFact("duration", this.#ended === null ? long(now - this.#started) : duration(this.#ended - this.#started));
    if (page.state === "gone") return;
    this.#tickCalls(now, long);
    turn(byID("now").querySelector(".mark"), now);
    const ended = this.#started !== null && this.#ended !== null ? `after ${duration(this.#ended - this.#started)}` : "";
    const pace = this.#now.tick(now, long, this.status === "open", ended);
    if (page.pace === pace) return;
    page.pace = pace;
    this.#showTitle();
  }

  #tickCalls(now, long) {
    for (const call of this.#openCalls()) {
      setText(call.querySelector(".took"), long(now - Date.parse(call.dataset.time)));
      turn(call.querySelector(".mark"), now);
    }
  }

  #openCalls() {
    return this.over ? [] : [...document.querySelectorAll('.event[data-type="tool_call"][data-outcome="open"]')];
  }
}

// turn moves a spinner on. It moves with the seconds beside it: an animation of the style
// sheet would have all of the page drawn 60 times a second.
function turn(mark, now) {
  if (!calm.matches) mark.style.setProperty("--turn", `${Math.floor(now / second) % 8 / 8}turn`);
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
