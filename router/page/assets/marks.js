// Marks words in the page without changing it: what is shown stays what the server has
// made. A browser that cannot do that shows no marks.

const name = "found";
const most = 2000; // marks

export function mark(within, words) {
  if (globalThis.Highlight === undefined) return;
  CSS.highlights.delete(name);
  if (words.length === 0) return;
  const ranges = [];
  const walker = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
  while (ranges.length < most && walker.nextNode()) {
    const text = walker.currentNode.data.toLowerCase();
    for (const word of words) {
      for (let at = text.indexOf(word); at >= 0 && ranges.length < most; at = text.indexOf(word, at + word.length)) {
        if (at + word.length > walker.currentNode.length) break; // some letters change their length
        const range = new Range();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, at + word.length);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set(name, new Highlight(...ranges));
}
