// Events and the outcome of a run as Markdown, to be quoted elsewhere.

import { firstLine, text, withoutBase64, withoutEscapes } from "./format.js";

// eventAt asks for an event as the log keeps it.
export async function eventAt({ session, seq }) {
  const task = encodeURIComponent(document.body.dataset.task);
  const answer = await fetch(`./${task}/events?session=${session}&after=${session}:${seq - 1}&limit=1`, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const { events: [event] } = await answer.json();
  if (event === undefined) throw new Error("it is no longer kept");
  return event;
}

// markdownOf is a row with what belongs to it.
export async function markdownOf(row) {
  const event = await eventAt(row.dataset);
  const parts = [ofEvent(event, row)];
  for (const result of row.querySelectorAll(":scope > .content > .tool > .tool-body > .result[data-seq]")) {
    parts.push(ofResult((await eventAt(result.dataset)).data));
  }
  return `${parts.join("\n\n")}\n`;
}

function ofEvent({ type, actor, data }, row) {
  const content = text(data.content);
  switch (type) {
    case "assistant": return said(data);
    case "thought": return content.replace(/^/gm, "> ");
    case "tool_call": return ofCall(data, row);
    case "tool_result": return `${strong(text(data.tool))}\n\n${ofResult(data)}`;
    case "error": return `${strong("Error")}${data.code === undefined ? "" : ` ${code(text(data.code))}`}: ${text(data.message)}`;
    case "complete": return `${strong(`Ended: ${text(data.status)}`)}${data.reason === undefined ? "" : `: ${text(data.reason)}`}`;
  }
  if (content !== "") return `${strong(actor === "human" ? "Person" : type)}: ${content}`;
  return fence(JSON.stringify(data, null, 2), "json");
}

// said is what an agent said, or what a program printed.
function said({ content, format }) {
  return format === "text" ? fence(withoutBase64(withoutEscapes(text(content))), "") : text(content);
}

function ofCall({ tool, args }, row) {
  const command = text(args?.command ?? args?.cmd);
  const argument = row.querySelector(":scope > .content > .tool > summary .argument").textContent;
  const head = argument === "" || command !== "" ? strong(text(tool)) : `${strong(text(tool))} ${code(argument)}`;
  if (command !== "") return `${head}\n\n${fence(command, "sh")}`;
  const diff = linesOf(row.querySelector(":scope > .content > .tool"));
  return diff === "" ? head : `${head}\n\n${fence(diff, "diff")}`;
}

function ofResult({ success, output }) {
  const said = withoutBase64(withoutEscapes(text(output)));
  const head = success === false ? "Failed:" : "Output:";
  return said === "" ? (success === false ? "Failed, without output." : "No output.") : `${head}\n\n${fence(said, "")}`;
}

// outcomeMarkdown is what a run came to.
export async function outcomeMarkdown(outcome) {
  const parts = [`## ${outcome.querySelector(".outcome-title").textContent}`];
  const cost = fact("cost"), note = fact("cost-note");
  parts.push(`Duration: ${fact("duration")} · Cost: ${cost}${note === "" ? "" : ` (${note})`}`);
  const answer = outcome.querySelector(".outcome-more a");
  if (answer !== null) {
    const [session, seq] = answer.dataset.to.includes(":") ? answer.dataset.to.split(":") : [document.body.dataset.session, answer.dataset.to];
    parts.push(said((await eventAt({ session, seq })).data));
  }
  for (const heading of outcome.querySelectorAll("h3")) {
    parts.push(`### ${heading.textContent.trim()}`);
    const list = heading.nextElementSibling;
    if (list.matches(".outcome-tests")) {
      parts.push([...list.children].map((test) => `- ${test.querySelector(".test-result").textContent} ${code(test.querySelector("code").textContent)}`).join("\n"));
      continue;
    }
    for (const file of list.children) {
      parts.push(`${code(file.querySelector("summary code").textContent)} ${file.querySelector("summary .changes").textContent}`);
      const diff = linesOf(file);
      if (diff !== "") parts.push(fence(diff, "diff"));
    }
  }
  return `${parts.join("\n\n")}\n`;
}

// fact is what the page tells of a run above its outcome.
const fact = (id) => document.getElementById(id).textContent;

// linesOf are the lines of the diffs in a place.
function linesOf(place) {
  return [...place.querySelectorAll(".diff-line")]
    .map((line) => line.matches(".skip") ? `@@ ${line.querySelector("code").textContent} @@` : line.querySelector(".sign").textContent + line.querySelector("code").textContent)
    .join("\n");
}

const strong = (string) => `**${firstLine(string).replace(/[*_`\\]/g, "\\$&")}**`;

// code and fence take as many backticks as the text needs.
function code(string) {
  const ticks = "`".repeat(longestRun(string) + 1);
  const pad = /^`|`$/.test(string) ? " " : "";
  return `${ticks}${pad}${firstLine(string)}${pad}${ticks}`;
}

function fence(string, language) {
  const ticks = "`".repeat(Math.max(longestRun(string) + 1, 3));
  return `${ticks}${language}\n${string.replace(/\n$/, "")}\n${ticks}`;
}

function longestRun(string) {
  let longest = 0;
  for (const [run] of string.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  return longest;
}
