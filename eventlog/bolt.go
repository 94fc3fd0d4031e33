package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// boltStore implements [Store] on one bbolt file.
//
// bbolt shows a commit to new read transactions as soon as its meta page is
// written, which is before that page is synced. View closes this window: it
// compares the number of the transaction that it would show with the last one
// whose commit has returned, and waits while a newer one is on its way.
type boltStore struct {
	db      *bolt.DB
	path    string
	writing sync.Mutex // held by the Update that runs

	mu        sync.Mutex
	committed int           // number of the last transaction whose commit returned
	pending   chan struct{} // closed when the Update that runs has ended; nil when none runs
	broken    error         // set once a commit failed: what is on the disk is not known
}

// fillPercent packs pages densely: most events go to the end of their session.
const fillPercent = 0.9

// minBoltSize is the size of the four pages that the smallest bbolt file has.
const minBoltSize = 4 * 4096

// OpenBolt opens the bbolt file at path as a [Store], or creates it. A new file
// comes to be whole, with mode 0600: it is made under another name first. The
// error wraps [ErrHeld] if another process has the file open, and [ErrDamaged]
// if it is no bbolt file.
func OpenBolt(path string) (Store, error) {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := createBolt(path); err != nil {
			return nil, fmt.Errorf("eventlog: create %s: %w", path, err)
		}
	case err == nil && info.Size() < minBoltSize: // of an empty file bbolt would make a database
		return nil, fmt.Errorf("eventlog: open %s: %w: it has only %d bytes", path, ErrDamaged, info.Size())
	}
	db, err := openBolt(path)
	if err != nil {
		return nil, fmt.Errorf("eventlog: open %s: %w", path, err)
	}
	s := &boltStore{db: db, path: path}
	err = db.View(func(tx *bolt.Tx) error {
		s.committed = tx.ID()
		for _, b := range Buckets() {
			if tx.Bucket([]byte(b)) == nil {
				return fmt.Errorf("%w: it has no bucket %q", ErrDamaged, b)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("eventlog: open %s: %w", path, errors.Join(err, db.Close()))
	}
	return s, nil
}

func openBolt(path string) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:      time.Second / 2,
		FreelistType: bolt.FreelistMapType,
		// Growing the map waits for every read transaction and stops all
		// commits meanwhile; address space costs nothing.
		InitialMmapSize: 1 << 30,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrHeld
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return db, err
}

// createBolt makes an empty database appear at path in one step: a crash leaves
// either nothing there or all of it. A hard link, unlike a rename, never
// replaces a file that another process made in the meantime.
func createBolt(path string) error {
	dir := filepath.Dir(path)
	temporary, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	// Whatever is left of it after a crash or a failure is harmless.
	defer func() { _ = os.Remove(temporary.Name()) }()
	if err := temporary.Close(); err != nil {
		return err
	}
	db, err := openBolt(temporary.Name())
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, b := range Buckets() {
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
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Update implements [Store].
func (s *boltStore) Update(ctx context.Context, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	pending, err := s.begin()
	if err != nil {
		return err
	}
	var id int
	var refused error // fn's own error: nothing was written
	err = s.db.Update(func(tx *bolt.Tx) error {
		id = tx.ID()
		t := &boltTx{boltReader{tx: tx}}
		if refused = fn(t); refused != nil {
			return refused
		}
		return t.err
	})

	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = nil
	close(pending)
	switch {
	case err == nil:
		s.committed = id
	case refused == nil:
		s.broken = fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return err
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

// View implements [Store].
func (s *boltStore) View(ctx context.Context, fn func(Reader) error) error {
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
			r := &boltReader{tx: tx}
			err = fn(r)
			if r.err != nil {
				err = r.err
			}
			return errors.Join(err, tx.Rollback())
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

// mayShow reports whether the state that transaction id made may be shown. If
// not yet, wait is closed when the commit on its way has ended.
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

// Close implements [Store].
func (s *boltStore) Close() error { return s.db.Close() }

// Stats implements [StatsStore].
func (s *boltStore) Stats() StoreStats {
	stats := s.db.Stats()
	out := StoreStats{Free: int64(stats.FreeAlloc), Views: stats.OpenTxN}
	if info, err := os.Stat(s.path); err == nil {
		out.Size = info.Size()
	}
	return out
}

type boltReader struct {
	tx  *bolt.Tx
	err error // the first write that failed; reads of a map in memory do not fail
}

func (r *boltReader) bucket(b Bucket) *bolt.Bucket { return r.tx.Bucket([]byte(b)) }

// Get implements [Reader].
func (r *boltReader) Get(b Bucket, key []byte) []byte { return r.bucket(b).Get(key) }

// Ascend implements [Reader].
func (r *boltReader) Ascend(b Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := r.bucket(b).Cursor()
		for k, v := c.Seek(from); k != nil && (to == nil || bytes.Compare(k, to) < 0); k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
	}
}

// Descend implements [Reader].
func (r *boltReader) Descend(b Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c := r.bucket(b).Cursor()
		var k, v []byte
		if to == nil {
			k, v = c.Last()
		} else if k, _ = c.Seek(to); k != nil {
			k, v = c.Prev()
		} else {
			k, v = c.Last()
		}
		for ; k != nil && bytes.Compare(k, from) >= 0; k, v = c.Prev() {
			if !yield(k, v) {
				return
			}
		}
	}
}

type boltTx struct{ boltReader }

// Put implements [Tx].
func (t *boltTx) Put(b Bucket, key, value []byte) {
	bucket := t.bucket(b)
	if b == bucketEvents {
		bucket.FillPercent = fillPercent
	}
	t.keep(bucket.Put(key, value))
}

// Delete implements [Tx].
func (t *boltTx) Delete(b Bucket, key []byte) { t.keep(t.bucket(b).Delete(key)) }

func (t *boltTx) keep(err error) {
	if t.err == nil {
		t.err = err
	}
}
