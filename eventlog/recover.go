package eventlog

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// recover checks the format and reads what the last commit left.
func (l *Log) recover() (last record.Carried, err error) {
	ctx := context.Background()
	isNew := false
	begin := func(r store.Reader) error {
		if isNew = r.Get(store.Meta, record.KeyFormat) == nil; isNew {
			return nil
		}
		if err := record.CheckFormat(r); err != nil {
			return err
		}
		for range r.Ascend(store.Open, nil, nil) {
			l.open.Add(1)
		}
		l.leases.begin(r)
		l.shown.set(store.Commits(r))
		last, err = record.ReadCarried(r)
		l.watches.begin(last.Change)
		return err
	}
	if n, ok := l.store.(store.NotifyingStore); ok {
		err = n.Notify(ctx, begin, l.heard, l.fail)
	} else {
		err = l.store.View(ctx, begin)
	}
	if err == nil && isNew {
		err = l.store.Update(ctx, func(tx store.Tx) error {
			version := binary.BigEndian.AppendUint64(nil, record.FormatVersion)
			tx.Put(store.Meta, record.KeyFormat, record.Encode(store.Meta, record.KeyFormat, version))
			l.shown.set(store.Commits(tx) + 1) // nobody reads yet
			return nil
		})
		// An older version looks for the format in the file alone.
		if c, ok := l.store.(store.CheckpointStore); ok && err == nil {
			err = c.Checkpoint(ctx)
		}
	}
	return last, err
}

// interruptOpen seals the sessions that were open when the store was last closed: this
// program wrote them, and it has ended since. A damaged session stays as it is, and all
// others can be used.
func (l *Log) interruptOpen() error {
	open, err := l.openSessions()
	if err != nil {
		return err
	}
	for some := range slices.Chunk(open, interruptSessions) {
		err := l.committer.doFreeing(context.Background(), func(tx *record.Txn) error {
			for _, o := range some {
				t, err := tx.Task(o.task)
				if err != nil {
					tx.Note(fmt.Errorf("task %s of an open session: %w", o.task, err))
					continue
				}
				s, err := tx.Session(o.task, o.id)
				if err != nil {
					tx.Note(fmt.Errorf("open session %s of task %s: %w", o.id, o.task, err))
					continue
				}
				if s.Status != StatusOpen {
					tx.Note(&DamageError{Bucket: store.Open, Key: record.SessionKey(o.task, o.id), Reason: "the session is sealed"})
					continue
				}
				tx.Interrupt(t, s, "process ended")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// interruptSessions is how many sessions one transaction seals at most.
const interruptSessions = 1000

func (l *Log) openSessions() ([]Session, error) {
	var open []Session
	err := l.view(context.Background(), func(r store.Reader) error {
		for key, raw := range r.Ascend(store.Open, nil, nil) {
			if _, err := record.Decode(store.Open, key, raw); err != nil {
				l.damaged(err)
				l.o.Logger.Error("an open session cannot be read, nothing will end it", "error", err)
				continue
			}
			cut := len(key) - len(SessionID{})
			open = append(open, Session{log: l, task: string(key[:cut-1]), id: SessionID(key[cut:])})
		}
		return nil
	})
	return open, err
}
