// What the reader has seen of tasks, as this browser remembers it: the list marks those
// in which something has happened since.

const key = `jrweb seen ${new URL("..", import.meta.url).pathname}`;
const most = 2000;

function read() {
  try {
    const { first, tasks } = JSON.parse(localStorage.getItem(key));
    return { first, tasks };
  } catch {
    return { first: Date.now(), tasks: {} };
  }
}

function write(seen) {
  try {
    localStorage.setItem(key, JSON.stringify(seen));
  } catch {
    // A browser that keeps nothing marks nothing.
  }
}

// saw tells that the reader saw a task as it was at a time, by the clock of the server.
export function saw(id, updated) {
  const time = Date.parse(updated);
  const seen = read();
  if (Number.isNaN(time) || seen.tasks[id] >= time) return;
  delete seen.tasks[id]; // the latest stand at the end
  seen.tasks[id] = time;
  for (const old of Object.keys(seen.tasks).slice(0, -most)) delete seen.tasks[old];
  write(seen);
}

// newsSince returns a function that tells whether something has happened in a task since
// the reader saw it. On the first visit all counts as seen.
export function newsSince() {
  const seen = read();
  write(seen);
  return (id, updated) => Date.parse(updated) > (seen.tasks[id] ?? seen.first);
}
