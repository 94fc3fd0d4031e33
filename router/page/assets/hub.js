// The streams of all tabs. A browser opens only six HTTP/1.1 connections to a
// server, for all tabs together: tabs that show the same share a stream, and the
// streams that nobody looks at give way.

import { Stream } from "./stream.js";

const mostStreams = 4; // two connections are left for everything else
const silentMs = 180_000; // after which a tab counts as closed; one in the background speaks once a minute
const sweepMs = 10_000;
const sleptMs = 90_000; // so late, and the machine has slept

export class Hub {
  #streams = new Map(); // key → Stream
  #lastSweep = Date.now();

  constructor() {
    setInterval(() => this.#sweep(), sweepMs);
    addEventListener("online", () => this.#reconnect());
  }

  // add makes a tab known by the port it speaks through.
  add(port) {
    const tab = { port, stream: null, key: "", visible: true, shownAt: 0, heardAt: Date.now(), tell: (message) => port.postMessage(message) };
    port.onmessage = ({ data }) => {
      tab.heardAt = Date.now();
      if (data.join !== undefined) this.#join(tab, data.join);
      else if (data.leave) this.#leave(tab);
      else if (tab.stream === null) tab.tell({ lost: true });
      if (data.visible !== undefined) {
        tab.visible = data.visible;
        if (tab.visible) tab.shownAt = Date.now();
        this.#share();
      }
    };
  }

  #join(tab, about) {
    this.#leave(tab);
    const key = about.url;
    let stream = this.#streams.get(key);
    const fresh = stream === undefined;
    if (fresh) {
      stream = new Stream(about, () => this.#forget(key, stream));
      this.#streams.set(key, stream);
    }
    tab.stream = stream;
    tab.key = key;
    tab.tell({ joined: true, fresh, cursor: stream.cursor, state: stream.state, retryAt: stream.retryAt });
    stream.members.add(tab);
  }

  #leave(tab) {
    const { stream, key } = tab;
    if (stream === null) return;
    tab.stream = null;
    stream.members.delete(tab);
    if (stream.members.size > 0) return;
    stream.close();
    if (this.#streams.get(key) === stream) this.#streams.delete(key);
    this.#share();
  }

  #forget(key, stream) {
    for (const tab of stream.members) tab.stream = null;
    stream.members.clear();
    if (this.#streams.get(key) === stream) this.#streams.delete(key);
    this.#share();
  }

  // #share gives the connections to the streams that are looked at, then to those
  // that were looked at last.
  #share() {
    const ranked = [...this.#streams.values()].map((stream) => {
      const tabs = [...stream.members];
      return { stream, visible: tabs.some((tab) => tab.visible), shownAt: Math.max(...tabs.map((tab) => tab.shownAt)) };
    }).sort((a, b) => b.visible - a.visible || b.shownAt - a.shownAt);
    for (const { stream } of ranked.slice(mostStreams)) if (stream.state !== "waiting") stream.pause();
    for (const { stream } of ranked.slice(0, mostStreams)) {
      if (!stream.open && (stream.state === "connecting" || stream.state === "waiting")) stream.connect();
    }
  }

  #sweep() {
    const now = Date.now();
    if (now - this.#lastSweep > sleptMs) {
      // Its connections are dead, and nobody may have told the browser.
      this.#reconnect();
    } else {
      for (const stream of this.#streams.values()) {
        for (const tab of stream.members) if (now - tab.heardAt > silentMs) this.#leave(tab);
      }
    }
    this.#lastSweep = now;
  }

  #reconnect() {
    for (const stream of this.#streams.values()) if (stream.state !== "waiting") stream.connect();
  }
}
