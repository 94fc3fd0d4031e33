// Saves the events of the shown session, or of all, as NDJSON.

import { el, setText } from "./dom.js";

export async function download(taskURL, button) {
  const page = document.body.dataset;
  const label = button.textContent;
  button.disabled = true;
  try {
    const parts = [];
    const query = new URLSearchParams({ limit: "2000" });
    if (page.all === "true") query.set("sessions", "all");
    else if (page.session !== "") query.set("session", page.session);
    for (;;) {
      const answer = await fetch(`${taskURL}/events?${query}`, { headers: { Accept: "application/x-ndjson" }, cache: "no-store" });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const part = await answer.blob();
      const next = nextOf(answer);
      if (part.size === 0) break;
      parts.push(part);
      if (next === null) break;
      query.set("after", next);
    }
    const url = URL.createObjectURL(new Blob(parts, { type: "application/x-ndjson" }));
    el("a", { href: url, download: `${page.task}.ndjson` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    setText(button, label);
  } catch (error) {
    setText(button, `Failed: ${error.message}`);
  } finally {
    button.disabled = false;
  }
}

// nextOf is the cursor to go on from, out of the Link header.
function nextOf(answer) {
  const address = /<([^>]*)>\s*;\s*rel="?next"?/.exec(answer.headers.get("Link") ?? "");
  return address === null ? null : new URL(address[1], answer.url).searchParams.get("after");
}
