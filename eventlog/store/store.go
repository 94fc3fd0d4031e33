package store

import (
	"context"
	"iter"
)

// Store is where a log keeps its records: buckets of keys in byte order, changed by atomic,
// durable transactions. Package filestore has the default one. Package eventlogtest has the
// tests that every Store must pass.
//
// A Store knows nothing of tasks, sessions or events. The Log does everything that is the
// same for all stores: sequences, checksums, ids, wake-ups. The methods may be called
// concurrently. Concurrent Updates run one after the other.
type Store interface {
	// Update runs fn and makes everything that it wrote durable, or nothing. A nil result
	// means that it is on the disk. If fn returns an error, nothing has changed, and Update
	// returns that error. An error that wraps [ErrFull] or [ErrNotCommitted] also means that
	// nothing has changed: the store works as before. So does one that wraps
	// [ErrUpdateTooLarge], if the store has a limit. One that wraps [ErrUnsettled] means that
	// the outcome is unknown, and that the store goes on. Any other error means that the outcome
	// is unknown, and that the store does not work any more. Update may run fn again if a run
	// had no effect; the last run counts.
	Update(ctx context.Context, fn func(Tx) error) error

	// View runs fn on one state of the store. That state has all of every Update that
	// returned before View was called, and nothing of one that failed. It is durable: a power
	// cut must not take back what a View has seen. View returns the error of fn.
	View(ctx context.Context, fn func(Reader) error) error

	// Close waits for running transactions and releases the store.
	Close() error
}

// Reader reads within one transaction. Keys and values are valid until the transaction ends
// and must not be changed. A read that fails finds nothing, and the transaction returns its
// error.
type Reader interface {
	// Get returns the value of key, nil if there is none.
	Get(b Bucket, key []byte) []byte
	// Ascend yields the keys in [from, to) in ascending order. If to is nil, it goes to the
	// end of the bucket.
	Ascend(b Bucket, from, to []byte) iter.Seq2[[]byte, []byte]
	// Descend yields the same keys in descending order.
	Descend(b Bucket, from, to []byte) iter.Seq2[[]byte, []byte]
}

// CountedReader is a [Reader] that knows how many commits its state has. Each Update that has
// written something adds one; a state without it has less. So a [Log] can tell whether its
// memory has what a View has seen.
type CountedReader interface {
	Reader
	Commits() uint64
}

// Commits returns how many commits the state of a reader has, 0 if its store does not count
// them.
func Commits(r Reader) uint64 {
	if c, ok := r.(CountedReader); ok {
		return c.Commits()
	}
	return 0
}

// AheadReader is a [Reader] of a store that reads from a disk. A caller that reads many values
// in descending order of their keys announces it, so that the disk is not read page by page.
type AheadReader interface {
	Reader
	// ReadAhead says that values are read next that stand before one that was just read.
	ReadAhead(value []byte)
}

// ReadAhead calls ReadAhead of a reader, if it has it.
func ReadAhead(r Reader, value []byte) {
	if a, ok := r.(AheadReader); ok {
		a.ReadAhead(value)
	}
}

// Tx reads and writes within one [Store.Update], and sees its own writes. The store may
// keep key and value until the transaction ends, so the caller must not change them. If a
// write fails, Update returns its error. A key has 1 to 32,768 bytes. The caller must not
// write while it iterates over a bucket.
type Tx interface {
	Reader
	Put(b Bucket, key, value []byte)
	Delete(b Bucket, key []byte)
}

// Op is one put or delete of a transaction.
type Op struct {
	Bucket     Bucket
	Delete     bool
	Key, Value []byte
}

// ReserveTx is a [Tx] of a store that keeps room in reserve. With it, deletions and the
// ends of sessions work even when the rest is full.
type ReserveTx interface {
	Tx
	// UseReserve lets this transaction use the reserve.
	UseReserve()
}

// Bucket names one ordered set of keys.
type Bucket string

// The buckets of a log. Keys are written here as text; |x| stands for the bytes of x, 00
// for a zero byte.
const (
	// Meta: "format", "last_session", "last_change", "last_sweep", "probe", and of a store of
	// several processes "term" and "writer".
	Meta Bucket = "meta"
	// Tasks: |task|.
	Tasks Bucket = "tasks"
	// Activity: |change, 8 bytes big-endian| → |task| …: tasks by their last change. See
	// record.DecodeActivity.
	Activity Bucket = "activity"
	// Sessions: |task| 00 |session|: a task's sessions in the order of their start.
	Sessions Bucket = "sessions"
	// External: |length, 2 bytes| |external id| |length, 2 bytes| |agent| |session| →
	// |task|: sessions by the agent's own id. See record.ExternalKey.
	External Bucket = "external"
	// Open: |task| 00 |session|: the open sessions.
	Open Bucket = "open"
	// Ended: |end, 8 bytes| |session| → |task|: the sessions that have ended, by the time
	// of their end. See record.EndedKey.
	Ended Bucket = "ended"
	// Events: |session| |sequence, 8 bytes big-endian|. The state of an open session is at
	// the key after its last event, see record.State.
	Events Bucket = "events"
	// Spent: |session|: what an open session has cost, by model. See record.Spending.
	Spent Bucket = "spent"
	// Accounts: |account, 16 bytes| 00, |account| 01 |session| and |account| 02 |member or
	// turn, 16 bytes|: costs that count once. See record.AccountID.
	Accounts Bucket = "accounts"
	// Said: |session| |account| |member|: the costs that sessions reported for accounts.
	Said Bucket = "said"
	// Usage: |day, 4 bytes| |hash of the names, 16 bytes|: what was spent on a day. See
	// record.Usage.
	Usage Bucket = "usage"
	// Keys: idempotency keys, see record.Request.
	Keys Bucket = "keys"
	// Trash: |bucket| 00 |prefix|: keys of a bucket that must still be removed.
	Trash Bucket = "trash"
)

// Buckets returns the buckets that a [Store] must have. They always exist; no caller
// creates or drops them.
func Buckets() []Bucket {
	return []Bucket{
		Meta, Tasks, Activity, Sessions,
		Open, Ended, Events, Keys, Trash,
		External, Spent, Accounts, Said,
		Usage,
	}
}

// NotifyingStore is a [Store] that several processes change, each through a replica of its
// own. It reports every commit. So a Log on it knows as much as if it made all commits.
//
// One process at a time is the writer, and the others hand their changes on to it. A commit
// makes another process the writer, and begins a new term. An Update of another process works as
// well: to have one writer is for efficiency, and for what must be decided at one place.
type NotifyingStore interface {
	Store
	// Notify runs begin on the newest state. From then on it calls heard after each commit,
	// in their order, once Views see the commit and before they see the next one, and before
	// the Update that made it returns. It calls failed once if the store fails. heard and failed
	// must be quick and must not use the store: reads that have seen a commit wait until heard
	// has returned. Notify may be called once.
	//
	// An Update of a NotifyingStore runs its function on a state whose commits have all been
	// reported. If the function wrote nothing, it has seen everything that was committed by
	// anybody before the call of Update.
	Notify(ctx context.Context, begin func(Reader) error, heard func(Commit), failed func(error)) error

	// Serve sets what makes the changes that others hand on. From then on this process may
	// become the writer. The error of do says that the change was not made, because this
	// process is not the writer of that term. do may be called concurrently. Serve may be
	// called once, after Notify.
	Serve(do func(ctx context.Context, term uint64, change []byte) (answer []byte, err error))

	// Hand hands a change on to the writer. It returns the answer when everything is reported
	// that was committed before it. repeat says that the change may be made twice: then Hand
	// asks again if the answer is missing. The error wraps [ErrNotWriter] if this process has
	// become the writer, [ErrNotCommitted] if the change was not made, and [ErrUnsettled] if
	// that is not known.
	Hand(ctx context.Context, change []byte, repeat bool) (answer []byte, err error)
}

// Commit is what one Update has changed.
type Commit struct {
	// Own says that it was the Update which runs now in this process.
	Own bool
	// Term is the term of which this process is the writer after the commit, 0 if it is not
	// the writer.
	Term uint64
	// Commits is what the state after the commit has, see [CountedReader]; 0 if that is not told.
	Commits uint64
	// Ops are sorted by bucket and key, each key once. They are valid until heard returns.
	Ops iter.Seq[Op]
}

// CheckpointStore is a [Store] that puts what it commits to its final place later. What was
// deleted becomes free then.
type CheckpointStore interface {
	Store
	// Checkpoint puts everything that was committed to its final place.
	Checkpoint(ctx context.Context) error
}

// Stats is what a [Store] reports about its size.
type Stats struct {
	// Size is the number of bytes that the store takes on disk.
	Size int64
	// Free is how many of these bytes are free for reuse, or were never used.
	Free int64
	// Views is the number of read transactions that are open now.
	Views int
}

// StatsStore is a [Store] that can report its size.
type StatsStore interface {
	Store
	Stats() Stats
}
