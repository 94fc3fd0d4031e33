// The page of all tasks, live.

import { announcer, el, setText } from "./dom.js";
import { Favicon } from "./favicon.js";
import { ago, cost, duration, moment, plural, tokens } from "./format.js";
import { Link } from "./link.js";

const byID = (id) => document.getElementById(id);
const body = byID("tasks");
const announce = announcer(byID("announcer"));

const inFirstLoad = 200; // so many tasks a new stream sends at first, the newest
const settleMs = 2000; // by then they have come
const pollMs = 10_000;
const quietMs = 5 * 60_000; // an open task of which nothing was heard for so long
const triesShown = 10;
const longAgoMs = 60 * 60_000; // so long after its end, and a run was not recorded live

const rows = new Map(); // id → {row, task, started, ended}: when the agent ran last
let confirmed = null; // the ids that the current stream has sent, until it has settled
let settling;
let late = false; // another tab has had what the stream brings at first
let polling; // while there is no connection left for this page
const favicon = new Favicon();

for (const row of body.rows) {
  const { task: id, title, type, status, created, updated, started, ended } = row.dataset;
  rows.set(id, { row, task: { id, title, type, status, created, updated }, started, ended });
}

const link = new Link({
  about: () => ({ url: new URL("stream", location.href).href, cursor: "", list: true, ends: false, checks: {} }),
  joined(fresh) {
    late = !fresh;
    if (late) askForAll();
  },
  row() {},
  control: {
    task(task) {
      confirmed?.add(task.id);
      update(task);
    },
    task_deleted({ id }) {
      confirmed?.delete(id);
      remove(id);
    },
  },
  state(state, retryAt) {
    const before = document.body.dataset.state;
    if (state === before && state !== "reconnecting") return;
    showState(state, retryAt);
    if (state === "live") {
      if (before === "reconnecting") announce("Live again");
      if (!late) {
        startOver();
        settling = setTimeout(settle, settleMs);
      }
      late = false;
    } else {
      clearTimeout(settling);
      if (state === "reconnecting" && before === "live") announce("Connection lost, reconnecting");
    }
    clearInterval(polling);
    if (state === "waiting") polling = setInterval(askForAll, pollMs);
  },
  ended() {},
  gone() {},
});

showState("connecting");
byID("connection").hidden = false;
byID("filter-box").hidden = false;
byID("filter").addEventListener("input", filter);
showFirstCommand();
setInterval(tick, 1000);
tick();
link.join();

function startOver() {
  confirmed = new Set();
  clearTimeout(settling);
}

// askForAll gets what a new stream would bring at first.
async function askForAll() {
  startOver();
  try {
    const answer = await fetch(`tasks?limit=${inFirstLoad}`, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok) return;
    for (const task of (await answer.json()).tasks) {
      confirmed.add(task.id);
      update(task);
    }
    settle();
  } catch {
    // The stream, or the next time, brings it.
  }
}

// settle takes out the tasks that were deleted while the page was not connected:
// those that the new stream would have sent, and did not.
function settle() {
  if (confirmed === null) return;
  let oldest = Infinity;
  if (confirmed.size >= inFirstLoad) {
    for (const id of confirmed) oldest = Math.min(oldest, updatedAt(rows.get(id).task));
  } else {
    oldest = -Infinity;
  }
  for (const [id, { task }] of rows) {
    if (!confirmed.has(id) && updatedAt(task) > oldest) remove(id);
  }
  confirmed = null;
}

function update(task) {
  let entry = rows.get(task.id);
  if (entry === undefined) {
    entry = { row: newRow(task), task: {} };
    rows.set(task.id, entry);
  }
  const before = entry.task;
  entry.task = task;
  // What the page came with is of the same moment as what the stream brings first.
  const known = before.status === task.status && (before.sessions ?? task.sessions) === task.sessions;
  if (task.sessions > 0 && !known) showTries(entry, task);
  fill(entry, task);
  place(entry.row, task);
  entry.row.hidden = !matches(task);
  showCount();
}

function remove(id) {
  const entry = rows.get(id);
  if (entry === undefined) return;
  rows.delete(id);
  entry.row.remove();
  showCount();
}

function newRow(task) {
  return el("tr", { "data-task": task.id },
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
}

function fill(entry, task) {
  const { row } = entry;
  const part = (selector) => row.querySelector(selector);
  row.dataset.status = task.status;
  setText(part(".task a bdi"), task.title || task.id);
  const kind = part(".kind bdi");
  if (kind !== null) setText(kind, task.type);
  else if (task.type) part(".ids").append(" ", el("span", { class: "kind" }, el("bdi", {}, task.type)));
  part(".status").dataset.status = task.status;
  if (row.dataset.quiet !== "true") setText(part(".status"), task.status);
  part(".updated").dateTime = task.updated ?? "";
  setText(part(".sessions"), String(task.sessions));
  setText(part(".events"), String(task.totals.events));
  setText(part(".cost"), cost(task.totals));
  setText(part(".tokens"), tokens(task.totals));
  showTimes(entry, Date.now());
}

// showTries shows when the agent ran, and how the sessions of a task that was tried
// again have ended.
async function showTries(entry, task) {
  const { row } = entry;
  try {
    const answer = await fetch(`tasks/${encodeURIComponent(task.id)}/sessions?limit=${triesShown}`, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok) return;
    const { sessions } = await answer.json();
    Object.assign(entry, { started: sessions[0]?.started, ended: sessions[0]?.ended });
    showTimes(entry, Date.now());
    if (sessions.length < 2) return;
    const tries = el("span", { class: "outcomes" });
    for (const { status, started } of sessions.reverse()) {
      tries.append(el("span", { class: "outcome", "data-status": status, title: `${status}, started ${moment(new Date(started))}` },
        el("span", { class: "hidden-label" }, `${status} `)));
    }
    const old = row.querySelector(".outcomes");
    if (old !== null) old.replaceWith(tries);
    else row.querySelector(".status").after(" ", tries);
  } catch {
    // The next change of the task asks again.
  }
}

// place puts a row where its last activity belongs: newest first.
function place(row, task) {
  const mine = updatedAt(task);
  let next = body.firstElementChild;
  while (next !== null && (next === row || updatedAt(rows.get(next.dataset.task).task) > mine)) next = next.nextElementSibling;
  if (row.isConnected && row.nextElementSibling === next) return;
  if (row.isConnected && body.moveBefore) {
    body.moveBefore(row, next); // keeps the focus by itself
    return;
  }
  const focused = row.contains(document.activeElement) ? document.activeElement : null;
  body.insertBefore(row, next);
  focused?.focus({ preventScroll: true });
}

function updatedAt(task) {
  return Date.parse(task.updated) || 0;
}

function tick() {
  const now = Date.now();
  for (const entry of rows.values()) showTimes(entry, now);
  if (document.body.dataset.state === "reconnecting") showConnection();
}

function showTimes({ row, task, started: from, ended: to }, now) {
  const updated = Date.parse(task.updated), started = Date.parse(from), ended = Date.parse(to);
  const quiet = task.status === "open" && now - updated > quietMs;
  if (row.dataset.quiet !== String(quiet)) {
    row.dataset.quiet = String(quiet);
    setText(row.querySelector(".status"), quiet ? "stuck?" : task.status);
    row.querySelector(".status").title = quiet ? "Open, and nothing was heard for more than five minutes" : "";
  }
  const time = row.querySelector(".updated");
  setText(time, Number.isNaN(updated) ? "–" : ago(now - updated));
  const exact = moment(new Date(updated));
  if (time.title !== exact) time.title = exact;
  const end = task.status === "open" ? now : ended;
  setText(row.querySelector(".duration"), Number.isNaN(end - started) ? "–" : duration(end - started));
  showRan(row, updated - ended >= longAgoMs ? new Date(ended) : null);
}

// showRan says when a run took place that was recorded long after.
function showRan(row, date) {
  let time = row.querySelector(".ran");
  if (date === null) {
    time?.remove();
    return;
  }
  if (time === null) {
    time = el("time", { class: "ran" });
    row.querySelector(".when").append(" ", time);
  }
  time.dateTime = date.toISOString();
  setText(time, `ran ${moment(date)}`);
}

// The filter

function matches(task) {
  const words = byID("filter").value.toLowerCase().split(/\s+/);
  const where = `${task.id} ${task.title} ${task.type} ${task.status}`.toLowerCase();
  return words.every((word) => where.includes(word));
}

function filter() {
  for (const { row, task } of rows.values()) row.hidden = !matches(task);
  showCount();
  announce(byID("summary").textContent);
}

function showCount() {
  const shown = [...rows.values()].filter(({ row }) => !row.hidden).length;
  byID("some").hidden = rows.size === 0;
  byID("none").hidden = rows.size > 0;
  byID("no-match").hidden = shown > 0 || rows.size === 0;
  setText(byID("summary"), byID("filter").value.trim() === "" ? plural(rows.size, "task") : `${shown} of ${plural(rows.size, "task")}`);
  showTitle();
}

// What the page shows of itself

function showState(state, retryAt) {
  document.body.dataset.state = state;
  document.body.dataset.retryAt = retryAt ?? "";
  showConnection();
  showTitle();
}

function showConnection() {
  const { state, retryAt } = document.body.dataset;
  const left = Math.ceil((Number(retryAt) - Date.now()) / 1000);
  const words = { connecting: "Connecting…", live: "Live", reconnecting: "Reconnecting…", waiting: "Live, with a delay" };
  setText(byID("connection-text"), state === "reconnecting" && left > 0 ? `Reconnecting in ${left} s` : words[state]);
}

function showTitle() {
  const open = [...rows.values()].filter(({ task }) => task.status === "open").length;
  const mark = document.body.dataset.state === "reconnecting" ? "↻ " : open > 0 ? "● " : "";
  const title = open > 0 ? `${mark}Tasks (${open} open)` : `${mark}Tasks`;
  if (document.title !== title) document.title = title;
  favicon.show(document.body.dataset.state !== "reconnecting" && open > 0 ? "open" : "none");
}

function showFirstCommand() {
  const url = new URL("tasks/my-task/events", location.href.replace(/[?#].*$/, "")).href;
  setText(byID("first-event-url"), /^[\w:/.-]+$/.test(url) ? url : `'${url.replaceAll("'", `'\\''`)}'`);
  const copy = byID("copy");
  copy.hidden = navigator.clipboard === undefined;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(byID("first-event").textContent);
    setText(copy, "Copied");
  });
}
