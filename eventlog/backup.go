package eventlog

import (
	"context"
	"errors"
	"fmt"

	"jrweb/eventlog/store"
)

// Backup copies the database while the log goes on. The copy is complete when Backup
// returns: a slow reader of it neither delays the log nor lets its file grow. Until it is
// closed or the process ends, the copy takes as much room on the same disk as the database.
// The error wraps [errors.ErrUnsupported] if the store is not a [store.BackupStore].
func (l *Log) Backup(ctx context.Context) (*store.Backup, error) {
	if err := l.Err(); err != nil {
		return nil, err
	}
	backer, ok := l.store.(store.BackupStore)
	if !ok {
		return nil, fmt.Errorf("eventlog: backup of this store: %w", errors.ErrUnsupported)
	}
	backup, err := backer.Backup(ctx)
	if ended := l.Err(); ended != nil && err == nil {
		return nil, errors.Join(ended, backup.Close()) // see Log.view
	}
	if err != nil {
		err = fmt.Errorf("eventlog: backup: %w", err)
		if errors.Is(err, ErrFull) {
			l.refused.note(refused{1, err})
		}
		return nil, err
	}
	return backup, nil
}
