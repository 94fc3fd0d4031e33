// Which stretch of the run is in the page: loads older and newer parts as the
// reader comes near, and hands on to the stream without hole or double.

import { compare, plain } from "./cursor.js";
import { fetchPart, Gone } from "./fragments.js";
import { keepPlace } from "./follow.js";

const mostUnfollowed = 3000; // rows, while the reader is elsewhere
const firstRetryMs = 1000; // after a part could not be had; it doubles
const longestRetryMs = 30_000;
const nearMargin = "1500px 0px"; // a part is asked for before its place is in view

export class History {
  cursor; // up to where the page shows everything from its first row on
  #seen; // the newest cursor that the stream or a part has told of
  #attached; // new rows follow those in the page without a hole
  #waiting = null; // what the stream brought while a part is on its way
  #busy = null;
  #retries = {}; // what is tried again → the timer of the next attempt
  #failures = 0; // in a row
  #olderAddress;
  #list;
  #timeline;
  #options;

  // options:
  //   changed()     rows have come or gone
  //   leaving()     rows are about to be taken away
  //   part(part)    a part with the newest events was loaded
  //   follows()     whether the end is kept in view
  //   failed(error) a part could not be had; where the stream hangs on it, it is asked
  //                 for again
  constructor(list, timeline, options) {
    const page = document.body.dataset;
    this.#list = list;
    this.#timeline = timeline;
    this.#options = options;
    this.cursor = this.#seen = page.cursor;
    this.#attached = page.newest === "true";
    this.#olderAddress = document.getElementById("older")?.getAttribute("href") ?? null;
    this.#watch();
  }

  // whole tells whether the newest events are in the page.
  get whole() {
    return this.#attached;
  }

  // head is where a stream has to go on.
  get head() {
    return this.#attached ? this.cursor : this.#seen;
  }

  // saw reports the newest event when it is not in the page.
  saw(cursor) {
    this.#seen = cursor;
  }

  get hasOlder() {
    return this.#olderAddress !== null;
  }

  // began sets out from nothing, when the first session starts.
  began(session) {
    this.cursor = `${session}:0`;
    if (compare(this.#seen, this.cursor) < 0) this.#seen = this.cursor;
  }

  // isNew tells whether the stream's next event was not told of before.
  isNew(cursor) {
    if (this.#seen !== "" && compare(cursor, this.#seen) <= 0) return false;
    this.#seen = cursor;
    return true;
  }

  // add takes rows of the stream, [{cursor, item}]; an item without a cursor is a
  // notice. It returns how many rows were added.
  add(rows) {
    if (this.#waiting !== null) {
      this.#waiting.push(...rows);
      return 0;
    }
    if (!this.#attached) return 0;
    const news = rows.filter(({ cursor }) => cursor === undefined || this.cursor === "" || compare(cursor, this.cursor) > 0);
    if (news.length === 0) return 0;
    const added = this.#timeline.append(news.map(({ item }) => item));
    this.cursor = news.findLast(({ cursor }) => cursor !== undefined)?.cursor ?? this.cursor;
    this.#trimOldest();
    return added;
  }

  // older loads the part before the first row. It tells whether there was one.
  older(again) {
    return this.#alone(async () => {
      if (this.#olderAddress === null) return false;
      const part = await fetchPart(this.#olderAddress);
      keepPlace(this.#list, () => {
        this.#timeline.older(part);
        const end = this.#timeline.trimNewest();
        if (end !== "") {
          this.#attached = false;
          this.cursor = end;
        }
        this.#setOlder(part.older);
      });
      return true;
    }, "older", again);
  }

  // newer loads the part behind the last row, and goes live when it is the newest. It tells
  // whether there was one.
  newer(again) {
    return this.#alone(async () => {
      if (this.#attached) return false;
      await this.#loadNewer();
      return true;
    }, "newer", again);
  }

  // catchUp loads all that has come since the last row.
  catchUp() {
    return this.#alone(async () => {
      this.#attached = false;
      while (!this.#attached) await this.#loadNewer();
    }, "end", () => this.catchUp());
  }

  // latest shows the newest part instead of an older one.
  latest() {
    return this.#alone(async () => {
      if (!this.#attached) await this.#restart();
    }, "end", () => this.latest());
  }

  // around shows the part around an event instead of what is shown.
  around(id) {
    return this.#alone(async () => {
      this.#attached = false;
      await this.#replace(addressOf("around", id.includes(":") ? id : `:${id}`));
    });
  }

  // restart shows the newest part, whatever the stream has told of before.
  restart() {
    return this.#alone(() => {
      this.#seen = "";
      return this.#restart();
    }, "end", () => this.restart());
  }

  // skip lets go of the end: there is too much to bring it row by row.
  skip() {
    this.#attached = false;
    this.#showEnds();
  }

  async #loadNewer() {
    this.#waiting = [];
    try {
      const part = await fetchPart(addressOf("after", this.cursor));
      keepPlace(this.#list, () => {
        this.#timeline.newer(part);
        this.cursor = part.cursor;
        if (this.#timeline.trimOldest(this.#options.follows(), this.#options.leaving)) this.#startsAnew();
      });
      this.#arrived(part);
    } finally {
      this.#waiting = null;
    }
  }

  #restart() {
    return this.#replace(addressOf());
  }

  async #replace(address) {
    this.#waiting = [];
    try {
      const part = await fetchPart(address);
      this.#timeline.replace(part);
      this.cursor = part.cursor;
      this.#setOlder(part.older);
      this.#arrived(part);
    } finally {
      this.#waiting = null;
    }
  }

  // #arrived goes live with a part that was the newest when it was made: what the
  // stream has brought since is waiting.
  #arrived(part) {
    this.#attached = part.newest;
    if (this.#seen === "" || compare(part.cursor || "", this.#seen) > 0) this.#seen = part.cursor;
    if (part.newest) {
      this.#timeline.settle();
      this.#options.part(part);
      const waiting = this.#waiting;
      this.#waiting = null;
      this.add(waiting);
    }
    this.#showEnds();
    this.#options.changed();
  }

  // #alone lets one load happen at a time; one that is wanted meanwhile comes after it.
  // again, if it is given, is called some time after it has failed; what is such a load of.
  #alone(load, what, again) {
    const before = this.#busy;
    const mine = (async () => {
      await before;
      try {
        const loaded = await load();
        this.#failures = 0;
        return loaded;
      } catch (error) {
        this.#options.failed(error);
        if (again !== undefined && !(error instanceof Gone)) this.#later(what, again);
        return false;
      } finally {
        this.#options.changed();
      }
    })();
    this.#busy = mine;
    return mine;
  }

  // #later tries a load again: until then the stream's rows have no place.
  #later(what, again) {
    clearTimeout(this.#retries[what]);
    const pause = Math.min(firstRetryMs * 2 ** this.#failures, longestRetryMs);
    this.#failures++;
    this.#retries[what] = setTimeout(again, pause);
  }

  #trimOldest() {
    // Who reads further up would have the rows taken away from under the eyes.
    if (!this.#options.follows()) {
      if (this.#timeline.count > mostUnfollowed) this.skip();
      return;
    }
    if (this.#timeline.trimOldest(true, this.#options.leaving)) this.#startsAnew();
  }

  // #startsAnew tells that the oldest rows have gone.
  #startsAnew() {
    this.#setOlder(addressOf("before", this.#timeline.first));
  }

  #setOlder(address) {
    this.#olderAddress = address;
    this.#showEnds();
  }

  #showEnds() {
    const ends = { older: this.#olderAddress, newer: this.#attached ? null : addressOf("after", this.cursor) };
    for (const [id, address] of Object.entries(ends)) {
      const link = document.getElementById(id);
      link.parentElement.hidden = address === null;
      if (address !== null) link.setAttribute("href", address);
    }
  }

  #watch() {
    for (const [id, where, text] of [["older", "before", "Older events"], ["newer", "after", "Newer events"]]) {
      let link = document.getElementById(id);
      if (link === null) {
        const line = document.createElement("p");
        line.className = "more-line";
        link = document.createElement("a");
        link.id = id;
        link.className = "button more-events";
        link.textContent = text;
        line.append(link);
        this.#list[where](line);
      }
      link.addEventListener("click", (click) => {
        click.preventDefault();
        this[id]();
      });
      let near = false;
      const load = async () => {
        // What was loaded may leave the place as near as before.
        while (near && !link.parentElement.hidden && await this[id](load)) await nextFrame();
      };
      new IntersectionObserver((entries) => {
        near = entries.at(-1).isIntersecting;
        load();
      }, { rootMargin: nearMargin }).observe(link);
    }
    this.#showEnds();
  }
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

// addressOf is the address of a part of what this page shows; without a side of the
// newest one.
function addressOf(side, cursor) {
  const page = document.body.dataset;
  const query = new URLSearchParams();
  const whole = page.all === "true";
  if (whole) query.set("sessions", "all");
  else if (page.session !== "" && (side !== undefined || page.pinned !== "")) query.set("session", page.session);
  if (side === undefined) query.set("at", "end");
  else if (cursor !== "") query.set(side, whole ? plain(cursor) : cursor.split(":")[1]);
  return `?${query}`;
}
