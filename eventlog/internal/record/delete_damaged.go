package record

import (
	"bytes"
	"errors"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// A record that is damaged does not say what else belongs to it. So a deletion searches the
// whole index instead of one place in it, and adds sums up again instead of subtracting from
// them. That takes long in a large log, but it is rare.

// TaskToDelete is Task for a caller that deletes the task, or a session of it. If the record
// of the task is damaged, the result has nothing but the id, and is never written.
func (tx *Txn) TaskToDelete(id string) (*Task, error) {
	t, err := tx.Task(id)
	if errors.Is(err, store.ErrDamaged) {
		return &Task{ID: id, lost: true}, nil
	}
	return t, err
}

// HasMany reports whether a task has more sessions than one transaction deletes.
func (tx *Txn) HasMany(t *Task) bool {
	if !t.lost {
		return t.Sessions > DeleteSessions
	}
	n := 0
	prefix := TaskPrefix(t.ID)
	for range tx.Ascend(store.Sessions, prefix, PrefixEnd(prefix)) {
		if n++; n > DeleteSessions {
			return true
		}
	}
	return false
}

// DeleteByID removes a session from its task and the log, even if it is damaged.
func (tx *Txn) DeleteByID(t *Task, id event.SessionID) error {
	s, err := tx.Session(t.ID, id)
	switch {
	case errors.Is(err, store.ErrDamaged):
		tx.deleteDamaged(t, []event.SessionID{id})
	case err != nil:
		return err
	default:
		tx.DeleteSession(t, s)
	}
	if !t.lost {
		tx.Touch(t.ID)
	}
	return nil
}

// deleteDamaged is DeleteSession for sessions that cannot be read.
func (tx *Txn) deleteDamaged(t *Task, ids []event.SessionID) {
	if len(ids) == 0 {
		return
	}
	tx.forgetDamaged(t, ids)
	for _, id := range ids {
		tx.trashKeys(t, func(t *Task) []byte { return keysOfSession(t, id) })
	}
	if t.lost {
		return
	}
	t.Sessions -= len(ids)
	t.Latest, t.Status = tx.latest(t)
	tx.recount(t)
	changes := []uint64{t.Change}
	for _, id := range t.Open {
		s, err := tx.Session(t.ID, id)
		if err != nil {
			tx.Note(err)
			return // its change is not known: no entry can be told from those of the damaged
		}
		changes = append(changes, s.Change)
	}
	for _, key := range tx.allEntriesOf(t.ID) {
		if !slices.Contains(changes, ParseNumber(key)) {
			tx.Delete(store.Activity, key)
		}
	}
}

// forgetDamaged is forget for sessions that cannot be read.
func (tx *Txn) forgetDamaged(t *Task, ids []event.SessionID) {
	for _, id := range ids {
		key := SessionKey(t.ID, id)
		s := tx.Sessions[id] // what the transaction knows of it: an append needs only the state
		if s == nil {
			s = &Session{ID: id, Task: t.ID, Status: event.StatusOpen}
		}
		s.closed = true
		if tx.Get(store.Open, key) != nil {
			tx.Ended = append(tx.Ended, s)
		}
		t.Open = slices.DeleteFunc(t.Open, func(open event.SessionID) bool { return open == id })
		tx.Delete(store.Open, key)
		tx.Delete(store.Spent, id[:])
		tx.Delete(store.Sessions, key)
		if last, _ := LastRecord(tx, id); last != nil { // perhaps its state: else an append would find it open
			tx.Delete(store.Events, bytes.Clone(last))
		}
		tx.Sessions[id] = nil
		tx.trash(store.Events, id[:])
		if tx.saidAnything(id) {
			tx.trash(store.Said, id[:])
		}
		tx.Dropped = append(tx.Dropped, Dropped{t.ID, id})
	}
	if len(ids) == 0 {
		return
	}
	for _, b := range []store.Bucket{store.Ended, store.External} { // keys that end with the id
		var keys [][]byte
		for key := range tx.Ascend(b, nil, nil) {
			at := len(key) - len(event.SessionID{})
			if at >= 0 && slices.Contains(ids, event.SessionID(key[at:])) {
				keys = append(keys, bytes.Clone(key))
			}
		}
		for _, key := range keys {
			tx.Delete(b, key)
		}
	}
}

// recount adds the totals of a task up from its sessions that have ended and can be read.
func (tx *Txn) recount(t *Task) {
	t.Totals, t.Unpriced = Totals{}, nil
	prefix := TaskPrefix(t.ID)
	for key, raw := range tx.Ascend(store.Sessions, prefix, PrefixEnd(prefix)) {
		s := tx.Sessions[event.SessionID(key[len(prefix):])] // what it says is newer
		if s == nil || s.Brief {
			var err error
			if s, err = DecodeSession(t.ID, key, raw); err != nil {
				tx.Note(err)
				continue
			}
		}
		if s.Status != event.StatusOpen {
			t.Totals.Add(s.Totals)
			t.Unpriced.Add(s.Models)
		}
	}
}

// allEntriesOf returns the keys of all entries of a task in store.Activity that can be read.
func (tx *Txn) allEntriesOf(task string) (keys [][]byte) {
	for key, raw := range tx.Ascend(store.Activity, nil, nil) {
		if of, _, err := DecodeActivity(key, raw); err == nil && of == task {
			keys = append(keys, bytes.Clone(key))
		}
	}
	return keys
}

// trashKeys leaves the idempotency keys with a prefix to the purger. If it is not known when
// the task was made, it does so for every task that had this name.
func (tx *Txn) trashKeys(t *Task, prefixOf func(*Task) []byte) {
	if !t.lost {
		tx.trash(store.Keys, prefixOf(t))
		return
	}
	prefix := TaskPrefix(t.ID)
	for from, more := prefix, true; more; {
		more = false
		for key := range tx.Ascend(store.Keys, from, PrefixEnd(prefix)) {
			if more = true; len(key) < len(prefix)+8 {
				from = append(bytes.Clone(key), 0) // no key of ours
				break
			}
			life := &Task{ID: t.ID, Born: ParseNumber(key[len(prefix) : len(prefix)+8])}
			tx.trash(store.Keys, prefixOf(life))
			from = PrefixEnd(keysOfTask(life))
			break
		}
	}
}
