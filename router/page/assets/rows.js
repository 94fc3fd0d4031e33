// One row of the timeline for each type of event, but for tools: see tool.js.

import { block, fieldList, fold } from "./blocks.js";
import { el } from "./dom.js";
import { clock, firstLine, moment, text, tokens, usd } from "./format.js";

// row is the list item that a content stands in.
export function row(event, content, compact) {
  const item = el("li", { class: compact ? "event compact" : "event" },
    meta(event),
    el("span", { class: "icon", "aria-hidden": "true" }),
    el("div", { class: "content" }, content));
  markAs(item, event);
  return item;
}

// markAs makes an element the place of an event: what #12 leads to.
export function markAs(element, event) {
  element.id = String(event.sequence);
  element.dataset.seq = String(event.sequence);
  element.dataset.type = event.type;
  if (event.actor !== "agent") element.dataset.actor = event.actor;
}

// permalink names the session, too: the number alone would mean another event
// once the task is tried again.
export function permalink(event) {
  return el("a", { class: "seq", href: `?session=${encodeURIComponent(event.session)}#${event.sequence}`, "data-to": event.sequence },
    `#${event.sequence}`);
}

function meta(event) {
  const date = new Date(event.time);
  return el("div", { class: "meta" },
    el("time", { datetime: event.time, title: moment(date) }, clock(date)), " ", permalink(event));
}

// rowOf returns the row of any event but a tool's.
export function rowOf(event) {
  const make = makers[event.type] ?? unknown;
  return make(event);
}

const makers = {
  assistant: (event) => row(event, block("div", "text prose", text(event.data.content))),
  thought,
  user: (event) => said(event, { human: "Person", system: "System" }[event.actor] ?? "User"),
  comment: (event) => said(event, event.actor === "human" ? "Comment by a person" : "Comment"),
  status: (event) => note(event, "Status"),
  checkpoint: (event) => note(event, "Checkpoint"),
  guardrail: (event) => note(event, "Guardrail"),
  cost,
  error,
  complete,
};

function thought(event) {
  const content = text(event.data.content);
  return row(event, fold("thought",
    el("summary", {}, el("span", { class: "label" }, "Thought"), " ", el("span", { class: "preview" }, firstLine(content))),
    () => [block("div", "text prose", content)]), true);
}

function said(event, who) {
  return row(event, el("div", { class: "said" },
    el("p", { class: "label" }, who), block("div", "text prose", text(event.data.content))));
}

function note(event, label) {
  return row(event, el("div", { class: "note" },
    el("span", { class: "label" }, label), " ", block("span", "text", text(event.data.content))), true);
}

function cost(event) {
  const { data } = event;
  const parts = [];
  if (typeof data.usd === "number") parts.push(usd(data.usd));
  if (data.input_tokens) parts.push(`${tokens(data.input_tokens)} in`);
  if (data.output_tokens) parts.push(`${tokens(data.output_tokens)} out`);
  if (data.cache_read_tokens) parts.push(`${tokens(data.cache_read_tokens)} from cache`);
  if (data.cache_write_tokens) parts.push(`${tokens(data.cache_write_tokens)} to cache`);
  if (data.model) parts.push(text(data.model));
  if (data.scope === "cumulative") parts.push("so far");
  return row(event, el("p", { class: "cost-line" }, el("span", { class: "hidden-label" }, "Cost: "), parts.join(" · ")), true);
}

function error(event) {
  const { message, code, fatal } = event.data;
  return row(event, el("div", { class: "error-box" },
    el("p", { class: "label" }, fatal === true ? "Fatal error" : "Error", code ? el("code", {}, text(code)) : null),
    block("div", "text prose", text(message)),
    fieldList(event.data, ["message", "code", "fatal"])));
}

export const outcomeWords = {
  succeeded: "Succeeded", failed: "Failed", canceled: "Canceled", interrupted: "Interrupted",
};

function complete(event) {
  const { status, reason } = event.data;
  const item = row(event, el("div", { class: "banner", "data-status": text(status) },
    el("p", { class: "banner-title" }, outcomeWords[status] ?? text(status)),
    reason ? block("div", "text", text(reason)) : null,
    fieldList(event.data, ["status", "reason"])));
  return item;
}

function unknown(event) {
  return row(event, fold("unknown",
    el("summary", {}, el("span", { class: "label" }, event.type), " ",
      el("span", { class: "preview" }, firstLine(text(event.data.content ?? event.data)))),
    () => [block("pre", "text", JSON.stringify(event.data, null, 2))]), true);
}

// gapRow stands where events are no longer kept.
export function gapRow(after, next) {
  const from = after + 1, to = next - 1;
  return el("li", { class: "gap" }, from === to ? `Event ${from} is no longer kept` : `Events ${from}–${to} are no longer kept`);
}
