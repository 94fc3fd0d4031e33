package store

import (
	"context"
	"iter"
)

// Store is where a log keeps its records: buckets of keys in byte order,
// changed by atomic, durable transactions. Package boltstore makes the default one.
// Package eventlogtest has the suite that every Store must pass.
//
// A Store knows nothing of tasks, sessions or events. The Log above it does
// everything that is the same for all stores: sequences, checksums, ids,
// wake-ups. Its methods may be called concurrently; Updates
// that are called together run one after the other.
type Store interface {
	// Update runs fn and makes all that it wrote durable, or nothing. A nil
	// result means that it is on the disk. If fn returns an error, nothing has
	// changed and that error is the result. An error that wraps [ErrFull] or
	// [ErrNotCommitted] also means that nothing has changed: the store is as
	// good as before. Any other error means that the outcome is unknown. fn may
	// be run again after a run that came to nothing; the last run counts.
	Update(ctx context.Context, fn func(Tx) error) error

	// View runs fn on one state of the store: all of every Update that had
	// returned before View was called, and nothing of one that has not
	// returned or that failed. What is shown is durable: it must not be possible
	// for a power cut to take back what a View has seen. An error of fn is the
	// result.
	View(ctx context.Context, fn func(Reader) error) error

	// Close waits for transactions that run and releases the store.
	Close() error
}

// Reader reads within one transaction. Keys and values are valid until the
// transaction ends and must not be changed. A read that fails reports nothing
// found, and the transaction returns its error.
type Reader interface {
	// Get returns the value of key, nil if there is none.
	Get(b Bucket, key []byte) []byte
	// Ascend yields the keys in [from, to) in ascending order. A nil to means
	// to the end of the bucket.
	Ascend(b Bucket, from, to []byte) iter.Seq2[[]byte, []byte]
	// Descend yields the same keys in descending order.
	Descend(b Bucket, from, to []byte) iter.Seq2[[]byte, []byte]
}

// Tx reads and writes within one [Store.Update], and sees what it wrote. The
// store may keep key and value until the transaction ends: the caller does not
// change them. A write that fails makes Update return its error. No key is
// written to while a bucket is being iterated.
type Tx interface {
	Reader
	Put(b Bucket, key, value []byte)
	Delete(b Bucket, key []byte)
}

// ReserveTx is a [Tx] of a store that keeps room in reserve, so that there can
// be deletions, and ends of sessions, when the rest is full.
type ReserveTx interface {
	Tx
	// UseReserve lets this transaction use the reserve.
	UseReserve()
}

// Bucket names one ordered set of keys.
type Bucket string

// The buckets of a log. Keys are written here as text; |x| stands for the
// bytes of x, 00 for a zero byte.
const (
	// Meta: "format", "last_session", "last_change", "last_sweep", "probe".
	Meta Bucket = "meta"
	// Tasks: |task|.
	Tasks Bucket = "tasks"
	// Activity: |change, 8 bytes big-endian| → |task| …: tasks by their last
	// change. See activity.go.
	Activity Bucket = "activity"
	// Sessions: |task| 00 |session|: a task's sessions in the order of their start.
	Sessions Bucket = "sessions"
	// External: |length, 2 bytes| |external id| |length, 2 bytes| |agent|
	// |session| → |task|: the sessions by the agents' own ids. See record.ExternalKey.
	External Bucket = "external"
	// Open: |task| 00 |session|: the sessions that are open.
	Open Bucket = "open"
	// Ended: |end, 8 bytes| |session| → |task|: the sessions that have
	// ended, by when they did. See record.EndedKey.
	Ended Bucket = "ended"
	// Events: |session| |sequence, 8 bytes big-endian|. Behind the last event of
	// an open session stands its state, see record.State.
	Events Bucket = "events"
	// Spent: |session|: what an open session has cost, by model. See spending.
	Spent Bucket = "spent"
	// Accounts: |account, 16 bytes| 00, |account| 01 |session| and |account| 02
	// |member or turn, 16 bytes|: costs that count once. See accounts.go.
	Accounts Bucket = "accounts"
	// Said: |session| |account| |member|: what sessions said of accounts.
	Said Bucket = "said"
	// Keys: idempotency keys, see record.Request.
	Keys Bucket = "keys"
	// Trash: |bucket| 00 |prefix|: keys of a bucket that are still to be removed.
	Trash Bucket = "trash"
)

// Buckets returns the buckets that a [Store] must have. They always exist;
// nobody creates or drops them.
func Buckets() []Bucket {
	return []Bucket{
		Meta, Tasks, Activity, Sessions,
		Open, Ended, Events, Keys, Trash,
		External, Spent, Accounts, Said,
	}
}

// SharedStore is a [Store] that others change as well: another process, another
// Log. It cannot tell a Log of their commits, so the Log trusts its own memory
// for nothing, and readers find what others committed when they next look.
type SharedStore interface {
	Store
	// Shared is never called; it marks the store.
	Shared()
}

// Stats is what a [Store] can say about its size.
type Stats struct {
	// Size is the number of bytes the store takes on disk.
	Size int64
	// Free is how many of them are free for reuse, or were never used.
	Free int64
	// Views is the number of read transactions that are open now.
	Views int
}

// StatsStore is a [Store] that can say how large it is.
type StatsStore interface {
	Store
	Stats() Stats
}
