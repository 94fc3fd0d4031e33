package record

import (
	"jrweb/eventlog/event"
)

// Recent remembers the states of the sessions that commits have changed last. An append to
// one of them then looks for nothing in the store, which would be much of its work. Only a
// caller that makes all changes of a store can use it. The zero value is ready. It is not safe
// for concurrent use.
type Recent struct {
	young, old map[event.SessionID]recentState // old is young as it was when it was full
}

// recentState is what is stored of the state of an open session.
type recentState struct {
	task    string
	head    uint64
	change  uint64
	updated event.Time
}

// maxRecent is the size of each of the two generations: about 1 MiB together.
const maxRecent = 4096

// state returns the state of an open session as [DecodeState] would.
func (r *Recent) state(id event.SessionID) (s State, task string, ok bool) {
	if r == nil {
		return State{}, "", false
	}
	known, ok := r.young[id]
	if !ok {
		if known, ok = r.old[id]; !ok {
			return State{}, "", false
		}
	}
	return storedState(known.head, known.change, known.updated), known.task, true
}

// Committed remembers what a transaction has changed, once its commit has returned.
func (r *Recent) Committed(tx *Txn) {
	if r == nil {
		return
	}
	for i := range tx.touches {
		for _, s := range tx.touches[i].sessions {
			if !s.closed {
				r.keep(s.ID, recentState{s.Task, s.Head, s.Change, s.Updated})
			}
		}
	}
	for _, s := range tx.Ended {
		r.forget(s.ID)
	}
	for _, d := range tx.Dropped {
		r.forget(d.Session)
	}
}

func (r *Recent) keep(id event.SessionID, s recentState) {
	if r.young == nil || len(r.young) >= maxRecent {
		r.young, r.old = make(map[event.SessionID]recentState), r.young
	}
	r.young[id] = s
}

func (r *Recent) forget(id event.SessionID) {
	delete(r.young, id)
	delete(r.old, id)
}
