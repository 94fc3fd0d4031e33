package eventlog

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Options are the settings of a [Log]. The zero value is good.
type Options struct {
	// Middleware wraps every append, those that end a session included, but for
	// the ends that the log itself makes (superseded, silent for too long, process
	// ended). The first one listed runs first: [m1, m2] makes m1(m2(append)).
	Middleware []Middleware
	// Trace is told what happens in the log.
	Trace *Trace
	// Logger gets what no caller can be told. Nil: silence.
	Logger *slog.Logger
	// MaxEventBytes is how large the data of one event may be. 0: 4 MiB.
	MaxEventBytes int
	// MaxBatchEvents is how many events one append may have. 0: 10,000.
	MaxBatchEvents int
	// TailBytes is how much of the newest events of a session is kept in memory
	// for those who follow it. 0: 256 KiB.
	TailBytes int
	// MaxBytes is for [Open]: how many bytes of the file may be in use, see
	// [BoltOptions]. 0: no limit.
	MaxBytes int64
	// KeepOpen leaves the sessions open that were open when the store was last
	// closed. It is for programs whose sessions are written by other processes.
	// Otherwise a program that died in the middle of a session finds it sealed
	// as [Interrupted], reason "process ended", when it opens the log again.
	KeepOpen bool
	// IdleTimeout is how long a session without a lease may be silent: without an
	// append or a [Session.Heartbeat] for so long, it is sealed as [Interrupted],
	// reason "idle timeout". 0: for ever.
	IdleTimeout time.Duration
	// RetainAge is how long a session is kept after its end. 0: for ever.
	//
	// Retention, by this rule and the next two, deletes whole sessions that have
	// ended, in the background and for good, as [Log.DeleteSession] does; but it
	// is nobody's activity, so the task keeps its place in [Log.Tasks] and is not
	// among the [Log.Changes]. A task stays when its last session goes. It goes as
	// well if nobody said anything about it (title, type, parent, description, project)
	// and it has not changed for a day, for which its idempotency keys are kept.
	RetainAge time.Duration
	// RetainSessions is how many sessions of a task are kept, the newest ones.
	// Those that are open count, and stay. 0: all.
	RetainSessions int
	// RetainBytes is how many bytes of the store may be in use, free pages not
	// counted: beyond that, the session that ended first goes first. When only
	// open sessions are left, the one with the most events loses those at its
	// front, as by [Log.Trim], but for the newest 100. 0: any. It needs a
	// [StatsStore].
	RetainBytes int64
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Log is an event log: tasks, their sessions, and the sessions' events. Its
// methods may be called concurrently. It must be closed.
type Log struct {
	store  Store
	shared bool // others change the store as well
	o      Options
	trace  Trace
	append AppendFunc // the middleware around appendBatch

	committer committer
	failure   atomic.Pointer[error]
	done      chan struct{} // closed when the log is closed or has failed
	endOnce   sync.Once
	closeOnce sync.Once
	closeErr  error

	open    atomic.Int64 // sessions that are open
	damages damages
	// What is told in sums.
	refused  summary[refused]
	retained summary[tidied]
	watches  watches
	leases   leases
	purger   purger
	janitor  janitor
	prober   prober
}

// Open opens the log in the bbolt file at path, or creates it there. Nil
// options are the defaults. For errors see [OpenBolt]. A file of the format before
// this one is upgraded first, and stays beside the new one, its name followed by
// ".format-2".
func Open(path string, o *Options) (*Log, error) {
	log, err := open(path, o)
	if !upgradable(err) {
		return log, err
	}
	kept, err := upgrade(context.Background(), path, nil)
	if err != nil {
		return nil, fmt.Errorf("eventlog: open %s: %w", path, err)
	}
	log, err = open(path, o)
	if err == nil {
		log.o.Logger.Info("the database has been upgraded", "format", formatVersion, "before", kept)
	}
	return log, err
}

func open(path string, o *Options) (*Log, error) {
	boltOptions := &BoltOptions{Admit: admit}
	if o != nil {
		boltOptions.MaxBytes = o.MaxBytes
	}
	store, err := OpenBolt(path, boltOptions)
	if err != nil {
		return nil, err
	}
	log, err := New(store, o)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return log, nil
}

// New makes a log on a store, which it owns from then on: [Log.Close] closes
// it. If New fails, the store is still the caller's. Nil options are the defaults.
func New(s Store, o *Options) (*Log, error) {
	l := &Log{store: s, done: make(chan struct{}), prober: prober{turn: make(chan struct{}, 1)}}
	if o != nil {
		l.o = *o
	}
	l.o.MaxEventBytes = cmp.Or(l.o.MaxEventBytes, 4<<20)
	l.o.MaxBatchEvents = cmp.Or(l.o.MaxBatchEvents, 10_000)
	l.o.TailBytes = cmp.Or(l.o.TailBytes, 256<<10)
	if l.o.Now == nil {
		l.o.Now = time.Now
	}
	if l.o.Logger == nil {
		l.o.Logger = slog.New(slog.DiscardHandler)
	}
	if l.o.Trace != nil {
		l.trace = *l.o.Trace
	}
	l.summarize()
	_, l.shared = s.(SharedStore)
	l.append = chain(l.o.Middleware, l.appendBatch)
	last, err := l.recover()
	if err != nil {
		return nil, fmt.Errorf("eventlog: open: %w", err)
	}
	l.watches.init(l.o.TailBytes, last.change)
	l.leases.init(l)
	if err := l.janitor.init(l); err != nil {
		return nil, fmt.Errorf("eventlog: open: %w", err)
	}
	l.committer.start(l, last)
	if !l.o.KeepOpen {
		if err := l.interruptOpen(); err != nil {
			l.committer.stop()
			return nil, fmt.Errorf("eventlog: open: %w", err)
		}
	}
	if err := l.leases.start(); err != nil {
		l.committer.stop()
		return nil, fmt.Errorf("eventlog: open: %w", err)
	}
	l.purger.start(l)
	l.janitor.start()
	return l, nil
}

// formatVersion is the version of what is in the buckets. It is written once,
// by the first New.
const formatVersion = 3

var keyFormat = []byte("format")

// checkVersion refuses a format that this version does not read. A store that was made
// and never opened has none.
func checkVersion(r Reader) error {
	raw := r.Get(bucketMeta, keyFormat)
	if raw == nil {
		return nil
	}
	payload, err := decodeRecord(bucketMeta, keyFormat, raw)
	if err != nil {
		return err
	}
	if n := parseNumber(payload); n != formatVersion {
		return &formatError{n}
	}
	return nil
}

// recover checks the format and reads what the last commit left.
func (l *Log) recover() (last state, err error) {
	ctx := context.Background()
	isNew := false
	err = l.store.View(ctx, func(r Reader) error {
		if isNew = r.Get(bucketMeta, keyFormat) == nil; isNew {
			return nil
		}
		if err := checkVersion(r); err != nil {
			return err
		}
		for range r.Ascend(bucketOpen, nil, nil) {
			l.open.Add(1)
		}
		last, err = readState(r)
		return err
	})
	if err == nil && isNew {
		err = l.store.Update(ctx, func(tx Tx) error {
			version := binary.BigEndian.AppendUint64(nil, formatVersion)
			tx.Put(bucketMeta, keyFormat, encodeRecord(bucketMeta, keyFormat, version))
			return nil
		})
	}
	return last, err
}

// Close ends the log: appends that were taken are committed, later calls get
// [ErrClosed]. Readers that wait are woken. Called again, it waits for the first call,
// and returns what that returned.
func (l *Log) Close() error {
	l.closeOnce.Do(func() {
		l.janitor.stop()
		l.purger.stop()
		l.leases.stop()
		l.committer.stop()
		l.refused.stop()
		l.retained.stop()
		l.finish(ErrClosed)
		l.closeErr = l.store.Close()
	})
	return l.closeErr
}

// Done is closed when the log is closed or its storage has failed. Err tells which.
func (l *Log) Done() <-chan struct{} { return l.done }

// Err is nil while the log works, then [ErrClosed] or an error that wraps [ErrFailed].
func (l *Log) Err() error {
	if err := l.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// finish makes err the answer to every later call. The first one stays.
func (l *Log) finish(err error) {
	l.endOnce.Do(func() {
		l.failure.Store(&err)
		close(l.done)
	})
}

// Shared reports whether others change the store as well, so that only looking
// again can tell a reader what they committed.
func (l *Log) Shared() bool { return l.shared }

// view reads a state of the store, if the log works, and still works after: what
// was read while the storage failed is not shown.
func (l *Log) view(ctx context.Context, fn func(Reader) error) error {
	if err := l.Err(); err != nil {
		return err
	}
	err := l.store.View(ctx, fn)
	if ended := l.Err(); ended != nil {
		return ended
	}
	l.damaged(err)
	return err
}

// Stats is the state of a log at one moment.
type Stats struct {
	// OpenSessions is the number of sessions that are open.
	OpenSessions int
	// Store is zero if the store is no [StatsStore].
	Store StoreStats
}

// Stats returns the state of the log now.
func (l *Log) Stats() Stats {
	stats := Stats{OpenSessions: int(l.open.Load())}
	if s, ok := l.store.(StatsStore); ok && l.Err() == nil {
		stats.Store = s.Stats()
	}
	return stats
}
