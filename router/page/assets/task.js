// The task page: one session of a task, live.

import { activityOf } from "./activity.js";
import { Connection, look } from "./connection.js";
import { announcer, setText } from "./dom.js";
import { Follow } from "./follow.js";
import { duration, moment, plural, text, tokens, usd } from "./format.js";
import { Timeline } from "./timeline.js";
import { Totals } from "./totals.js";

const page = document.body.dataset;
const byID = (id) => document.getElementById(id);
const taskURL = `./${encodeURIComponent(page.task)}`;

let session = page.session;
let sessionStatus = page.status;
let started = dateOf(byID("started").dateTime);
let ended = dateOf(byID("duration").dataset.ended);
let lastID = "";
let lastSequence = 0;
let caughtUp = false;
let totals = new Totals();
let activitySince = null;

const announce = announcer(byID("announcer"));
const target = /^#[0-9]+$/.test(location.hash) ? location.hash.slice(1) : null;
// A run that goes on is watched at its end, one that is over is read from its start.
const follow = new Follow(byID("timeline"), byID("jump"), byID("jump-count"), target === null && !sealed());
let wanted = target; // the permalink that has not been reached yet

const timeline = new Timeline(byID("timeline"), (live) => {
  if (live > 0) follow.added(live);
  if (wanted !== null && byID(wanted) !== null) {
    goTo(wanted);
    wanted = null;
  }
  showActivity();
});

const connection = new Connection({
  url: streamURL,
  listen(source) {
    source.onmessage = received;
    source.addEventListener("caught_up", () => {
      caughtUp = true;
      connection.established();
      if (page.state !== "connecting") announce("Live again");
      showState("live");
      showTotals();
      showActivity();
    });
    source.addEventListener("gap", (message) => {
      const gap = JSON.parse(message.data);
      startSession(gap.session);
      timeline.gap(gap.after, gap.next);
    });
    source.addEventListener("reset", () => {
      lastID = "";
      startOver();
    });
  },
  async check() {
    let verdict = await look(taskURL);
    if (verdict === "go" && page.pinned !== "") verdict = await look(`${taskURL}/sessions/${page.pinned}`);
    if (verdict === "stop") gone();
    return verdict;
  },
  lost(retryAt) {
    if (page.state === "live") announce("Connection lost, reconnecting");
    showState("reconnecting", retryAt);
  },
});

showState("connecting");
byID("connection").hidden = false;
showActivity();
for (const time of document.querySelectorAll("time[datetime]")) {
  const date = dateOf(time.dateTime);
  if (date !== null) setText(time, moment(date));
}
setInterval(tick, 1000);
tick();

function streamURL() {
  const query = new URLSearchParams({ format: "envelope", control: "true" });
  if (page.pinned !== "") query.set("session", page.pinned);
  if (lastID !== "") query.set("last_event_id", lastID);
  return `${taskURL}/events/stream?${query}`;
}

function received(message) {
  const event = JSON.parse(message.data);
  lastID = message.lastEventId;
  startSession(event.session);
  if (event.sequence <= lastSequence) return;
  lastSequence = event.sequence;
  totals.add(event);
  timeline.push(event, caughtUp);
  if (event.type === "complete") {
    finish(event);
  } else if (caughtUp) {
    showTotals();
    if (event.type === "error") announce(`Error: ${text(event.data.message).slice(0, 200)}`);
  }
}

// startSession makes way for another session than the one shown so far. That
// happens when a retry began between the page's making and the stream's opening.
function startSession(id) {
  if (id === session) return;
  startOver();
  session = id;
  sessionStatus = "open";
  started = ended = null;
  showStatus();
  describe(id);
}

function startOver() {
  timeline.clear();
  follow.forget();
  totals = new Totals();
  lastSequence = 0;
  caughtUp = false;
}

// describe fetches what the stream does not say about a session.
async function describe(id) {
  try {
    const answer = await fetch(`${taskURL}/sessions/${id}`, { headers: { Accept: "application/json" } });
    if (!answer.ok || id !== session) return;
    const info = await answer.json();
    started = dateOf(info.started);
    showFact("agent", info.agent);
    showFact("model", info.model);
    if (started !== null) {
      byID("started").dateTime = info.started;
      showFact("started", moment(started));
    }
    tick();
  } catch {
    // These are extras: the timeline does without them.
  }
}

function showFact(id, value) {
  setText(byID(id), value);
  byID(`${id}-fact`).hidden = value === "";
}

function finish(event) {
  connection.stop();
  sessionStatus = text(event.data.status);
  ended = new Date(event.time);
  showStatus();
  showTotals();
  showState("ended");
  if (caughtUp) announce(`The session has ended: ${sessionStatus}`);
  tick();
}

function gone() {
  const what = page.pinned === "" ? "This task was deleted" : "This session was deleted";
  showState("gone");
  announce(what);
  byID("now").hidden = false;
  byID("now").dataset.kind = "error";
  setText(byID("now-what"), what);
  setText(byID("now-detail"), "");
  setText(byID("now-for"), "");
}

function sealed() {
  return sessionStatus !== "open" && sessionStatus !== "none";
}

// What the page shows

function showState(state, retryAt) {
  page.state = state;
  page.retryAt = retryAt ?? "";
  showConnection();
  showTitle();
  byID("waiting").hidden = state !== "live" || lastSequence > 0;
}

function showConnection() {
  const words = { connecting: "Connecting…", live: "Live", reconnecting: "Reconnecting…", ended: "Ended", gone: "Deleted" };
  const left = Math.ceil((Number(page.retryAt) - Date.now()) / 1000);
  const text = page.state === "reconnecting" && left > 0 ? `Reconnecting in ${left} s` : words[page.state];
  setText(byID("connection-text"), text);
}

function showTitle() {
  let mark = { open: "●", none: "○", succeeded: "✓", failed: "✗" }[sessionStatus] ?? "■";
  if (page.state === "reconnecting") mark = "↻";
  if (page.state === "gone") mark = "✗";
  const title = page.title === "" ? page.task : `${page.task} ${page.title}`;
  const whole = `${mark} ${title}`;
  if (document.title !== whole) document.title = whole;
}

function showStatus() {
  for (const status of [byID("status"), runPart(".status")]) {
    if (status === null) continue;
    status.dataset.status = sessionStatus;
    setText(status, sessionStatus);
  }
  showTitle();
}

// runPart is a part of this session's entry among the sessions of its task, or null.
function runPart(selector) {
  return document.querySelector(`.runs a[data-session="${CSS.escape(session)}"] ${selector}`);
}

function showTotals() {
  setText(byID("count"), String(totals.events));
  setText(byID("usd"), usd(totals.usd));
  setText(byID("tokens"), tokens(totals.tokens));
  const run = runPart(".run-totals");
  if (run !== null) setText(run, `${plural(totals.events, "event")} · ${usd(totals.usd)}`);
}

function showActivity() {
  // What a replay passes through is not what the agent does now.
  if (page.state === "gone" || !timeline.idle || !(caughtUp || page.state === "ended")) return;
  const now = byID("now");
  const activity = activityOf(timeline.last, timeline.calls.running);
  now.hidden = false;
  now.dataset.kind = activity.kind;
  setText(byID("now-what"), activity.what);
  setText(byID("now-detail"), activity.detail);
  activitySince = activity.since;
  tickActivity();
}

function tickActivity() {
  let text = "";
  if (page.state === "ended" && started !== null && ended !== null) text = `after ${duration(ended - started)}`;
  else if (activitySince !== null) text = duration(Date.now() - activitySince);
  setText(byID("now-for"), text);
}

function tick() {
  if (page.state === "reconnecting") showConnection();
  if (started !== null) showFact("duration", duration((ended ?? Date.now()) - started));
  if (page.state === "gone") return;
  if (page.state !== "ended") timeline.calls.tick(Date.now());
  tickActivity();
}

function dateOf(string) {
  const date = new Date(string ?? "");
  return Number.isNaN(date.getTime()) ? null : date;
}

// Permalinks: to follow one changes the address, not the page.

function goTo(sequence) {
  follow.pause();
  const place = byID(sequence);
  if (place === null) return;
  place.closest("details")?.setAttribute("open", "");
  for (const old of document.querySelectorAll(".target")) old.classList.remove("target");
  place.classList.add("target");
  place.scrollIntoView({ block: "start", behavior: "instant" });
}

byID("timeline").addEventListener("click", (click) => {
  const link = click.target.closest("a.seq");
  if (link === null || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
  click.preventDefault();
  history.replaceState(null, "", link.href);
  goTo(link.dataset.to);
});

addEventListener("hashchange", () => {
  if (/^#[0-9]+$/.test(location.hash)) goTo(location.hash.slice(1));
});
