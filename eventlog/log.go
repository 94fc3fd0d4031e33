package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog/dbfile"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Log is an event log: tasks, their sessions, and the sessions' events. Its methods may be
// called concurrently. The caller must close it.
type Log struct {
	store  store.Store
	others store.NotifyingStore // the store, if other processes change it as well; else nil
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
	// Counts that are logged as sums.
	refused  summary[refused]
	retained summary[tidied]
	watches  watches
	shown    shown
	leases   leases
	purger   purger
	turn     turn
	janitor  janitor
	prober   prober
	// searching holds one value for each search that runs at this moment.
	searching chan struct{}
	searches  searchLimits
}

// Open opens the log in the bbolt file at path, or creates it there. Nil options are the
// defaults. For errors see [filestore.Open]. A file of an earlier format is upgraded
// first. The old file is kept beside the new one, with ".format-2", ".format-3" or
// ".format-4" added to its name.
func Open(path string, o *Options) (*Log, error) {
	log, err := open(path, o)
	if !record.Upgradable(err) {
		return log, err
	}
	kept, err := dbfile.Upgrade(context.Background(), path)
	if err != nil {
		return nil, fmt.Errorf("eventlog: open %s: %w", path, err)
	}
	log, err = open(path, o)
	if err == nil {
		log.o.Logger.Info("the database has been upgraded", "format", record.FormatVersion, "before", kept)
	}
	return log, err
}

func open(path string, o *Options) (*Log, error) {
	options := &filestore.Options{Admit: record.Admit, New: record.WriteFormat}
	if o != nil {
		options.MaxBytes, options.JournalDir = o.MaxBytes, o.JournalDir
	}
	store, err := filestore.Open(path, options)
	if err != nil {
		return nil, err
	}
	log, err := New(store, o)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return log, nil
}

// New makes a log on a store. The log then owns the store, and [Log.Close] closes it. If
// New fails, the caller still owns the store. Nil options are the defaults.
func New(s store.Store, o *Options) (*Log, error) {
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
	l.searching, l.searches = make(chan struct{}, searchSlots()), usualSearchLimits
	l.summarize()
	l.others, _ = s.(store.NotifyingStore)
	l.append = chain(l.o.Middleware, l.appendBatch)
	l.watches.init(l.o.TailBytes)
	l.leases.init(l)
	l.purger.init()
	if err := l.janitor.init(l); err != nil {
		return nil, fmt.Errorf("eventlog: open: %w", err)
	}
	last, err := l.recover()
	if err != nil {
		return nil, fmt.Errorf("eventlog: open: %w", err)
	}
	l.committer.start(l, last)
	if !l.o.KeepOpen && l.others == nil {
		if err := l.interruptOpen(); err != nil {
			l.committer.stop()
			return nil, fmt.Errorf("eventlog: open: %w", err)
		}
	}
	l.leases.start()
	l.purger.start(l)
	l.janitor.start()
	if l.others != nil {
		l.others.Serve(l.serve)
	}
	return l, nil
}

// Close ends the log. It commits the appends that were accepted; later calls get
// [ErrClosed]. It wakes waiting readers. A second call waits for the first one and returns
// the same result.
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

// finish makes err the answer to every later call. Only the first call has an effect.
func (l *Log) finish(err error) {
	l.endOnce.Do(func() {
		l.failure.Store(&err)
		close(l.done)
	})
}

// fail ends the log because its storage has failed.
func (l *Log) fail(err error) {
	if l.Err() == nil {
		l.o.Logger.Error("storage failed", "error", err)
	}
	l.finish(err)
}

// view reads a state of the store. It fails if the log does not work before or after the
// read: what was read while the storage failed must not be shown. If fn does not find a task
// or a session that another process may have made just now, it runs again when the log knows
// of everything.
func (l *Log) view(ctx context.Context, fn func(store.Reader) error) error {
	if err := l.Err(); err != nil {
		return err
	}
	err := l.viewShown(ctx, fn)
	if l.lags() && (errors.Is(err, ErrTaskNotFound) || errors.Is(err, ErrSessionNotFound)) {
		if err = l.CatchUp(ctx); err == nil {
			err = l.viewShown(ctx, fn)
		}
	}
	if ended := l.Err(); ended != nil {
		return ended
	}
	l.damaged(err)
	return err
}

// lags reports whether others may have committed what is not here yet.
func (l *Log) lags() bool { return l.others != nil }

// CatchUp returns when the log knows everything that was committed before the call, by others
// as well. So what it does not have then is not there. Only a log on a [store.NotifyingStore]
// has to wait for that.
func (l *Log) CatchUp(ctx context.Context) error {
	if !l.lags() {
		return l.Err()
	}
	_, err := made(ctx, l, catchUp, &nothing{})
	return err
}

// Stats is the state of a log at one moment.
type Stats struct {
	// OpenSessions is the number of open sessions.
	OpenSessions int
	// Store is zero if the store is not a [store.StatsStore].
	Store store.Stats
	// Cluster is nil if the store is not a [store.ClusterStore].
	Cluster *store.Cluster
}

// Stats returns the state of the log now.
func (l *Log) Stats() Stats {
	stats := Stats{OpenSessions: int(l.open.Load())}
	if s, ok := l.store.(store.StatsStore); ok && l.Err() == nil {
		stats.Store = s.Stats()
	}
	if s, ok := l.store.(store.ClusterStore); ok {
		cluster := s.Cluster()
		stats.Cluster = &cluster
	}
	return stats
}
