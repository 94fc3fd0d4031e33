// The timeline: events become rows in the order of their sequence. What arrives is
// gathered and put into the page once a frame, a bounded time at a time, so that a
// replay of thousands does not freeze it.

import { gapRow, markAs, permalink, row, rowOf } from "./rows.js";
import { Calls, ToolRow } from "./tool.js";

const frameMs = 10; // of building rows, then the browser may draw
// A long replay is put into the page in few pieces: each of them lays out the
// whole list again.
const pieceMs = 250;
const hiddenTabMs = 250; // a tab in the background gets no frames

export class Timeline {
  calls = new Calls();
  last = null; // the newest event that has its row
  #list;
  #queue = [];
  #scheduled = false;
  #drawn;
  #piece = new DocumentFragment(); // rows that are not in the page yet
  #replay = true; // the newest row is of an event from before the page was opened
  #pieceLive = 0; // how many of them arrived live
  #lastPiece = -Infinity; // when one was put into the page

  // drawn(rows) is called after rows were added, with how many of them were live.
  constructor(list, drawn) {
    this.#list = list;
    this.#drawn = drawn;
  }

  // idle tells that everything which has arrived has its row.
  get idle() {
    return this.#queue.length === 0 && !this.#piece.hasChildNodes();
  }

  push(event, live) {
    this.#queue.push({ event, live });
    this.#schedule();
  }

  gap(after, next) {
    this.#queue.push({ gap: gapRow(after, next) });
    this.#schedule();
  }

  clear() {
    this.#queue = [];
    this.#piece = new DocumentFragment();
    this.#pieceLive = 0;
    this.#list.replaceChildren();
    this.calls = new Calls();
    this.last = null;
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const draw = () => {
      this.#scheduled = false;
      this.#draw();
    };
    if (document.hidden) setTimeout(draw, hiddenTabMs);
    else requestAnimationFrame(draw);
  }

  #draw() {
    const until = performance.now() + frameMs;
    let done = 0;
    while (done < this.#queue.length && (done % 16 > 0 || performance.now() < until)) {
      const { event, gap, live } = this.#queue[done++];
      this.#replay = !live;
      const item = gap ?? this.#itemOf(event);
      if (item === null) continue;
      if (live) {
        item.classList.add("arrived");
        this.#pieceLive++;
      }
      this.#piece.append(item);
    }
    this.#queue.splice(0, done);
    if (this.#queue.length > 0) this.#schedule();
    if (this.#replay && performance.now() - this.#lastPiece < pieceMs) {
      this.#schedule();
      return;
    }
    const live = this.#pieceLive;
    this.#list.append(this.#piece); // leaves the piece empty
    this.#pieceLive = 0;
    this.#lastPiece = performance.now();
    this.#drawn(live);
  }

  // #itemOf returns the row of an event, or null when it went into an existing one.
  #itemOf(event) {
    this.last = event;
    switch (event.type) {
      case "tool_call": {
        const tool = new ToolRow(event.data.tool, event.data.args, event.time);
        this.calls.add(event.sequence, event.data, tool);
        return row(event, tool.content, true);
      }
      case "tool_result": {
        const call = this.calls.take(event.data);
        if (call !== undefined) {
          const result = call.finish(event);
          markAs(result, event);
          result.querySelector(".result-title").append(" · ", permalink(event));
          return null;
        }
        const tool = new ToolRow(event.data.tool, {}, event.time);
        tool.finish(event);
        return row(event, tool.content, true);
      }
      // The agent goes on only once it has what it asked for, and not all agents
      // record results.
      case "assistant":
      case "complete":
        this.calls.abandonAll();
    }
    return rowOf(event);
  }
}
