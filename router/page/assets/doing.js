// What agents do now, or have done, for the rows of tasks that are in view.

const againMs = 3000; // between two questions about a task
const atOnce = 2;

export class Doing {
  #url;
  #told;
  #always;
  #rows = new Map(); // id → {inView, asked, wanted, timer}
  #waiting = [];
  #asking = 0;
  #observer;

  // url(id) is where to ask, told(id, answer) gets what it is. always() is whether it is
  // wanted of rows that nobody sees as well.
  constructor(url, told, always) {
    this.#url = url;
    this.#told = told;
    this.#always = always;
    this.#observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const row = this.#rows.get(target.dataset.task);
        if (row === undefined) continue;
        row.inView = isIntersecting;
        this.#plan(target.dataset.task);
      }
    });
  }

  // ask wants to know it of a task, once now and again with each call.
  ask(id, row) {
    let one = this.#rows.get(id);
    if (one === undefined) {
      one = { inView: false, asked: 0, wanted: false };
      this.#rows.set(id, one);
      this.#observer.observe(row);
    }
    one.wanted = true;
    this.#plan(id);
  }

  // forget lets go of a task that is not there any more.
  forget(id, row) {
    const one = this.#rows.get(id);
    if (one === undefined) return;
    clearTimeout(one.timer);
    this.#rows.delete(id);
    this.#observer.unobserve(row);
  }

  #isWanted(one) {
    return one.inView && !document.hidden || this.#always();
  }

  #plan(id) {
    const one = this.#rows.get(id);
    if (one === undefined || !one.wanted || !this.#isWanted(one) || one.timer !== undefined) return;
    one.timer = setTimeout(() => {
      one.timer = undefined;
      if (!this.#isWanted(one)) return;
      one.wanted = false;
      this.#waiting.push(id);
      this.#next();
    }, Math.max(0, one.asked + againMs - Date.now()));
  }

  async #next() {
    if (this.#asking >= atOnce || this.#waiting.length === 0) return;
    const id = this.#waiting.shift();
    const one = this.#rows.get(id);
    if (one === undefined) return this.#next();
    this.#asking++;
    one.asked = Date.now();
    try {
      const answer = await fetch(this.#url(id), { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.ok && this.#rows.has(id)) this.#told(id, await answer.json());
    } catch {
      // The next change asks again.
    }
    this.#asking--;
    this.#next();
  }
}
