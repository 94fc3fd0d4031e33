// The task page: the timeline of a session, or of all sessions of a task, live.

import { farApartMs } from "./busy.js";
import { Compose } from "./compose.js";
import { compare, plain } from "./cursor.js";
import { announcer, el, measureTop } from "./dom.js";
import { Filter } from "./filter.js";
import { Folds } from "./fold.js";
import { Follow } from "./follow.js";
import { Gone, parseRows } from "./fragments.js";
import { Frames } from "./frames.js";
import { clock } from "./format.js";
import { Header } from "./header.js";
import { History } from "./history.js";
import { inspect, whole } from "./inspect.js";
import { keys } from "./keys.js";
import { Link } from "./link.js";
import { looks } from "./looks.js";
import { Next } from "./next.js";
import { Notifier, ofRun } from "./notify.js";
import { Overview } from "./overview.js";
import { pin } from "./pin.js";
import { rename } from "./rename.js";
import { Steering } from "./steering.js";
import { Timeline } from "./timeline.js";

const mostQueued = 1000; // rows; more at once are not brought one by one
const drawMs = 40; // for rows in one go: a reader must not wait for many
const together = 20; // rows that become markup at once
const pollMs = 10_000; // while there is no connection left for this page

const page = document.body.dataset;
const byID = (id) => document.getElementById(id);
const list = byID("timeline");
const taskURL = new URL(`./${encodeURIComponent(page.task)}`, location.href).href;
const announce = announcer(byID("announcer"));

let queue = []; // what the stream has brought and is not in the page yet
let caughtUp = false;
let lastSession = page.cursor.split(":")[0]; // that the stream's newest event is of
let polling;
const frames = new Frames(draw);

const folds = new Folds(list);
const timeline = new Timeline(list, looks, folds);
const header = new Header(timeline, taskURL, (change) => frames.along(change), () => overview.load());
const target = targetOf(location.hash);
// A run that goes on is watched at its end; one that is over is read from its start.
const startsAtEnd = target === null && page.newest === "true" && !header.over;
const follow = new Follow(list, byID("jump"), byID("jump-count"), {
  active: startsAtEnd,
  whole: () => history.whole,
  latest: () => history.latest(),
  goesOn: () => !header.over,
  changed: (active) => { page.follow = String(active); },
});
page.follow = String(startsAtEnd);
const history = new History(list, timeline, {
  changed() {
    filter.apply();
    follow.keep();
  },
  part(part) {
    header.adopt(part.document);
    folds.all(); // whether the run is over may be news
    if (goesOn() && !joined) connect();
    if (!goesOn()) finished();
  },
  follows: () => follow.active,
  leaving: () => steering.draw(), // what leaves shows all that has come to it
  failed(error) {
    if (error instanceof Gone) gone("task");
  },
});
const filter = new Filter(list, timeline, taskURL, goToHit, announce);
const overview = new Overview(taskURL, { goTo: show, follows: () => follow.active, rows: () => timeline.rows });
const next = new Next(taskURL, {
  place: list.parentElement,
  follows: () => follow.active,
  shown() {
    follow.keep();
    announce("A new session has started");
  },
});
const compose = new Compose(taskURL, header, announce);
const steering = new Steering(list, taskURL, header, (event) => compose.answer(event));
const notifier = new Notifier(document.querySelector(".about"));
ofRun(notifier, list, byID("status"));
let joined = false;

const link = new Link({
  about: () => ({
    url: streamURL(),
    cursor: history.head,
    ends: page.all !== "true",
    checks: page.session === "" || page.all === "true" ? { task: taskURL } : { task: taskURL, session: `${taskURL}/sessions/${page.session}` },
  }),
  joined(fresh, cursor) {
    if (!fresh && cursor !== "" && (history.cursor === "" || compare(cursor, history.cursor) > 0)) history.catchUp();
  },
  row: received,
  control: {
    caught_up() {
      drawAll(); // what was there before is not told as news
      caughtUp = true;
    },
    gap(gap) {
      const from = gap.after + 1, to = gap.next - 1;
      const what = from === to ? `Event ${from} is` : `Events ${from}–${to} are`;
      enqueue({ item: el("li", { class: "gap", "data-after": gap.after, "data-next": gap.next }, `${what} no longer kept`) });
    },
    async reset(reset) {
      joined = false;
      queue = [];
      await history.restart();
      list.append(el("li", { class: "reset", "data-reason": reset.reason },
        `The server did not know where this page stood (${reset.reason}). The timeline was loaded anew at ${clock(new Date())}.`));
      follow.keep();
      announce("The timeline was loaded anew");
    },
  },
  state(state, retryAt) {
    drawAll();
    const before = page.state;
    header.connection(state, retryAt);
    if (state === "live") {
      caughtUp = true;
      header.refresh();
      if (before === "reconnecting") announce("Live again");
      if (follow.active && !history.whole) history.catchUp();
    } else {
      caughtUp = false;
      if (state === "reconnecting" && before === "live") announce("Connection lost, reconnecting");
    }
    clearInterval(polling);
    if (state === "waiting") polling = setInterval(poll, pollMs);
  },
  ended() {
    drawAll();
    next.after(header.status, history.head);
    overview.load();
    finished();
  },
  gone,
});

measureTop();
rename(taskURL, header);
if (document.body.dataset.writes === "true") pin(taskURL);
keys({ list, folds, follow, filter, announce });
inspect(list);
header.connection("connecting");
if (goesOn()) connect();
else finished();
// What a search in all runs has found is shown as one in this run shows it.
const sought = new URLSearchParams(location.search).get("find");
if (target !== null && sought !== null) goToHit(page.all === "true" ? target : `:${target}`, filter.look(sought));
else if (target !== null) show(target);
else follow.keep();

// goesOn tells whether there is something to wait for.
function goesOn() {
  return !header.over || page.all === "true";
}

// connect joins the stream behind the last row, or when the page shows an older part
// behind the last event there is: what lies between is loaded when it is looked at.
async function connect() {
  joined = true;
  notifier.offer(true);
  if (!history.whole) {
    const info = await header.latest();
    if (info !== null) history.saw(`${info.id}:${info.head}`);
  }
  if (joined) link.join();
}

function streamURL() {
  const url = new URL(`${taskURL}/events/stream?format=html&control=true`);
  if (page.all === "true") url.searchParams.set("sessions", "all");
  else if (page.session !== "") url.searchParams.set("session", page.session);
  return url.href;
}

// poll looks for what a stream would have brought.
async function poll() {
  const info = await header.latest();
  if (info === null || compare(`${info.id}:${info.head}`, history.head) > 0) history.catchUp();
}

// What the stream brings in a moment is put into the page together, once a frame.
function received(text, cursor) {
  if (history.isNew(cursor)) enqueue({ text, cursor });
}

function enqueue(row) {
  queue.push(row);
  if (queue.length > mostQueued) {
    const rows = taken(queue.length);
    follow.added(rows.filter(({ cursor }) => cursor !== undefined).length);
    history.skip();
    if (follow.active) history.latest();
  }
  frames.request();
}

// taken takes rows out of the queue. They become markup at once.
function taken(most) {
  const rows = queue.splice(0, most);
  const items = parseRows(rows.filter(({ text }) => text !== undefined).map(({ text }) => text));
  return rows.flatMap((row) => {
    if (row.text === undefined) return [row];
    row.item = items.shift();
    return [...heard(row), row];
  });
}

const sessionBreak = (session, ...text) => ({ item: el("li", { class: "session-break", "data-session": session, "data-status": "open" }, ...text) });

// heard tells all who are told of single events, and returns the notices before it.
function heard({ item, cursor }) {
  const { type, session, status } = item.dataset;
  const notices = [];
  const all = page.all === "true";
  if (all ? session > page.session : session !== page.session) { // ids rise with the starts
    if (page.session === "") history.began(session);
    header.began(session);
    if (all) notices.push(sessionBreak(session, "A new session starts"));
  } else if (all && session !== lastSession) {
    notices.push(sessionBreak(session, el("a", { href: `?session=${session}` }, "Session ", el("code", {}, session)), " goes on"));
  }
  lastSession = session;
  header.counted(item, (exact) => exact === "" || compare(cursor, exact) > 0);
  if (type === "complete" && session === page.session) header.finished(item);
  if (!caughtUp || header.over) return notices;
  header.refresh();
  overview.grown();
  if (type === "error") announce(`Error: ${item.querySelector(".prose").textContent.slice(0, 200)}`);
  if (type === "complete") announce(`The session has ended: ${status}`);
  return notices;
}

// drawAll draws what is waiting before something else is told.
function drawAll() {
  while (queue.length > 0) draw();
}

function draw() {
  const until = performance.now() + drawMs;
  const alone = caughtUp && queue.length === 1;
  let drawn = 0, seen = 0;
  while (queue.length > 0 && (drawn === 0 || performance.now() < until)) {
    const rows = taken(together);
    // A row that comes alone is seen to come; many at a time would be a lot of motion.
    if (alone && rows.length === 1 && rows[0].cursor !== undefined) arrive(rows[0].item);
    history.add(rows);
    drawn += rows.length;
    seen += rows.filter(({ item, cursor }) => cursor !== undefined && !item.hidden).length;
  }
  const busy = frames.drew(drawn);
  if (drawn === 0) return;
  if (queue.length > 0) frames.soon();
  header.showTotals();
  if (busy) header.tick(2 * farApartMs); // in this frame, not in one of its own
  byID("waiting").hidden = true;
  follow.added(seen);
  filter.apply();
  follow.keep();
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");

function arrive(item) {
  if (calm.matches || document.hidden) return;
  requestAnimationFrame(() => item.animate([{ opacity: 0, translate: "0 0.4rem" }, {}], { duration: 350, easing: "ease-out" }));
}

function finished() {
  if (page.all === "true") return;
  if (joined) link.leave();
  joined = false;
  notifier.offer(false);
  header.connection("ended");
  compose.update();
}

function gone(what) {
  if (page.state === "gone") return;
  if (joined) link.leave();
  joined = false;
  notifier.offer(false);
  header.deleted(what);
  compose.update();
  announce(`This ${what} was deleted`);
}

// Permalinks: to follow one changes the address, not the page.

function targetOf(hash) {
  return /^#(?:[0-9A-Za-z]+:)?[0-9]+$/.test(hash) ? hash.slice(1) : null;
}

function goTo(place) {
  follow.pause();
  place.hidden = false; // who asks for it sees it
  filter.reveal(place);
  folds.reveal(place);
  for (let at = place.closest("details"); at !== null; at = at.parentElement.closest("details")) at.open = true;
  for (const old of document.querySelectorAll(".target")) old.classList.remove("target");
  place.classList.add("target");
  place.scrollIntoView({ block: "start", behavior: "instant" });
}

// show goes to an event wherever it is: the part around it is asked for when it is
// not among the rows.
async function show(id) {
  follow.pause();
  if (byID(id) === null) await history.around(id);
  const place = byID(id);
  if (place !== null) goTo(place);
  return place;
}

// goToHit shows an event that was found, unfolded, and all of a text whose middle was
// left out if the words are in there.
async function goToHit(cursor, words) {
  const place = await show(page.all === "true" ? plain(cursor) : cursor.split(":")[1]);
  if (place === null) return;
  for (const details of place.querySelectorAll(":scope > .content > details, :scope > .content > .fields details, :scope > details")) details.open = true;
  const row = place.closest(".event");
  const has = () => words.every((word) => row.textContent.toLowerCase().includes(word));
  for (const link of place.querySelectorAll("a.full")) if (!has()) await whole(link);
  filter.apply();
  place.scrollIntoView({ block: "start", behavior: "instant" });
}

list.addEventListener("click", (click) => {
  const link = click.target.closest("a.seq");
  if (link === null || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
  click.preventDefault();
  window.history.replaceState(null, "", link.href);
  goTo(byID(link.dataset.to));
});

addEventListener("hashchange", () => {
  const id = targetOf(location.hash);
  if (id !== null) show(id);
});

