package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/store"
)

// commit is the outcome of a transaction.
type commit struct {
	id  int
	err error
	// unchanged says that err came before anything was written. Errors that wrap
	// store.ErrFull or store.ErrNotCommitted say the same. Of any other, the outcome is unknown.
	unchanged bool

	used, added int64 // bytes: the high-water mark before it, and what it put
	useReserve  bool
}

// commit runs fn in a transaction and commits it, if need be in more room.
func (s *boltStore) commit(fn func(store.Tx) error) commit {
	for more := int64(1 << 16); ; more *= 2 {
		c := s.tryCommit(fn)
		if !errors.Is(c.err, bolterrors.ErrMaxSizeReached) {
			return c
		}
		// What it takes is known only to bbolt. With room for the values alone it
		// may not fit again, with twice as much it may.
		if err := s.room.grow(c.used, c.added+more, c.useReserve); err != nil {
			c.err = err
			return c
		}
	}
}

func (s *boltStore) tryCommit(fn func(store.Tx) error) (c commit) {
	tx, err := s.db.Begin(true)
	if err != nil {
		return commit{err: err}
	}
	// Does nothing after a commit. After a failed one it has happened.
	defer func() { _ = tx.Rollback() }()
	c.id, c.used = tx.ID(), tx.Size()
	t := &boltTx{Reader: boltfile.Reader{Tx: tx}}
	if c.err = s.write(t, fn); c.err != nil {
		c.unchanged = true
		return c
	}
	c.added, c.useReserve = t.added, t.useReserve
	if before := s.room.largest; t.largest > before {
		s.room.largest = t.largest
		defer func() {
			if c.err != nil {
				s.room.largest = before
			}
		}()
	}
	if !c.useReserve {
		c.err = s.room.check(c.used-int64(s.db.Stats().FreeAlloc), c.added)
	}
	if c.err == nil {
		c.err = s.room.keepReserve(c.used)
	}
	var limit int64
	if c.err == nil {
		limit, c.err = s.room.limit(c.used, c.useReserve)
	}
	if c.err != nil {
		return c
	}
	s.room.writeAhead(c.used, c.added)
	s.db.MaxSize = int(limit)
	c.err = s.end(tx)
	return c
}

// write runs fn. An error means that nothing is to be written.
func (s *boltStore) write(t *boltTx, fn func(store.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer boltfile.RecoverFault(&err)
	if err := fn(t); err != nil {
		return err
	}
	if t.Err != nil {
		return fmt.Errorf("%w: %w", store.ErrNotCommitted, t.Err)
	}
	return nil
}

// end commits a transaction, and finds out what a failure has left. bbolt writes
// the pages of a transaction to places that no state in use refers to, syncs
// them, then writes one of the two meta pages, and syncs that. A write that
// failed while the meta pages are as they were has changed nothing. A sync that
// failed may have: the kernel may hold pages clean that are not on the disk, and
// a second sync proves nothing.
func (s *boltStore) end(tx *bolt.Tx) error {
	before, err := s.readHead()
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrNotCommitted, err)
	}
	err = boltfile.Guard(tx.Commit)
	if err == nil || errors.Is(err, bolterrors.ErrMaxSizeReached) { // that comes before all writing
		return err
	}
	failed, isPath := errors.AsType[*fs.PathError](err)
	if !isPath || failed.Op != "write" {
		return err
	}
	after, readErr := s.readHead()
	if readErr != nil || !bytes.Equal(before, after) {
		return err
	}
	shown, readErr := s.db.Begin(false)
	if readErr != nil {
		return err
	}
	id := shown.ID()
	if readErr := shown.Rollback(); readErr != nil || id != s.committed {
		return err
	}
	return notCommitted(err)
}

// settleHead makes sure that the state which the file shows is on the disk, before
// anybody sees it. Whoever committed that may have been killed before the sync
// returned, or have seen it fail: then the kernel may hold the meta page clean that
// is not on the disk, so it is written once more. What it refers to was synced
// before it was first written.
func (s *boltStore) settleHead() error {
	pageSize := s.db.Info().PageSize
	head, at := make([]byte, pageSize), int64(s.committed%2)*int64(pageSize)
	_, err := s.file.ReadAt(head, at)
	if err == nil {
		_, err = s.file.WriteAt(head, at)
	}
	if err == nil {
		err = s.db.Sync()
	}
	if err != nil {
		return fmt.Errorf("%w: settle the last commit: %w", store.ErrFailed, err)
	}
	return nil
}

// boltfile.ReadHead reads both meta pages.
func (s *boltStore) readHead() ([]byte, error) {
	head := make([]byte, 2*s.db.Info().PageSize)
	if _, err := s.file.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("read the head: %w", err)
	}
	return head, nil
}
