package dbfile

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"jrweb/eventlog/event"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// countUsage counts by day what the sessions have cost. The new file has all of them already.
func (u *upgrading) countUsage() (err error) {
	db, err := filestore.Open(u.path, &filestore.Options{NoJournal: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for from := []byte{}; from != nil; {
		var next []byte
		err := db.Update(u.ctx, func(storeTx store.Tx) (err error) {
			tx := record.NewTxn(storeTx, time.Now(), record.Carried{})
			if next, err = usageOfSome(tx, from); err != nil {
				return err
			}
			return tx.Flush()
		})
		if err != nil {
			return err
		}
		from = next
	}
	return nil
}

// usageOfSome counts some sessions. next is the key of the session to go on with, or nil.
func usageOfSome(tx *record.Txn, from []byte) (next []byte, err error) {
	events := uint64(0)
	for key, raw := range tx.Ascend(store.Sessions, from, nil) {
		if events > upgradeEvents {
			return bytes.Clone(key), nil
		}
		task, _, ok := record.SplitSessionKey(key)
		if !ok {
			return nil, &store.DamageError{Bucket: store.Sessions, Key: bytes.Clone(key), Reason: "is no key of a session"}
		}
		t, err := tx.Task(task)
		if err != nil {
			return nil, fmt.Errorf("task %s: %w", task, err)
		}
		s, err := record.WholeSession(tx, task, key, raw)
		if err != nil {
			return nil, err
		}
		events += 1 + s.Head
		if err := usageOfSession(tx, t, s); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func usageOfSession(tx *record.Txn, t *record.Task, s *record.Session) error {
	if len(s.Models) == 0 {
		return nil
	}
	tx.Sessions[s.ID] = s
	count := tx.Recount(t, s)
	for key, raw := range tx.Ascend(store.Events, record.EventKey(s.ID, s.First), record.EventKey(s.ID, s.Head+1)) {
		var e event.Event
		if err := record.ViewEvent(&e, key, raw); err != nil {
			return err
		}
		if e.Type != event.TypeCost {
			continue
		}
		var p record.Prepared
		if err := p.PrepareStored(&e); err != nil {
			return &store.DamageError{Bucket: store.Events, Key: bytes.Clone(key), Reason: err.Error()}
		}
		count.Add(p.Time, p.Cost)
	}
	count.End()
	return nil
}
