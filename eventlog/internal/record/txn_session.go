package record

import (
	"fmt"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// maxOpen is how many sessions of a task may be open at once. Each start writes their ids,
// a read of the task reads their states, and a start that supersedes them seals them all in
// one transaction.
const maxOpen = 256

// StartSession starts s in a task. The caller has set what is known of the session. Unless
// it is concurrent, it supersedes the task's open sessions.
func (tx *Txn) StartSession(t *Task, s *Session, concurrent bool) error {
	if tx.Full != nil {
		return tx.Full
	}
	if concurrent && len(t.Open) >= maxOpen {
		return fmt.Errorf("%w: task %s has %d", ErrTooManyOpen, t.ID, len(t.Open))
	}
	if !concurrent {
		superseded, err := tx.openSessions(t)
		if err != nil {
			return err
		}
		for _, s := range superseded {
			tx.Interrupt(t, s, "superseded")
		}
	}
	tx.Last.Session = NextSessionID(tx.Now, tx.Last.Session)
	s.ID, s.Task, s.Status, s.First, s.Counted = tx.Last.Session, t.ID, event.StatusOpen, 1, true
	s.Born, s.Beside = tx.touchOf(t.ID).change, slices.Clone(t.Open)
	key := SessionKey(t.ID, s.ID)
	tx.Sessions[s.ID] = s
	tx.Put(store.Sessions, key, s.Encode(key)) // at once, so that iterating over the task's sessions finds it
	tx.Put(store.Open, key, Encode(store.Open, key, nil))
	tx.Index(s)
	t.Sessions++
	t.Latest, t.Status = s.ID, event.StatusOpen
	t.Open = append(t.Open, s.ID)
	tx.Started = append(tx.Started, s)
	tx.Touch(t.ID)
	tx.touchSession(s)
	return nil
}

// openSessions reads all of a task's open sessions, so that no read fails after a change
// has begun to write.
func (tx *Txn) openSessions(t *Task) ([]*Session, error) {
	open := make([]*Session, len(t.Open))
	for i, id := range t.Open {
		var err error
		if open[i], err = tx.Session(t.ID, id); err != nil {
			return nil, fmt.Errorf("open session %s of task %s: %w", id, t.ID, err)
		}
	}
	return open, nil
}

// Interrupt seals a session whose writer is gone.
func (tx *Txn) Interrupt(t *Task, s *Session, reason string) {
	tx.AppendTo(t, s, []Prepared{Completion(event.Interrupted, reason)})
}

// AppendTo appends events to an open session, and seals it if the last one is complete. It
// needs the task and the whole session only if NeedsAll is true of an event.
func (tx *Txn) AppendTo(t *Task, s *Session, events []Prepared) {
	change := tx.touchOf(s.Task).change
	for i := range events {
		p := &events[i]
		s.Head++
		p.Sequence, p.Change = s.Head, change
		if p.Time.IsZero() {
			p.Time = tx.Now
		}
		key := appendEventKey(tx.Scratch.room(eventKey), s.ID, p.Sequence)
		tx.Put(store.Events, key, encodeEvent(tx.Scratch, key, &p.Event))
		s.Totals.Events++
		if p.Cost != nil {
			c := tx.Count(s, p.Cost)
			tx.use(t, s, p.Time, p.Cost, c)
			tx.Costs = append(tx.Costs, costAdded{p.Cost.Model, c})
		}
		if p.About != nil {
			tx.learn(t, s, p.About)
		}
		if p.answers != 0 {
			tx.keepAnswer(t, s, p.answers, p.Sequence)
		}
	}
	tx.touchSession(s)
	tx.Appended = append(tx.Appended, Appended{Task: s.Task, Session: s.ID, Events: events, Record: s})
	if last := &events[len(events)-1]; last.Type == event.TypeComplete {
		tx.seal(t, s, last)
	}
}

// seal ends a session with its complete event.
func (tx *Txn) seal(t *Task, s *Session, end *Prepared) {
	tx.closeSession(t, s)
	s.Status, s.Reason, s.Ended, s.Sealed = end.Status, end.Reason, event.Time{Time: end.Time}, event.Time{Time: tx.Now}
	tx.Rewrite(s)
	ended := EndedKey(s.Sealed.Time, s.ID)
	tx.Put(store.Ended, ended, Encode(store.Ended, ended, []byte(t.ID)))
	t.Totals.Add(s.Totals)
	t.Unpriced.Add(s.Models)
	if t.Latest == s.ID {
		t.Status = end.Status
	}
	tx.Touch(t.ID)
}

// closeSession removes a session from the open ones.
func (tx *Txn) closeSession(t *Task, s *Session) {
	tx.Delete(store.Open, SessionKey(t.ID, s.ID))
	if len(s.Models) > 0 {
		tx.Delete(store.Spent, s.ID[:])
	}
	t.Open = slices.DeleteFunc(t.Open, func(id event.SessionID) bool { return id == s.ID })
	s.closed = true
	tx.touchSession(s)
	tx.Ended = append(tx.Ended, s)
}
