// One EventSource for all tabs that show the same, replaced when the browser has
// given it up.
//
// While readyState is CONNECTING the browser reconnects by itself. After any answer
// but a stream it is CLOSED for good: then, after a pause that doubles, the things
// it is about are looked at, and if they are still there a new one is made.

import { farApartMs, isBusy } from "./busy.js";
import { placeIn, plain } from "./cursor.js";
import { look } from "./look.js";

const firstDelayMs = 1000;
const longestDelayMs = 30_000;

const apartMs = 100; // between two messages with rows to a tab, while they are few

// What a stream carries beside events.
const controls = ["caught_up", "gap", "reset", "task", "task_deleted"];

// A row of a `complete` event. In the attributes of a row, quotes are escaped.
const completes = /^<li [^>]*\bdata-type="complete"/;

export class Stream {
  members = new Set();
  cursor; // the last one received
  state = "connecting";
  retryAt;
  #source = null;
  #timer;
  #rows = []; // that the tabs have not been told of
  #telling; // the timer until they may be
  #apart = apartMs;
  #attempts = 0;
  #about;
  #ended;

  // about is what the first tab wants: {url, cursor, list, ends, checks}. ended is
  // called when there is nothing more to come.
  constructor(about, ended) {
    this.#about = about;
    this.cursor = about.cursor;
    this.#ended = ended;
  }

  get open() {
    return this.#source !== null;
  }

  // connect opens the stream, from the cursor reached so far.
  connect() {
    this.#drop();
    const url = new URL(this.#about.url);
    if (this.cursor !== "") url.searchParams.set("last_event_id", plain(this.cursor));
    const source = new EventSource(url);
    this.#source = source;
    source.onopen = () => {
      if (this.#about.list) this.#live();
    };
    source.onmessage = (message) => {
      this.cursor = placeIn(message.lastEventId, message.data);
      this.#rows.push({ row: message.data, cursor: this.cursor });
      if (this.#telling === undefined) this.#tellRows();
      if (this.#about.ends && completes.test(message.data)) this.#end({ ended: true });
    };
    for (const name of controls) source.addEventListener(name, (message) => this.#control(name, message.data));
    source.onerror = () => {
      if (source !== this.#source) return;
      if (source.readyState === EventSource.CLOSED) this.#later();
      else this.#become("reconnecting");
    };
    if (this.state !== "reconnecting") this.#become("connecting");
  }

  // pause closes the stream until connect is called again.
  pause() {
    this.#drop();
    this.#become("waiting");
  }

  close() {
    this.#drop();
  }

  tell(message) {
    if (this.#rows.length > 0) this.#tellRows();
    this.#post(message);
  }

  // #tellRows reports a row at once, and those that come right after it together. A message
  // wakes a tab: while many rows come, that is too much for each few of them.
  #tellRows() {
    const rows = this.#rows;
    this.#rows = [];
    this.#post({ rows });
    this.#apart = isBusy(rows.length, this.#apart) ? farApartMs : apartMs;
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => {
      this.#telling = undefined;
      if (this.#rows.length > 0) this.#tellRows();
    }, this.#apart);
  }

  #post(message) {
    for (const member of this.members) member.tell(message);
  }

  #control(name, text) {
    const data = JSON.parse(text);
    this.tell({ control: name, data });
    if (name === "caught_up") this.#live();
    // Each tab starts again from what the server has now.
    if (name === "reset") this.#end({});
  }

  #live() {
    this.#attempts = 0;
    this.#become("live");
  }

  #become(state, retryAt) {
    this.state = state;
    this.retryAt = retryAt;
    this.tell({ state, retryAt });
  }

  #end(message) {
    this.#drop();
    this.tell(message);
    this.#ended();
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#source?.close();
    this.#source = null;
  }

  #later() {
    this.#drop();
    const longest = Math.min(firstDelayMs * 2 ** this.#attempts, longestDelayMs);
    const delay = longest * (0.5 + Math.random() / 2); // many pages must not come back at once
    this.#attempts = Math.min(this.#attempts + 1, 5);
    this.#become("reconnecting", Date.now() + delay);
    const timer = setTimeout(async () => {
      for (const [what, url] of Object.entries(this.#about.checks)) {
        const verdict = await look(url);
        if (timer !== this.#timer || this.members.size === 0) return;
        if (verdict === "retry") return this.#later();
        if (verdict === "stop") return this.#end({ gone: what });
      }
      this.connect();
    }, delay);
    this.#timer = timer;
  }
}
