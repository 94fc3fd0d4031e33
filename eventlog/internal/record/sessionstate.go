package record

import (
	"encoding/binary"
	"fmt"
	"time"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// State is what every append to a session changes. While the session is
// open, it stands in a record of its own: in the place of the session's next event,
// on the page that the last event made dirty anyway, and in few bytes. The next
// append puts its events there, and the state behind them, unless it ends the
// session: then what the state says goes into the session's record. So a session
// is open if and only if the last of its records in store.Events is a state.
//
// A fixed place behind all events would not do: where a page of the tree begins
// with it, each later append would make two pages dirty.
type State struct {
	Head   uint64   `json:"head,omitempty"`
	Totals Totals   `json:"totals,omitzero"`
	Models Spending `json:"models,omitempty"` // what Totals are the sum of

	// Of an open session: when the task changed by it last, and the number of
	// that change. See activity.go.
	Change  uint64     `json:"-"`
	Updated event.Time `json:"-"`
}

// StateKey is where the state of a session with so many events stands.
func StateKey(session event.SessionID, head uint64) []byte { return EventKey(session, head+1) }

// IsState reports whether a record of store.Events is a state. What it says of a
// damaged record means nothing.
func IsState(record []byte) bool {
	return len(record) > RecordHeader+8 && record[RecordHeader+8] == 0
}

// StateHeader is how many bytes of the payload of a state stand before the id of its
// task: time of the change (8), 0 where events have the length of their type, which is
// never 0 (1), number of the change (8). The head is in the key.
const StateHeader = 17

// EncodeState makes the record of the state of an open session.
func EncodeState(key []byte, task string, s *State) []byte {
	order := binary.BigEndian
	record := make([]byte, RecordHeader, RecordHeader+StateHeader+len(task))
	record = order.AppendUint64(record, uint64(s.Updated.UnixMilli()))
	record = append(record, 0)
	record = order.AppendUint64(record, s.Change)
	return seal(store.Events, key, append(record, task...))
}

// DecodeState returns a state and the id of its task, which shares record's memory.
// What the session has cost stands elsewhere: see spending.
func DecodeState(key, record []byte) (s State, task []byte, err error) {
	payload, err := Decode(store.Events, key, record)
	if err != nil {
		return State{}, nil, err
	}
	damage := func(reason string) error {
		return &store.DamageError{Bucket: store.Events, Key: append([]byte(nil), key...), Reason: reason}
	}
	if !IsState(record) {
		return State{}, nil, damage("is no state")
	}
	if len(payload) < StateHeader {
		return State{}, nil, damage("state is too short")
	}
	order := binary.BigEndian
	head := EventSequence(key) - 1
	s = State{
		Head:    head,
		Totals:  Totals{Events: head}, // each one counts
		Updated: event.Time{Time: time.UnixMilli(int64(order.Uint64(payload))).UTC()},
		Change:  order.Uint64(payload[9:]),
	}
	return s, payload[StateHeader:], nil
}

// LastRecord returns the last of a session's records in store.Events.
func LastRecord(r store.Reader, id event.SessionID) (key, record []byte) {
	for key, record := range r.Descend(store.Events, id[:], PrefixEnd(id[:])) {
		return key, record
	}
	return nil, nil
}

// ReadSessionState reads the state of a session that is open.
func ReadSessionState(r store.Reader, task string, id event.SessionID) (State, error) {
	key, record := LastRecord(r, id)
	if !IsState(record) {
		return State{}, &store.DamageError{Bucket: store.Events, Key: id[:], Reason: "an open session has no state"}
	}
	s, of, err := DecodeState(key, record)
	if err == nil && string(of) != task {
		err = &store.DamageError{Bucket: store.Events, Key: append([]byte(nil), key...), Reason: fmt.Sprintf("the state is of task %q", of)}
	}
	return s, err
}
