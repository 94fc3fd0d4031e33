package record

import (
	"errors"
	"fmt"
	"math"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// DeleteSessions is how many sessions one transaction removes from a task at most. It is
// low enough that no append waits for long.
const DeleteSessions = 250

// DeleteOldest removes the oldest sessions of a task that has many.
func (tx *Txn) DeleteOldest(t *Task) error {
	sessions, damaged, err := tx.sessionsOf(t, DeleteSessions)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		tx.DeleteSession(t, s)
	}
	tx.deleteDamaged(t, damaged)
	if !t.lost {
		tx.Touch(t.ID)
	}
	return nil
}

// sessionsOf reads the oldest sessions of a task, so that no read fails after a change has
// begun to write. Those that cannot be read because of damage are returned separately.
func (tx *Txn) sessionsOf(t *Task, limit int) (sessions []*Session, damaged []event.SessionID, err error) {
	var ids []event.SessionID
	prefix := TaskPrefix(t.ID)
	for key := range tx.Ascend(store.Sessions, prefix, PrefixEnd(prefix)) {
		if ids = append(ids, event.SessionID(key[len(prefix):])); len(ids) == limit {
			break
		}
	}
	for _, id := range ids {
		s, err := tx.Session(t.ID, id)
		switch {
		case errors.Is(err, store.ErrDamaged):
			damaged = append(damaged, id)
		case err != nil:
			return nil, nil, err
		default:
			sessions = append(sessions, s)
		}
	}
	return sessions, damaged, nil
}

// DeleteTask removes a task with all its sessions from the log.
func (tx *Txn) DeleteTask(t *Task) error {
	sessions, damaged, err := tx.sessionsOf(t, math.MaxInt)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if s.Status == event.StatusOpen {
			tx.closeSession(t, s)
		}
		tx.forget(t, s)
	}
	tx.forgetDamaged(t, damaged)
	tx.trashKeys(t, keysOfTask)
	changes := []uint64{t.Change}
	touch := tx.touchOf(t.ID)
	for _, s := range touch.sessions { // all that were open before this transaction
		changes = append(changes, s.Change)
	}
	touch.deleted = true
	delete(tx.Touched, t.ID) // a task that is made again changes later
	entries := tx.entriesOf(changes)
	if t.lost || len(damaged) > 0 {
		entries = tx.allEntriesOf(t.ID) // some of the changes are not known
	}
	for _, key := range entries {
		tx.Delete(store.Activity, key)
	}
	tx.Delete(store.Tasks, []byte(t.ID))
	tx.Tasks[t.ID] = nil
	tx.Removed = append(tx.Removed, Removal{Task: t.ID, Change: tx.nextChange()})
	return nil
}

// DeleteSession removes a session from its task and the log.
func (tx *Txn) DeleteSession(t *Task, s *Session) {
	if s.Status == event.StatusOpen {
		tx.closeSession(t, s)
	}
	tx.forget(t, s)
	t.Sessions--
	if s.Status != event.StatusOpen {
		t.Totals.subtract(s.Totals)
		t.Unpriced.subtract(s.Models)
	}
	if t.Latest == s.ID {
		t.Latest, t.Status = tx.latest(t)
	}
	tx.trashKeys(t, func(t *Task) []byte { return keysOfSession(t, s.ID) })
}

// latest finds the newest session of a task, and skips damaged ones.
func (tx *Txn) latest(t *Task) (event.SessionID, event.Status) {
	prefix := TaskPrefix(t.ID)
	for key := range tx.Descend(store.Sessions, prefix, PrefixEnd(prefix)) {
		id := event.SessionID(key[len(prefix):])
		s, err := tx.Session(t.ID, id)
		if err == nil {
			return id, s.Status
		}
		tx.Note(fmt.Errorf("session %s of task %s: %w", id, t.ID, err))
	}
	return event.SessionID{}, event.StatusNone
}

// forget removes a session from the log and leaves its events to the purger.
func (tx *Txn) forget(t *Task, s *Session) {
	key := SessionKey(t.ID, s.ID)
	tx.Delete(store.Sessions, key)
	tx.unindex(s)
	if s.Status != event.StatusOpen {
		tx.Delete(store.Ended, EndedKey(s.Sealed.Time, s.ID))
	} else {
		tx.Delete(store.Events, StateKey(s.ID, s.Head)) // else an append would find it open
	}
	tx.Sessions[s.ID] = nil
	tx.trash(store.Events, s.ID[:])
	if tx.saidAnything(s.ID) {
		tx.trash(store.Said, s.ID[:])
	}
	tx.Dropped = append(tx.Dropped, Dropped{t.ID, s.ID})
}

// trash leaves all keys of a bucket that start with prefix to the purger.
func (tx *Txn) trash(b store.Bucket, prefix []byte) {
	key := append(append([]byte(b), 0), prefix...)
	tx.Put(store.Trash, key, Encode(store.Trash, key, nil))
	tx.Wrote = true
}

// PurgeKeys is how many keys one transaction removes at most. It is low enough that no
// append waits for long.
const PurgeKeys = 1000

// DeleteMentioned deletes the idempotency key that a key of a deleted session mentions,
// unless the key has been used again since.
func (tx *Txn) DeleteMentioned(b store.Bucket, key []byte) error {
	if b != store.Keys {
		return nil
	}
	at := mentioned(key)
	if at == nil {
		return nil
	}
	raw := tx.Get(store.Keys, at)
	if raw == nil {
		return nil
	}
	record := &Request{}
	if err := DecodeJSON(store.Keys, at, raw, record); err != nil {
		return err
	}
	if owner, _ := SplitRequestKey(key); owner.Session == record.Session {
		tx.Delete(store.Keys, at)
	}
	return nil
}
