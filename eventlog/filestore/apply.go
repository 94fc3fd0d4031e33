package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/store"
)

// apply writes what a run of deltas has changed into the file, and the mark with the
// position of the last one, in one transaction. If there is too little room, it makes more
// and tries again. With useReserve it uses everything that the disk has given. An error that
// wraps [store.ErrFull] or [store.ErrNotCommitted] changed nothing; after any other one the
// outcome is unknown.
func (b *base) apply(ops iter.Seq[overlay.Op], m boltfile.Mark, useReserve bool) error {
	for more := int64(1 << 16); ; more *= 2 {
		used, added, err := b.tryApply(ops, m, useReserve)
		if !errors.Is(err, bolterrors.ErrMaxSizeReached) {
			return err
		}
		// Only bbolt knows how much room the transaction takes. Room for the values alone
		// may be too little again, so each try asks for twice as much.
		if err := b.room.grow(used, added+more); err != nil {
			return err
		}
	}
}

func (b *base) tryApply(ops iter.Seq[overlay.Op], m boltfile.Mark, useReserve bool) (used, added int64, err error) {
	tx, err := b.db.Begin(true)
	if err != nil {
		return 0, 0, err
	}
	// Does nothing after a commit. A failed commit has rolled back already.
	defer func() { _ = tx.Rollback() }()
	id, used := tx.ID(), tx.Size()
	var largest int64
	err = boltfile.Guard(func() error {
		added, largest, err = write(tx, ops, m)
		return err
	})
	if err != nil {
		return used, added, fmt.Errorf("%w: %w", store.ErrNotCommitted, err)
	}
	limit, err := b.room.limit(used, largest, useReserve)
	if err != nil {
		return used, added, err
	}
	b.db.MaxSize = int(limit)
	if err := b.end(tx); err != nil {
		return used, added, err
	}
	b.committed, b.mark = id, m
	b.room.wrote(largest)
	if tx, err := b.db.Begin(false); err == nil {
		b.count(tx.Size())
		_ = tx.Rollback() // fails only when it has ended before
	}
	return used, added, nil
}

func noOps(func(overlay.Op) bool) {}

// write puts ops and mark into a transaction. It returns how many bytes it has put, and how
// many of them in one value.
func write(tx *bolt.Tx, ops iter.Seq[overlay.Op], m boltfile.Mark) (added, largest int64, err error) {
	var name store.Bucket
	var bucket *bolt.Bucket
	for op := range ops {
		if bucket == nil || op.Bucket != name {
			name, bucket = op.Bucket, tx.Bucket([]byte(op.Bucket))
			if name == store.Events || name == store.Activity {
				bucket.FillPercent = boltfile.FillPercent
			}
		}
		if op.Delete {
			err = bucket.Delete(op.Key)
		} else {
			added += int64(len(op.Key) + len(op.Value))
			largest = max(largest, int64(len(op.Value)))
			err = bucket.Put(op.Key, op.Value)
		}
		if err != nil {
			return added, largest, err
		}
	}
	return added, largest, boltfile.WriteMark(tx, m)
}

// end commits a transaction, and finds out what a failure has left. bbolt first writes the
// pages of a transaction to places that no state in use refers to, and syncs them. Then it
// writes one of the two meta pages, and syncs that. If a write failed and the meta pages
// are as before, nothing has changed. If a sync failed, something may have: the kernel may
// treat pages as clean that are not on the disk, and a second sync proves nothing.
func (b *base) end(tx *bolt.Tx) error {
	before, err := b.readHead()
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
	after, readErr := b.readHead()
	if readErr != nil || !bytes.Equal(before, after) {
		return err
	}
	shown, readErr := b.db.Begin(false)
	if readErr != nil {
		return err
	}
	id := shown.ID()
	if readErr := shown.Rollback(); readErr != nil || id != b.committed {
		return err
	}
	return disk.NotCommitted(err)
}

// settleShown makes sure that the state which the file shows is on the disk, before anyone
// reads it, and that the file's name is: a process may have ended just after it gave the file
// that name. The process that committed the state may have been killed before the sync
// returned, or the sync may have failed. Then the kernel may treat the meta page as clean
// although it is not on the disk, so it is written again. The pages that it refers to were
// synced before it was first written.
func (b *base) settleShown() error {
	pageSize := b.db.Info().PageSize
	head, at := make([]byte, pageSize), int64(b.committed%2)*int64(pageSize)
	_, err := b.file.ReadAt(head, at)
	if err == nil {
		_, err = b.file.WriteAt(head, at)
	}
	if err == nil {
		err = b.db.Sync()
	}
	if err == nil {
		err = disk.SyncDir(filepath.Dir(b.path))
	}
	if err != nil {
		return fmt.Errorf("%w: settle the last commit: %w", store.ErrFailed, err)
	}
	return nil
}

// readHead reads both meta pages.
func (b *base) readHead() ([]byte, error) {
	head := make([]byte, 2*b.db.Info().PageSize)
	if _, err := b.file.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("read the head: %w", err)
	}
	return head, nil
}

// changedNothing reports whether an error says that nothing has changed.
func changedNothing(err error) bool {
	return errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrNotCommitted)
}
