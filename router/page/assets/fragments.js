// Takes in what the server has rendered: rows of the stream and parts of a timeline.
// The only place where text becomes markup; the server has made it safe, and the
// page's policy runs no script that came in with it.

const parser = new DOMParser();

// parseRows returns the list items of events, one each.
export function parseRows(texts) {
  if (texts.length === 0) return [];
  return [...parser.parseFromString(texts.join(""), "text/html").body.children].map((item) => document.adoptNode(item));
}

// Gone says that what a part was asked of is not there any more.
export class Gone extends Error {}

// fetchPart returns a part of the timeline: {document, items, first, older, newer, cursor,
// newest}; first is the cursor of its first event, older and newer are addresses, or null.
export async function fetchPart(address) {
  return partOf(await fetchPage(address));
}

// fetchPage returns the document of a page.
export async function fetchPage(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (answer.status === 404) throw new Gone();
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return parser.parseFromString(await answer.text(), "text/html");
}

function partOf(page) {
  return {
    document: page,
    items: [...page.getElementById("timeline").children].map((item) => document.adoptNode(item)),
    older: page.getElementById("older")?.getAttribute("href") ?? null,
    newer: page.getElementById("newer")?.getAttribute("href") ?? null,
    first: page.body.dataset.first,
    cursor: page.body.dataset.cursor,
    newest: page.body.dataset.newest === "true",
  };
}
