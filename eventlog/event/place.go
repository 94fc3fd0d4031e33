package event

import (
	"bytes"
	"cmp"
)

// Place is a place in the one order of all events of a task: by the changes that committed
// them, then by session, then by sequence. It is just after the event of its cursor. The
// order only grows at its end, because every commit has a greater change.
//
// Events that an earlier format wrote have the change 0, so they come first, one session
// after the other.
type Place struct {
	Change uint64
	Cursor
}

// PlaceOf returns the place of an event.
func PlaceOf(session SessionID, e *Event) Place {
	return Place{e.Change, Cursor{session, e.Sequence}}
}

// Compare returns -1 if p is before q, 1 if it is after q, else 0.
func (p Place) Compare(q Place) int {
	return cmp.Or(
		cmp.Compare(p.Change, q.Change),
		bytes.Compare(p.Session[:], q.Session[:]),
		cmp.Compare(p.Sequence, q.Sequence),
	)
}

// Before reports whether p is before q.
func (p Place) Before(q Place) bool { return p.Compare(q) < 0 }
