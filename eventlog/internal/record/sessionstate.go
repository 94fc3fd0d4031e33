package record

import (
	"encoding/binary"
	"fmt"
	"time"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// State is what every append to a session changes. While the session is open, the state is
// a small record of its own, at the key of the session's next event. That key is on the
// page that the last event changed anyway. The next append writes its events from this key
// on, and the state after them. If it ends the session, the state goes into the session's
// record instead. So a session is open if and only if the last of its records in
// store.Events is a state.
//
// A fixed key after all events would not do: where a page of the tree begins with that key,
// each later append would change two pages.
type State struct {
	Head   uint64   `json:"head,omitempty"`
	Totals Totals   `json:"totals,omitzero"`
	Models Spending `json:"models,omitempty"` // Totals are the sum of these

	// Of an open session: the time and the number of its last change. See activity.go.
	Change  uint64     `json:"-"`
	Updated event.Time `json:"-"`
}

// StateKey is the key of the state of a session with head events.
func StateKey(session event.SessionID, head uint64) []byte { return EventKey(session, head+1) }

// IsState reports whether a record of store.Events is a state. For a damaged record the
// result means nothing.
func IsState(record []byte) bool {
	return len(record) > RecordHeader+8 && record[RecordHeader+8] == 0
}

// StateHeader is the size of the payload of a state before the id of its task: time of the
// change (8), 0 (1), number of the change (8). The 0 is where an event has the length of
// its type, which is never 0. The head is in the key.
const StateHeader = 17

// EncodeState makes the record of the state of an open session.
func EncodeState(key []byte, task string, s *State) []byte { return encodeState(nil, key, task, s) }

func encodeState(in *Scratch, key []byte, task string, s *State) []byte {
	order := binary.BigEndian
	record := in.room(RecordHeader + StateHeader + len(task))[:RecordHeader]
	record = order.AppendUint64(record, uint64(s.Updated.UnixMilli()))
	record = append(record, 0)
	record = order.AppendUint64(record, s.Change)
	return seal(store.Events, key, append(record, task...))
}

// DecodeState returns a state and the id of its task, which shares record's memory.
// The cost of the session is not in it: see [Spending].
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
	updated := time.UnixMilli(int64(order.Uint64(payload))).UTC()
	s = storedState(EventSequence(key)-1, order.Uint64(payload[9:]), event.Time{Time: updated})
	return s, payload[StateHeader:], nil
}

// storedState is a state as it is stored: without the cost of the session.
func storedState(head, change uint64, updated event.Time) State {
	return State{
		Head:    head,
		Totals:  Totals{Events: head}, // each event counts
		Updated: updated,
		Change:  change,
	}
}

// LastRecord returns the last of a session's records in store.Events.
func LastRecord(r store.Reader, id event.SessionID) (key, record []byte) {
	for key, record := range r.Descend(store.Events, id[:], PrefixEnd(id[:])) {
		return key, record
	}
	return nil, nil
}

// ReadSessionState reads the state of an open session.
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
