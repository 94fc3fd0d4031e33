package streaming

import (
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// eventBytes is the size of the data of an event where nothing else is said.
const eventBytes = 300

// payload returns the data of an event: a JSON object of so many bytes. It opens
// one brace, and nothing else that a server sends with it does: so clients count
// events by counting braces, which is what costs the least.
func payload(size int) []byte {
	const head, tail = `{"content":"`, `"}`
	return []byte(head + strings.Repeat("x", size-len(head)-len(tail)) + tail)
}

const brace = "{"

func event(data []byte) eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeAssistant, Data: json.RawMessage(data)}
}
