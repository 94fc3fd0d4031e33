// The page of the tasks that run, one card each, live.

import { Doing } from "./doing.js";
import { announcer, setText } from "./dom.js";
import { Favicon } from "./favicon.js";
import { plural } from "./format.js";
import { Link } from "./link.js";
import { Card, rateWords } from "./wallcard.js";

const byID = (id) => document.getElementById(id);
const list = byID("cards");
const announce = announcer(byID("announcer"));

const mostCards = 200;
const leavesMs = 60_000; // a run that has ended stays so long
const tickMs = 10_000; // what changes by itself is shown to the minute
const pollMs = 10_000;
const togetherMs = 200; // changes within so long are shown together

const cards = new Map(); // id → Card
const leaving = new Map(); // id → timer
let arranging; // soon
let ticking; // while there are cards that somebody sees
let polling; // while there is no connection left for this page
const favicon = new Favicon();
const doing = new Doing((id) => `tasks/${encodeURIComponent(id)}/now`, told, () => !document.hidden);

const link = new Link({
  about: () => ({ url: new URL("stream", location.href).href, cursor: "", list: true, ends: false, checks: {} }),
  joined() {},
  row() {},
  control: { task: update, task_deleted: ({ id }) => remove(id) },
  state(state) {
    const before = document.body.dataset.state;
    if (state === before) return;
    document.body.dataset.state = state;
    showConnection(state);
    show();
    if (state === "live") {
      if (before === "reconnecting") announce("Live again");
      refresh();
    }
    if (state === "reconnecting" && before === "live") announce("Connection lost, reconnecting");
    clearInterval(polling);
    if (state === "waiting") polling = setInterval(refresh, pollMs);
  },
  ended() {},
  gone() {},
});

for (const element of [...list.children]) {
  const card = Card.of(element);
  cards.set(card.id, card);
  if (card.behind) doing.ask(card.id, element);
}
showConnection("connecting");
byID("connection").hidden = false;
arrange();
addEventListener("visibilitychange", () => {
  if (!document.hidden) for (const card of cards.values()) doing.ask(card.id, card.element);
  arrange();
});
link.join();

// update takes a task as the stream has it.
function update(task) {
  let card = cards.get(task.id);
  if (card === undefined) {
    if (task.status !== "open") return;
    card = Card.make(task);
    cards.set(task.id, card);
    doing.ask(task.id, card.element);
    makeRoom();
  } else if (card.update(task)) {
    doing.ask(task.id, card.element);
  }
  seeEnd(card);
  arrangeSoon();
}

// told shows what the agent of a card does.
function told(id, answer) {
  const card = cards.get(id);
  if (card.tell(answer)) announce(`${card.title} waits for an answer`);
  warn(answer.warning ?? "");
  if (card.behind) doing.ask(id, card.element);
  seeEnd(card);
  arrangeSoon();
}

// warn shows what the server warns of, with the answer that came last.
function warn(text) {
  if (text !== "" && byID("warning").hidden) announce(text);
  byID("warning").hidden = text === "";
  setText(byID("warning-text"), text);
}

// seeEnd lets the card of a run that has ended stay for a moment.
function seeEnd(card) {
  if (card.open) {
    clearTimeout(leaving.get(card.id));
    leaving.delete(card.id);
  } else if (!leaving.has(card.id)) {
    leaving.set(card.id, setTimeout(() => remove(card.id), leavesMs));
    announce(`${card.title} has ended`);
  }
}

function remove(id) {
  const card = cards.get(id);
  if (card === undefined) return;
  clearTimeout(leaving.get(id));
  leaving.delete(id);
  doing.forget(id, card.element);
  cards.delete(id);
  card.element.remove();
  arrangeSoon();
}

// makeRoom takes away the card that wants least to be looked at.
function makeRoom() {
  if (cards.size <= mostCards) return;
  byID("more").hidden = false;
  const now = Date.now();
  remove([...cards.values()].sort((a, b) => b.rank(now) - a.rank(now) || a.updated - b.updated)[0].id);
}

// refresh compares the cards with what the server has: something may have happened that no
// stream told this page.
async function refresh() {
  try {
    const { tasks } = await ask(`tasks?status=open&limit=${mostCards}`);
    tasks.forEach(update);
    const running = new Set(tasks.map(({ id }) => id));
    for (const card of [...cards.values()]) {
      if (!card.open || running.has(card.id)) continue;
      const task = await ask(`tasks/${encodeURIComponent(card.id)}`);
      if (task === null) remove(card.id);
      else update(task);
    }
  } catch {
    // The stream, or the next time, brings it.
  }
}

// ask gets JSON of the server, null of what is not there.
async function ask(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.json();
}

function arrangeSoon() {
  arranging ??= setTimeout(arrange, togetherMs);
}

// arrange puts the cards in their order, and shows what changes by itself.
function arrange() {
  clearTimeout(arranging);
  arranging = undefined;
  const now = Date.now();
  for (const card of cards.values()) card.tick(now);
  const ordered = [...cards.values()].sort((a, b) => a.rank(now) - b.rank(now) || b.started - a.started);
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  ordered.forEach(({ element }, i) => {
    if (list.children[i] === element) return;
    if (element.isConnected && list.moveBefore) list.moveBefore(element, list.children[i] ?? null);
    else list.insertBefore(element, list.children[i] ?? null);
  });
  if (focused !== document.activeElement) focused?.focus({ preventScroll: true });
  show();
  clearTimeout(ticking);
  if (cards.size > 0 && !document.hidden) ticking = setTimeout(arrange, tickMs);
}

// show says in words what the cards are.
function show() {
  const now = Date.now();
  const open = [...cards.values()].filter((card) => card.open);
  const asks = open.filter((card) => card.asks).length;
  const stuck = open.filter((card) => !card.asks && card.pace(now) === "stuck").length;
  const usd = open.reduce((sum, card) => sum + card.usd(now), 0);
  const rate = rateWords(usd, open.some((card) => card.usd(now) > 0 && card.estimated));
  const parts = [`${open.length} running`];
  if (asks > 0) parts.push(asks === 1 ? "1 waits for a person" : `${asks} wait for a person`);
  if (stuck > 0) parts.push(`${stuck} stuck?`);
  if (rate !== "") parts.push(rate);
  setText(byID("summary"), parts.join(" · "));
  list.hidden = cards.size === 0;
  byID("none").hidden = cards.size > 0;
  if (open.length < mostCards) byID("more").hidden = true;
  const connected = document.body.dataset.state !== "reconnecting";
  const title = `${connected ? "" : "↻ "}${asks > 0 ? `${plural(asks, "question")} · ` : ""}Wall (${open.length} running)`;
  if (document.title !== title) document.title = title;
  favicon.show(!connected || open.length === 0 ? "none" : asks + stuck > 0 ? "stuck" : "open");
}

function showConnection(state) {
  const words = { connecting: "Connecting…", live: "Live", reconnecting: "Reconnecting…", waiting: "Live, with a delay" };
  setText(byID("connection-text"), words[state]);
}
