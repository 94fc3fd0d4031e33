package store

import (
	"errors"
	"fmt"
)

// Errors of a store.
var (
	// ErrFull: there is no room for an append, on the disk or below the limit of the store.
	// Nothing has changed. Reading, deleting and ending sessions still work. Appends work
	// again as soon as there is room.
	ErrFull = errors.New("no room left")
	// ErrNotCommitted: a commit failed before it could take effect. Nothing has changed, and the
	// store works as before.
	ErrNotCommitted = errors.New("commit failed and changed nothing")
	// ErrFailed: a commit failed, and what is on the disk is not known. Nothing more is
	// acknowledged or shown until the store is opened again.
	ErrFailed = errors.New("storage failed")
	// ErrUnsettled: whether a commit took effect is not known yet. If it did, it shows later.
	// The store goes on.
	ErrUnsettled = errors.New("the outcome of the commit is not known yet")
	// ErrNotWriter: another process is the writer now. Nothing has changed. See
	// [NotifyingStore].
	ErrNotWriter = errors.New("another process is the writer")
	// ErrUpdateTooLarge: a commit would be larger than the store can take at once. Nothing has
	// changed.
	ErrUpdateTooLarge = errors.New("too much for one commit")
	// ErrHeld: another process holds the database file.
	ErrHeld = errors.New("the database is held by another process")
	// ErrDamaged: the store read something else than was written. See [DamageError].
	ErrDamaged = errors.New("the database is damaged")
	// ErrReplica: the database file is one of several that have the same journal. It cannot be
	// changed alone.
	ErrReplica = errors.New("the database is a replica")
	// ErrFormat: the file was written by another version. The error says what to do.
	ErrFormat = errors.New("the database has another format")
)

// DamageError says where the store holds something that was never written there. It wraps
// [ErrDamaged].
type DamageError struct {
	// Bucket and Key name the record.
	Bucket Bucket
	Key    []byte
	// Reason says what does not fit.
	Reason string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%v: %s %x: %s", ErrDamaged, e.Bucket, e.Key, e.Reason)
}

func (e *DamageError) Unwrap() error { return ErrDamaged }
