package eventlog

import (
	"context"
	"errors"
	"fmt"

	"jrweb/eventlog/store"
)

// Backup copies the database while the log goes on. The copy is made before
// Backup returns: however slowly it is read afterwards, the log does not wait,
// and its file does not grow for it. It needs as much room as the database on
// the same disk, until it is closed or the process ends. The error wraps
// [errors.ErrUnsupported] if the store is no [store.BackupStore].
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
		return nil, errors.Join(ended, backup.Close()) // see view
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
