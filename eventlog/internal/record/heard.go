package record

import (
	"bytes"
	"errors"
	"iter"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// Heard finds out, from the ops of another process's commit, what it changed. The events of a
// task are decoded only if the task is wanted. What cannot be read is left out, and the error
// says so.
func Heard(ops iter.Seq[store.Op], wanted func(task string) bool) (*Outcome, error) {
	h := heard{Outcome: Outcome{Touched: map[string]int{}}, sessions: map[event.SessionID]*Session{}}
	for op := range ops {
		if err := h.take(op); err != nil {
			h.damage = errors.Join(h.damage, err)
		}
	}
	h.finish(wanted)
	return &h.Outcome, h.damage
}

// heard collects what a commit has changed. Its ops are sorted by bucket, in the order of
// [store.Buckets]: a session comes before its events, and those before its state.
type heard struct {
	Outcome
	sessions map[event.SessionID]*Session // those that the commit has written
	events   []eventsOf
	damage   error
}

// eventsOf are the records of events of one session.
type eventsOf struct {
	id  event.SessionID
	ops []store.Op
}

func (h *heard) take(op store.Op) error {
	switch op.Bucket {
	case store.Meta:
		if !op.Delete && bytes.Equal(op.Key, keyLastChange) {
			change, err := Decode(op.Bucket, op.Key, op.Value)
			if err != nil {
				return err
			}
			h.Change = max(h.Change, ParseNumber(change))
		}
	case store.Tasks:
		if op.Delete {
			h.Removed = append(h.Removed, Removal{Task: string(op.Key)})
		}
	case store.Activity:
		if !op.Delete {
			task, _, err := DecodeActivity(op.Key, op.Value)
			if err != nil {
				return err
			}
			h.Touched[task] = 0
			h.Change = max(h.Change, ParseNumber(op.Key))
		}
	case store.Sessions, store.Open:
		return h.takeSession(op)
	case store.Events:
		return h.takeEvent(op)
	case store.Usage:
		h.Spent = true
	}
	return nil
}

// takeSession takes what is written of a session, and that it is open or no longer so.
func (h *heard) takeSession(op store.Op) error {
	task, id, ok := SplitSessionKey(op.Key)
	if !ok {
		return &store.DamageError{Bucket: op.Bucket, Key: bytes.Clone(op.Key), Reason: "is no key of a session"}
	}
	s := h.sessions[id]
	switch {
	case op.Bucket == store.Sessions && op.Delete:
		h.Dropped = append(h.Dropped, Dropped{Task: task, Session: id})
	case op.Bucket == store.Sessions:
		s, err := DecodeSession(task, op.Key, op.Value)
		if err != nil {
			return err
		}
		h.sessions[id] = s
	case op.Delete && s == nil: // it was deleted while it was open
		h.Ended = append(h.Ended, &Session{ID: id, Task: task, Status: event.StatusOpen})
	case op.Delete:
		h.Ended = append(h.Ended, s)
	case s != nil:
		h.Started = append(h.Started, s)
	}
	return nil
}

// takeEvent takes an event, its removal, or the state of a session.
func (h *heard) takeEvent(op store.Op) error {
	if len(op.Key) != eventKey {
		return &store.DamageError{Bucket: op.Bucket, Key: bytes.Clone(op.Key), Reason: "is no key of an event"}
	}
	id := event.SessionID(op.Key)
	if op.Delete {
		if s := h.sessions[id]; s != nil && (len(h.Dropped) == 0 || h.Dropped[len(h.Dropped)-1].Session != id) {
			h.Dropped = append(h.Dropped, Dropped{Task: s.Task, Session: id}) // it was trimmed
		}
		return nil
	}
	if !IsState(op.Value) {
		if n := len(h.events); n == 0 || h.events[n-1].id != id {
			h.events = append(h.events, eventsOf{id: id})
		}
		of := &h.events[len(h.events)-1]
		of.ops = append(of.ops, op)
		return nil
	}
	st, task, err := DecodeState(op.Key, op.Value)
	if err != nil {
		return err
	}
	s := h.sessions[id]
	if s == nil {
		s = &Session{ID: id, Task: string(task), Status: event.StatusOpen, Brief: true}
		h.sessions[id] = s
	}
	s.State = st
	return nil
}

// finish sets the change of removed tasks, and adds the events of each session to the outcome.
func (h *heard) finish(wanted func(task string) bool) {
	for i := range h.Removed {
		h.Removed[i].Change = h.Change // or an earlier one of the same commit
	}
	for _, of := range h.events {
		s := h.sessions[of.id]
		if s == nil {
			continue // it was deleted in the same commit
		}
		a := Appended{Task: s.Task, Session: s.ID, Record: s}
		if wanted(s.Task) {
			for _, op := range of.ops {
				e, err := DecodeEvent(op.Key, op.Value)
				if err != nil {
					h.damage = errors.Join(h.damage, err)
					h.Dropped = append(h.Dropped, Dropped{Task: s.Task, Session: s.ID}) // who reads it must see the damage
					break
				}
				a.Events = append(a.Events, Prepared{Event: e})
			}
		}
		h.Appended = append(h.Appended, a)
	}
}
