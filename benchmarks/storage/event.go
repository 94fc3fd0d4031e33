package storage

import (
	"encoding/binary"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// eventBytes is the size of the data of every event that is appended.
const eventBytes = 300

// payload is the data of an event: a JSON object of eventBytes bytes.
var payload = payloadOf(eventBytes)

func payloadOf(size int) []byte {
	const head, tail = `{"content":"`, `"}`
	return []byte(head + strings.Repeat("x", size-len(head)-len(tail)) + tail)
}

// event returns the event that all contenders append.
func event() eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeAssistant, Data: json.RawMessage(payload)}
}

// eventKey is where rivals without sessions of their own keep an event: session
// and number, both big-endian, so that a session's events stand together.
func eventKey(session int, number uint64) []byte {
	key := make([]byte, 0, 16)
	key = binary.BigEndian.AppendUint64(key, uint64(session))
	return binary.BigEndian.AppendUint64(key, number)
}
