package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// BackupStore is a [Store] that can copy itself while it is in use.
type BackupStore interface {
	Store
	// Backup returns a copy of the store as one View would show it. The caller
	// closes it.
	Backup(ctx context.Context) (*Backup, error)
}

// Backup is a copy of a database as it stood at one moment, to be read once from
// start to end. [Restore] makes a database of it.
type Backup struct {
	io.ReadCloser
	// Size is how many bytes there are to read.
	Size int64
	// Took is how long the copy took. For so long no free space could be reused,
	// and the file grew by Growth bytes.
	Took   time.Duration
	Growth int64
}

// Backup copies the database while the log goes on. The copy is made before
// Backup returns: however slowly it is read afterwards, the log does not wait,
// and its file does not grow for it. It needs as much room as the database on
// the same disk, until it is closed or the process ends. The error wraps
// [errors.ErrUnsupported] if the store is no [BackupStore].
func (l *Log) Backup(ctx context.Context) (*Backup, error) {
	if err := l.Err(); err != nil {
		return nil, err
	}
	backer, ok := l.store.(BackupStore)
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

// Backup implements [BackupStore].
func (s *boltStore) Backup(ctx context.Context) (*Backup, error) {
	file, err := newUnfinished(s.path)
	if err != nil {
		return nil, err
	}
	// Without a name it is gone when the process is, however that ends.
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	backup := &Backup{ReadCloser: file}
	start, before := time.Now(), s.Stats().Size
	out := &contextWriter{ctx: ctx, w: file}
	err = s.View(ctx, func(r Reader) error {
		backup.Size, err = r.(*boltReader).tx.WriteTo(out)
		return errors.Join(out.err, err) // bbolt's own may be without the cause
	})
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("%w for a copy: %w", ErrFull, err)
	}
	backup.Took, backup.Growth = time.Since(start), s.Stats().Size-before
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return backup, nil
}

// contextWriter fails once its context has ended.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
	err error
}

// Write implements [io.Writer].
func (w *contextWriter) Write(p []byte) (n int, err error) {
	if w.err = w.ctx.Err(); w.err == nil {
		n, w.err = w.w.Write(p)
	}
	return n, w.err
}
