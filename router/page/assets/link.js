// A page's link to the hub, and through it to a stream of the server.

import { Hub } from "./hub.js";

const aliveMs = 30_000;

export class Link {
  #port;
  #options;
  #alive;
  #joined = false;

  // options:
  //   about()          what to join: {url, cursor, list, ends, checks}, URLs absolute
  //   joined(fresh, cursor)  where the stream stands; fresh when it begins with this page
  //   row(text, cursor), control[name](data)   what the stream carries
  //   state(state, retryAt)   connecting, live, reconnecting or waiting
  //   ended(), gone(what)     nothing more will come
  constructor(options) {
    this.#options = options;
    this.#port = connect((port) => { // another hub, when the first cannot be had
      this.#listen(port);
      if (this.#joined) this.join();
    });
    this.#listen(this.#port);
    // A page that the browser sets aside and brings back later goes on where it was.
    addEventListener("pagehide", () => this.#port.postMessage({ leave: true }));
    addEventListener("pageshow", (shown) => {
      if (shown.persisted && this.#joined) this.join();
    });
    document.addEventListener("visibilitychange", () => {
      if (this.#joined) this.#port.postMessage({ visible: !document.hidden });
    });
  }

  join() {
    this.#joined = true;
    clearInterval(this.#alive);
    this.#alive = setInterval(() => this.#port.postMessage({ alive: true }), aliveMs);
    this.#port.postMessage({ join: this.#options.about(), visible: !document.hidden });
  }

  leave() {
    this.#joined = false;
    clearInterval(this.#alive);
    this.#port.postMessage({ leave: true });
  }

  #listen(port) {
    this.#port = port;
    port.onmessage = ({ data }) => {
      if (!this.#joined) return;
      const to = this.#options;
      if (data.rows !== undefined) data.rows.forEach(({ row, cursor }) => to.row(row, cursor));
      else if (data.control !== undefined) to.control[data.control]?.(data.data);
      else if (data.ended) this.#over(() => to.ended());
      else if (data.gone !== undefined) this.#over(() => to.gone(data.gone));
      else if (data.lost) this.join(); // the hub took this page for closed
      else {
        if (data.joined) to.joined(data.fresh, data.cursor);
        if (data.state !== undefined) to.state(data.state, data.retryAt);
      }
    };
  }

  #over(tell) {
    this.leave();
    tell();
  }
}

// connect returns a port to the hub: the one all tabs share, or where the browser
// has no shared workers one of the page's own.
function connect(instead) {
  const own = () => {
    const { port1, port2 } = new MessageChannel();
    new Hub().add(port2);
    return port1;
  };
  if (globalThis.SharedWorker === undefined) return own();
  const worker = new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: "jrweb" });
  worker.onerror = () => instead(own());
  return worker.port;
}
