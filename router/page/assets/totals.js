// What the events of one session add up to.

const fields = ["usd", "input_tokens", "output_tokens"];

export class Totals {
  events = 0;
  usd = 0;
  input_tokens = 0;
  output_tokens = 0;
  #cumulative = new Map(); // model → its last cumulative values

  get tokens() {
    return this.input_tokens + this.output_tokens;
  }

  add(event) {
    this.events++;
    if (event.type !== "cost") return;
    const cost = event.data;
    const last = cost.scope === "cumulative" ? this.#last(String(cost.model ?? "")) : null;
    for (const field of fields) {
      const value = cost[field];
      if (typeof value !== "number") continue;
      this[field] += last ? Math.max(0, value - (last[field] ?? 0)) : value;
      if (last) last[field] = value;
    }
  }

  #last(model) {
    if (!this.#cumulative.has(model)) this.#cumulative.set(model, {});
    return this.#cumulative.get(model);
  }
}
