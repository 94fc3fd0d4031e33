package eventlog

import (
	"encoding/binary"
	"fmt"
	"time"
)

// sessionState is what every append to a session changes. While the session is
// open, it stands in a record of its own: in the place of the session's next event,
// on the page that the last event made dirty anyway, and in few bytes. The next
// append puts its events there, and the state behind them, unless it ends the
// session: then what the state says goes into the session's record. So a session
// is open if and only if the last of its records in bucketEvents is a state.
//
// A fixed place behind all events would not do: where a page of the tree begins
// with it, each later append would make two pages dirty.
type sessionState struct {
	Head   uint64   `json:"head,omitempty"`
	Totals totals   `json:"totals,omitzero"`
	Models spending `json:"models,omitempty"` // what Totals are the sum of

	// Of an open session: when the task changed by it last, and the number of
	// that change. See activity.go.
	change  uint64 `json:"-"`
	updated Time   `json:"-"`
}

// stateKey is where the state of a session with so many events stands.
func stateKey(session SessionID, head uint64) []byte { return eventKey(session, head+1) }

// isState reports whether a record of bucketEvents is a state. What it says of a
// damaged record means nothing.
func isState(record []byte) bool {
	return len(record) > recordHeader+8 && record[recordHeader+8] == 0
}

// Payload of a state: time of the change (8 bytes), 0 where events have the length
// of their type, which is never 0, number of the change (8), then the task's id. The
// head is in the key.
const stateHeader = 17

func encodeState(key []byte, task string, s *sessionState) []byte {
	order := binary.BigEndian
	record := make([]byte, recordHeader, recordHeader+stateHeader+len(task))
	record = order.AppendUint64(record, uint64(s.updated.UnixMilli()))
	record = append(record, 0)
	record = order.AppendUint64(record, s.change)
	return sealRecord(bucketEvents, key, append(record, task...))
}

// decodeState returns a state and the id of its task, which shares record's memory.
// What the session has cost stands elsewhere: see spending.
func decodeState(key, record []byte) (s sessionState, task []byte, err error) {
	payload, err := decodeRecord(bucketEvents, key, record)
	if err != nil {
		return sessionState{}, nil, err
	}
	damage := func(reason string) error {
		return &DamageError{Bucket: bucketEvents, Key: append([]byte(nil), key...), Reason: reason}
	}
	if !isState(record) {
		return sessionState{}, nil, damage("is no state")
	}
	if len(payload) < stateHeader {
		return sessionState{}, nil, damage("state is too short")
	}
	order := binary.BigEndian
	head := eventSequence(key) - 1
	s = sessionState{
		Head:    head,
		Totals:  totals{Events: head}, // each one counts
		updated: Time{time.UnixMilli(int64(order.Uint64(payload))).UTC()},
		change:  order.Uint64(payload[9:]),
	}
	return s, payload[stateHeader:], nil
}

// lastRecord returns the last of a session's records in bucketEvents.
func lastRecord(r Reader, id SessionID) (key, record []byte) {
	for key, record := range r.Descend(bucketEvents, id[:], prefixEnd(id[:])) {
		return key, record
	}
	return nil, nil
}

// readSessionState reads the state of a session that is open.
func readSessionState(r Reader, task string, id SessionID) (sessionState, error) {
	key, record := lastRecord(r, id)
	if !isState(record) {
		return sessionState{}, &DamageError{Bucket: bucketEvents, Key: id[:], Reason: "an open session has no state"}
	}
	s, of, err := decodeState(key, record)
	if err == nil && string(of) != task {
		err = &DamageError{Bucket: bucketEvents, Key: append([]byte(nil), key...), Reason: fmt.Sprintf("the state is of task %q", of)}
	}
	return s, err
}
