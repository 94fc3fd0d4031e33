package eventlog

import (
	"context"
	"errors"

	"jrweb/eventlog/internal/record"
)

// DeleteTask deletes a task with all its sessions. They are gone when it returns; the space
// is freed in the background, in small transactions. If the task has very many sessions,
// the oldest are deleted first: if ctx ends before the end, the task still has the others.
func (l *Log) DeleteTask(ctx context.Context, id string) error {
	more := false
	for began := false; more || !began; began = true {
		err := l.deleted(l.committer.doFreeing(ctx, func(tx *record.Txn) error {
			t, err := tx.Task(id)
			if err != nil {
				return err
			}
			if more = t.Sessions > record.DeleteSessions; more {
				return tx.DeleteOldest(t)
			}
			return tx.DeleteTask(t)
		}))
		if began && errors.Is(err, ErrTaskNotFound) {
			return nil // another caller is deleting it, too
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteSession deletes a session, open or sealed, as DeleteTask does.
func (l *Log) DeleteSession(ctx context.Context, task string, id SessionID) error {
	return l.deleted(l.committer.doFreeing(ctx, func(tx *record.Txn) error {
		t, err := tx.Task(task)
		if err != nil {
			return err
		}
		s, err := tx.Session(task, id)
		if err != nil {
			return err
		}
		tx.DeleteSession(t, s)
		tx.Touch(task)
		return nil
	}))
}

func (l *Log) deleted(err error) error {
	if err == nil {
		l.purger.wake()
	}
	return err
}
