// An EventSource that is replaced when the browser has given it up.
//
// While readyState is CONNECTING the browser reconnects by itself. After any answer
// but a stream it is CLOSED for good: then, after a pause that doubles, `check` is
// asked whether there is still something to connect to, and a new one is made.

const firstDelayMs = 1000;
const longestDelayMs = 30_000;

export class Connection {
  #source = null;
  #timer;
  #attempts = 0;
  #stopped = false;
  #options;

  // options:
  //   url()              the URL of the next stream, with the cursor reached so far
  //   listen(source)     adds the listeners for what the stream carries
  //   check()            a promise of "go", "retry" or "stop"
  //   lost(retryAt)      the stream is away; retryAt is a time stamp, or undefined
  //                      while the browser reconnects by itself
  constructor(options) {
    this.#options = options;
    // A page that the browser sets aside and brings back later goes on where it was.
    addEventListener("pagehide", () => this.#drop());
    addEventListener("pageshow", (shown) => {
      if (shown.persisted && !this.#stopped) this.#open();
    });
    this.#open();
  }

  // established tells that the stream works: the next pause is a short one again.
  established() {
    this.#attempts = 0;
  }

  // stop ends it for good: no further request is made.
  stop() {
    this.#stopped = true;
    this.#drop();
  }

  #open() {
    this.#drop();
    const source = new EventSource(this.#options.url());
    this.#source = source;
    this.#options.listen(source);
    source.addEventListener("error", () => {
      if (source !== this.#source) return;
      if (source.readyState === EventSource.CLOSED) this.#later();
      else this.#options.lost();
    });
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #later() {
    this.#drop();
    const longest = Math.min(firstDelayMs * 2 ** this.#attempts, longestDelayMs);
    const delay = longest * (0.5 + Math.random() / 2); // many pages must not come back at once
    this.#attempts = Math.min(this.#attempts + 1, 5);
    this.#options.lost(Date.now() + delay);
    const timer = setTimeout(async () => {
      const verdict = await this.#options.check();
      if (this.#stopped || timer !== this.#timer) return;
      if (verdict === "go") this.#open();
      else if (verdict === "retry") this.#later();
      else this.stop();
    }, delay);
    this.#timer = timer;
  }
}

// look asks for JSON: "go" when it is there, "stop" when it is gone, "retry" when
// the server cannot tell now.
export async function look(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.ok) return "go";
    return answer.status === 404 ? "stop" : "retry";
  } catch {
    return "retry";
  }
}
