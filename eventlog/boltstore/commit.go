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
	// store.ErrFull or store.ErrNotCommitted mean the same. After any other error the
	// outcome is unknown.
	unchanged bool

	used, added int64 // bytes: the high-water mark before the transaction, and what it put
	useReserve  bool
}

// commit runs fn in a transaction and commits it. If there is too little room, it makes
// more and tries again.
func (s *boltStore) commit(fn func(store.Tx) error) commit {
	for more := int64(1 << 16); ; more *= 2 {
		c := s.tryCommit(fn)
		if !errors.Is(c.err, bolterrors.ErrMaxSizeReached) {
			return c
		}
		// Only bbolt knows how much room the transaction takes. Room for the values alone
		// may be too little again, so each try asks for twice as much.
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
	// Does nothing after a commit. A failed commit has rolled back already.
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

// write runs fn. An error means that nothing must be written.
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

// end commits a transaction, and finds out what a failure has left. bbolt first writes the
// pages of a transaction to places that no state in use refers to, and syncs them. Then it
// writes one of the two meta pages, and syncs that. If a write failed and the meta pages
// are as before, nothing has changed. If a sync failed, something may have: the kernel may
// treat pages as clean that are not on the disk, and a second sync proves nothing.
func (s *boltStore) end(tx *bolt.Tx) error {
	before, err := s.readHead()
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrNotCommitted, err)
	}
	err = boltfile.Guard(tx.Commit)
	if err == nil || errors.Is(err, bolterrors.ErrMaxSizeReached) { // that error comes before any write
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

// settleHead makes sure that the state which the file shows is on the disk, before anyone
// reads it. The process that committed it may have been killed before the sync returned, or
// the sync may have failed. Then the kernel may treat the meta page as clean although it is
// not on the disk, so it is written again. The pages that it refers to were synced before
// it was first written.
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

// readHead reads both meta pages.
func (s *boltStore) readHead() ([]byte, error) {
	head := make([]byte, 2*s.db.Info().PageSize)
	if _, err := s.file.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("read the head: %w", err)
	}
	return head, nil
}
