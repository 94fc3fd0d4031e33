package eventlog

import (
	"context"
	"errors"

	"jrweb/eventlog/internal/record"
)

// DeleteTask deletes a task with all its sessions. They are gone when it returns; the space
// is freed in the background, in small transactions. If the task has very many sessions,
// the oldest are deleted first: if ctx ends before the end, the task still has the others.
// What is damaged can be deleted, too; the totals of a task are then those of the sessions
// that are left.
func (l *Log) DeleteTask(ctx context.Context, id string) error {
	more := false
	for began := false; more || !began; began = true {
		err := l.deleted(l.committer.doFreeing(ctx, func(tx *record.Txn) error {
			t, err := tx.TaskToDelete(id)
			if err != nil {
				return err
			}
			if more = tx.HasMany(t); more {
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

// DeleteSession deletes a session, open, sealed or damaged, as DeleteTask does.
func (l *Log) DeleteSession(ctx context.Context, task string, id SessionID) error {
	return l.deleted(l.committer.doFreeing(ctx, func(tx *record.Txn) error {
		t, err := tx.TaskToDelete(task)
		if err != nil {
			return err
		}
		return tx.DeleteByID(t, id)
	}))
}

func (l *Log) deleted(err error) error {
	if err == nil {
		l.purger.wake()
	}
	return err
}
