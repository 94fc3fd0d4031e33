package boltstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/store"
)

// Backup implements [store.BackupStore].
func (s *boltStore) Backup(ctx context.Context) (*store.Backup, error) {
	file, err := boltfile.NewUnfinished(s.path)
	if err != nil {
		return nil, err
	}
	// A file without a name goes away with the process, however that ends.
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	backup := &store.Backup{ReadCloser: file}
	start, before := time.Now(), s.Stats().Size
	out := &contextWriter{ctx: ctx, w: file}
	err = s.View(ctx, func(r store.Reader) error {
		backup.Size, err = r.(*boltfile.Reader).Tx.WriteTo(out)
		return errors.Join(out.err, err) // bbolt's error may lack the cause
	})
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("%w for a copy: %w", store.ErrFull, err)
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
