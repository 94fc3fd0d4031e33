// Follows a stream in the envelope format and prints a line of JSON for each
// thing that happens, until the client has given up for good.
import { EventSource } from "eventsource";

const say = (line) => console.log(JSON.stringify(line));
const source = new EventSource(process.argv[2]);
source.onopen = () => say({ kind: "open" });
source.onmessage = (message) => {
  const { sequence, type } = JSON.parse(message.data);
  say({ kind: "event", id: message.lastEventId, sequence, type });
};
source.onerror = (error) => {
  say({ kind: "error", code: error.code });
  if (source.readyState === EventSource.CLOSED) say({ kind: "closed", code: error.code });
};
