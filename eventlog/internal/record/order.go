package record

import (
	"fmt"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// All events of a task have one order, see [event.Place]. Nothing but the events themselves
// stores it. It is read with the ids of concurrent sessions that each session record holds:
// between the starts of two sessions that follow each other, events can come only from the first
// of the two, and from sessions that were open when it started.

// Start is the place of the session's start: every event of the session is after it, and
// every event of older sessions that is not of a later change is before it.
func (s *Session) Start() event.Place {
	return event.Place{Change: s.Born, Cursor: event.Cursor{Session: s.ID}}
}

// TrimmedTo is the place of the last event that was trimmed. ok is false if there is none.
func (s *Session) TrimmedTo() (place event.Place, ok bool) {
	return event.Place{Change: s.Trimmed, Cursor: event.Cursor{Session: s.ID, Sequence: s.First - 1}}, s.First > 1
}

// Missing says that an event that must exist does not.
func (s *Session) Missing(sequence uint64) error {
	return &store.DamageError{Bucket: store.Events, Key: EventKey(s.ID, sequence), Reason: fmt.Sprintf("event %d is missing", sequence)}
}

// PlaceAt returns the place of an event that is kept.
func (s *Session) PlaceAt(r store.Reader, sequence uint64) (event.Place, error) {
	var e event.Event
	key := EventKey(s.ID, sequence)
	raw := r.Get(store.Events, key)
	if raw == nil {
		return event.Place{}, s.Missing(sequence)
	}
	if err := ViewEvent(&e, key, raw); err != nil {
		return event.Place{}, err
	}
	return event.PlaceOf(s.ID, &e), nil
}
