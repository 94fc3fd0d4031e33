package boltstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/store"
)

// boltStore implements [store.Store] on one bbolt file.
//
// bbolt shows a commit to new read transactions as soon as its meta page is written, which
// is before that page is synced. View prevents this: it compares the number of the
// transaction that it would show with the last one whose commit has returned, and waits
// while a newer one is being committed.
type boltStore struct {
	db      *bolt.DB
	path    string
	file    *os.File   // the file of db
	writing sync.Mutex // held by the running Update
	room    room       // used by the running Update

	mu        sync.Mutex
	committed int           // number of the last transaction whose commit returned
	pending   chan struct{} // closed when the running Update has ended; nil when none runs
	broken    error         // set once a commit failed: what is on the disk is not known
}

// Options are the settings of [Open]. The zero value is good.
type Options struct {
	// MaxBytes is how many bytes of the file may be in use: an append that would need more
	// fails with [store.ErrFull]. The file itself is larger, because of free pages and of a
	// reserve for changes that free space. 0: no limit.
	MaxBytes int64
	// Admit decides whether the file may be used, from what the buckets hold and which of
	// them the file lacks. Open returns its error. It may be nil.
	Admit func(r store.Reader, missing []store.Bucket) error
}

// Open opens the bbolt file at path as a [store.Store], or creates it with mode 0600. A new
// file appears complete: it is made under another name first. The error wraps
// [store.ErrHeld] if another process has the file open, and [store.ErrDamaged] if it is not
// a bbolt file or not a complete one; Open does not change it then. Nil options are the
// defaults.
func Open(path string, o *Options) (store.Store, error) {
	if o == nil {
		o = &Options{}
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := createBolt(path); err != nil {
			return nil, fmt.Errorf("eventlog: create %s: %w", path, err)
		}
	}
	s, err := newBoltStore(path, o)
	if err != nil {
		return nil, fmt.Errorf("eventlog: open %s: %w", path, err)
	}
	return s, nil
}

func newBoltStore(path string, o *Options) (*boltStore, error) {
	file, err := boltfile.Hold(path)
	if err != nil {
		return nil, err
	}
	s := &boltStore{path: path, file: file}
	err = boltfile.Guard(func() (err error) {
		s.db, err = openBolt(path, file)
		return err
	})
	if err != nil {
		_ = file.Close() // does nothing if bbolt has closed the file; bbolt does not after a panic
		return nil, err
	}
	err = boltfile.Guard(func() error {
		// A write transaction, because bbolt counts the free pages at its end.
		tx, err := s.db.Begin(true)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // it has written nothing
		s.committed = tx.ID() - 1
		if err := admitted(tx, o.Admit); err != nil {
			return err
		}
		if s.room, err = newRoom(file, tx.Size(), o.MaxBytes); err != nil {
			return err
		}
		return s.settleHead()
	})
	if err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// admitted returns the error of admit, or an error if the file lacks a bucket.
func admitted(tx *bolt.Tx, admit func(store.Reader, []store.Bucket) error) error {
	var missing []store.Bucket
	for _, b := range store.Buckets() {
		if tx.Bucket([]byte(b)) == nil {
			missing = append(missing, b)
		}
	}
	if admit != nil {
		r := &boltfile.Reader{Tx: tx}
		if err := errors.Join(admit(r, missing), r.Err); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: it has no bucket %q", store.ErrDamaged, missing[0])
	}
	return nil
}

// openBolt opens a file that bbolt treats as the one at path.
func openBolt(path string, file *os.File) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:      boltfile.LockTimeout,
		OpenFile:     func(string, int, os.FileMode) (*os.File, error) { return file, nil },
		FreelistType: bolt.FreelistMapType,
		// To grow the map, bbolt waits for every read transaction and stops all commits
		// meanwhile. Address space costs nothing.
		InitialMmapSize: 1 << 30,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, store.ErrHeld
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("%w: %w", store.ErrDamaged, err)
	case err != nil:
		return nil, err
	}
	db.AllocSize = 0 // room grows the file; bbolt then counts in pages
	return db, nil
}

// createBolt makes an empty database appear at path in one step: a crash leaves either no
// file there or a complete one. A hard link, unlike a rename, never replaces a file that
// another process has made in the meantime.
func createBolt(path string) error {
	dir := filepath.Dir(path)
	temporary, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	// If a crash or a failure leaves it there, it is harmless.
	defer func() { _ = os.Remove(temporary.Name()) }()
	db, err := openBolt(temporary.Name(), temporary)
	if err != nil {
		_ = temporary.Close()
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, b := range store.Buckets() {
			if _, err := tx.CreateBucket([]byte(b)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return boltfile.SyncDir(dir)
}

// Update implements [store.Store].
func (s *boltStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	pending, err := s.begin()
	if err != nil {
		return err
	}
	c := s.commit(fn)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = nil
	close(pending)
	switch {
	case c.err == nil:
		s.committed = c.id
	case !c.unchanged && !errors.Is(c.err, store.ErrFull) && !errors.Is(c.err, store.ErrNotCommitted):
		s.broken = fmt.Errorf("%w: %w", store.ErrFailed, c.err)
	}
	return c.err
}

func (s *boltStore) begin() (pending chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil, s.broken
	}
	s.pending = make(chan struct{})
	return s.pending, nil
}

// View implements [store.Store].
func (s *boltStore) View(ctx context.Context, fn func(store.Reader) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		tx, err := s.db.Begin(false)
		if err != nil {
			return err
		}
		wait, err := s.mayShow(tx.ID())
		if wait == nil && err == nil {
			return read(tx, fn)
		}
		if err := errors.Join(err, tx.Rollback()); err != nil {
			return err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read runs fn on the state that a transaction shows, and ends the transaction.
func read(tx *bolt.Tx, fn func(store.Reader) error) (err error) {
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer boltfile.RecoverFault(&err)
	r := &boltfile.Reader{Tx: tx}
	err = fn(r)
	if r.Err != nil {
		err = r.Err
	}
	return err
}

// mayShow reports whether the state that transaction id made may be shown. If it may not
// yet, wait is closed when the running commit has ended.
func (s *boltStore) mayShow(id int) (wait <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.broken != nil:
		return nil, s.broken
	case id > s.committed:
		return s.pending, nil
	}
	return nil, nil
}

// Close implements [store.Store].
func (s *boltStore) Close() error { return s.db.Close() }

// Stats implements [store.StatsStore].
func (s *boltStore) Stats() store.Stats {
	stats := s.db.Stats()
	out := store.Stats{Free: int64(stats.FreeAlloc), Views: stats.OpenTxN}
	if info, err := s.file.Stat(); err == nil {
		out.Size = info.Size()
	}
	if tx, err := s.db.Begin(false); err == nil {
		out.Free += max(0, out.Size-tx.Size())
		_ = tx.Rollback() // fails only when it has ended before
	}
	return out
}
