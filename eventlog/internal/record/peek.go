package record

import (
	"bytes"
	"encoding/binary"
	"time"

	"jrweb/eventlog/event"
)

// A search looks at every record. What it sees here is not checked: it passes over what does
// not matter to it, and reads the rest again with its checksum.

// PeekEvent returns the time, the type and the data of the record of an event.
func PeekEvent(raw []byte) (at time.Time, kind string, data []byte) {
	if len(raw) < RecordHeader+eventHeader {
		return time.Time{}, "", nil
	}
	payload := raw[RecordHeader:]
	typeEnd := eventHeader + int(payload[8])
	actorEnd := typeEnd + int(payload[17])
	if len(payload) < actorEnd {
		return time.Time{}, "", nil
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(payload))).UTC(), typeName(payload[eventHeader:typeEnd]), payload[actorEnd:]
}

var (
	openStatus = []byte(`{"status":"` + event.StatusOpen + `"`)
	endedField = []byte(`,"ended":"`)
)

// PeekEnd returns when the session of a record has ended, or zero if it is open. ok is false
// if only DecodeSession can tell.
func PeekEnd(raw []byte) (ended time.Time, ok bool) {
	if len(raw) < RecordHeader {
		return time.Time{}, false
	}
	payload := raw[RecordHeader:]
	if bytes.HasPrefix(payload, openStatus) {
		return time.Time{}, true
	}
	// In a text its quotes would be escaped.
	_, rest, found := bytes.Cut(payload, endedField)
	text, _, whole := bytes.Cut(rest, []byte{'"'})
	if !found || !whole {
		return time.Time{}, false
	}
	ended, err := time.Parse(time.RFC3339, string(text))
	return ended, err == nil && !ended.IsZero()
}
