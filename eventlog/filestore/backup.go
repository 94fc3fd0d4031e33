package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/store"
)

// Backup implements [store.BackupStore].
func (s *fileStore) Backup(ctx context.Context) (_ *store.Backup, err error) {
	if err := s.failure(); err != nil {
		return nil, err
	}
	file, err := boltfile.NewUnfinished(s.base.path)
	if err != nil {
		return nil, err
	}
	backup := &store.Backup{ReadCloser: file}
	start, before := time.Now(), s.Stats().Size
	err = s.copyTo(ctx, file, func(v *version) boltfile.Mark { return boltfile.Mark{Position: v.upto} })
	// A file without a name goes away with the process, however that ends.
	err = errors.Join(err, os.Remove(file.Name()))
	backup.Took, backup.Growth = time.Since(start), s.Stats().Size-before
	if err == nil {
		backup.Size, err = file.Seek(0, io.SeekEnd)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return backup, nil
}

// copyTo makes a file of one state that needs no journal: a copy of the pages, and over them
// what they lack. mark says how the copy is marked.
func (s *fileStore) copyTo(ctx context.Context, file *os.File, mark func(*version) boltfile.Mark) (err error) {
	defer func() {
		if disk.IsFull(err) {
			err = fmt.Errorf("%w for a copy: %w", store.ErrFull, err)
		}
	}()
	view, err := s.look()
	if err != nil {
		return err
	}
	out := &contextWriter{ctx: ctx, w: file}
	err = view.read(func(overlay.Reader) error {
		// A copy for which there is no room must fail at once, and not first use up space that
		// commits need.
		if err := disk.Allocate(file, 0, view.tx.Size()); err != nil {
			return err
		}
		_, err := view.tx.WriteTo(out)
		return errors.Join(out.err, err) // bbolt's error may lack the cause
	})
	if err != nil {
		return err
	}
	ops, err := overlay.Merge(append(slices.Clip(view.older), view.newer...))
	if err != nil {
		return err
	}
	db, err := bolt.Open(file.Name(), 0o600, &bolt.Options{NoSync: true, NoGrowSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	db.AllocSize = 0 // the copy grows by what it needs
	err = db.Update(func(tx *bolt.Tx) error {
		_, _, err := write(tx, slices.Values(ops), mark(view.version))
		return err
	})
	return errors.Join(err, db.Close())
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
