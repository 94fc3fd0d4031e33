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
	_, err := made(ctx, l, taskDeletes, &id)
	return err
}

func deleteTaskHere(ctx context.Context, l *Log, in *string) (none nothing, err error) {
	id, more := *in, false
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
			return none, nil // another caller is deleting it, too
		}
		if err != nil {
			return none, err
		}
	}
	return none, nil
}

// DeleteSession deletes a session, open, sealed or damaged, as DeleteTask does.
func (l *Log) DeleteSession(ctx context.Context, task string, id SessionID) error {
	_, err := made(ctx, l, sessionDeletes, &sessionOf{task, id})
	return err
}

func deleteSessionHere(ctx context.Context, l *Log, in *sessionOf) (nothing, error) {
	return nothing{}, l.deleted(l.committer.doFreeing(ctx, func(tx *record.Txn) error {
		t, err := tx.TaskToDelete(in.Task)
		if err != nil {
			return err
		}
		return tx.DeleteByID(t, in.Session)
	}))
}

func (l *Log) deleted(err error) error {
	if err == nil {
		l.purger.wake()
	}
	return err
}
