package clusterstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/store"
)

// Options are the settings of [Open]. The zero value is good.
type Options struct {
	// Replicas is how many servers keep the stream, if Open creates it. 0: 1.
	Replicas int
	// Wait is how long an Update waits for the engine. 0: 10 seconds. As long a replica waits
	// before it takes a message for lost.
	Wait time.Duration
	// Credentials is a file with what proves to the engine who we are: a user's JWT with the seed
	// of its key, or the seed of an nkey alone. Empty: what the URL says.
	Credentials string
	// TLS is how to connect with TLS. Nil: as the URL says, with the authorities of the system.
	TLS *tls.Config
	// SyncAlways says that each server of the engine syncs before it acknowledges. The engine
	// itself says so only to a user of its system account, who asks it at SystemURL.
	SyncAlways bool
	SystemURL  string
	// MaxBytes is how many bytes of the file may be in use, see [filestore.Options].
	MaxBytes int64
	// SnapshotBytes is after how many bytes of messages a snapshot is made, if they are a
	// quarter of the last one at least: a snapshot costs what the file costs. Each message
	// counts for 512 bytes more than it has, because many small ones take long to apply, too.
	// The stream keeps about twice as much. 0: 256 MiB. Negative: this replica makes none.
	SnapshotBytes int64
	// Verify checks the file of a snapshot that this replica has made, before it counts:
	// dbfile.Check does it for the file of a log. Nil: it is not checked.
	Verify func(ctx context.Context, path string) error
	// Join says that Open never makes the stream: it waits until there is one.
	Join bool
	// Logger gets what nobody else hears of. Nil: silence.
	Logger *slog.Logger

	existing bool        // like Join, but nobody waits
	denied   func(error) // see untilDenied; nil: nobody wants to hear
	first    uint64      // the position of the first message, if the stream is made; 0: 1
}

// replica implements [store.Store].
type replica struct {
	o      Options
	file   *filestore.Replica
	engine *engine

	ctx     context.Context // ends with Close, or with a failure
	cancel  context.CancelFunc
	running sync.WaitGroup
	failure atomic.Pointer[error] // why the replica no longer works, nil if it does

	id        [8]byte       // of this open replica
	vacant    chan struct{} // holds a token when the writer has gone
	missing   missing       // used by follow alone
	getTime   time.Duration // the same: how long the next get may take
	snapshots snapshots

	conflicts atomic.Uint64 // commits that others were faster with

	updating sync.Mutex // held by the running Update

	// mu is held while something is applied, and while a change is prepared. So a change is
	// prepared on a state that all have heard of.
	mu       sync.Mutex
	pending  *commit            // what the running Update waits for, or nil
	heard    func(store.Commit) // nil: nobody wants to hear
	failing  func(error)        // nil: nobody wants to hear
	behind   uint64             // how many messages are known to be missing
	advanced chan struct{}      // closed when something is applied, or the stream recognized
	// recognized says that the stream has been found to be the replica's.
	recognized bool
	summing    *summing // what waits for a position, or nil
	writer     writer
	heardOf    time.Time // when a sign of life of the writer came last
	left       time.Time // when this replica said last that it leaves because its disk is full
	// commitsSince is since when this replica tries to commit without success, or zero.
	commitsSince time.Time
	closed       bool
}

// Open opens the replica in the file at path, or creates it. Its journal is a stream of the
// NATS servers at url, several separated by commas. If there is no such stream, Open creates
// it. A new replica, and one that lacks messages which the stream has no longer, begin with the
// newest snapshot. Open returns when the replica has everything that was committed before; it
// waits for that until ctx ends. Errors are those of [filestore.OpenReplica], and
// [store.ErrDamaged] if the stream is not the one of the file, or has lost messages that no
// snapshot has. Nil options are the defaults.
func Open(ctx context.Context, path, url, stream string, o *Options) (_ store.NotifyingStore, err error) {
	var r *replica
	for {
		if r, err = open(ctx, path, url, stream, defaults(o)); !errors.Is(err, ErrBehind) || ctx.Err() != nil {
			break // else others have made two snapshots meanwhile
		}
	}
	if err != nil {
		return nil, fmt.Errorf("eventlog: open %s with stream %s: %w", path, stream, err)
	}
	return r, nil
}

func defaults(o *Options) (d Options) {
	if o != nil {
		d = *o
	}
	d.Replicas = cmp.Or(d.Replicas, 1)
	d.Wait = cmp.Or(d.Wait, 10*time.Second)
	d.SnapshotBytes = cmp.Or(d.SnapshotBytes, 256<<20)
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d
}

func open(ctx context.Context, path, url, stream string, o Options) (_ *replica, err error) {
	r := &replica{o: o, advanced: make(chan struct{}), vacant: make(chan struct{}, 1)}
	_, _ = rand.Read(r.id[:]) // never fails
	r.snapshots.grown = make(chan struct{}, 1)
	if r.file, err = filestore.OpenReplica(path, r.fileOptions()); err != nil {
		return nil, err
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	ctx, explain := r.o.untilDenied(ctx)
	defer func() { err = explain(err) }()
	if r.engine, err = connect(ctx, url, stream, &r.o); err == nil {
		err = r.engine.mayTalk(ctx, r.id)
	}
	if err == nil {
		err = r.start(ctx)
	}
	if err == nil {
		err = r.file.View(ctx, func(v store.Reader) (err error) {
			r.writer, err = writerOf(v)
			return err
		})
	}
	if err == nil {
		r.running.Go(r.follow)
		err = r.catchUp(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if err := r.answerQuestions(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if r.o.SnapshotBytes > 0 {
		r.running.Go(r.makeSnapshots)
	}
	return r, nil
}

func (r *replica) fileOptions() *filestore.Options {
	return &filestore.Options{MaxBytes: r.o.MaxBytes}
}

var errClosed = errors.New("the store is closed")

// Notify implements [store.NotifyingStore].
func (r *replica) Notify(ctx context.Context, begin func(store.Reader) error, heard func(store.Commit), failed func(error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.working(); err != nil {
		return err
	}
	if err := r.file.View(ctx, begin); err != nil {
		return err
	}
	r.heard, r.failing = heard, failed
	return nil
}

// View implements [store.Store].
func (r *replica) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.working(); err != nil {
		return err
	}
	return r.file.View(ctx, fn)
}

// working returns why the replica no longer works.
func (r *replica) working() error {
	if err := r.failure.Load(); err != nil {
		return *err
	}
	if r.ctx.Err() != nil {
		return errClosed
	}
	return nil
}

// fail ends the replica, and returns the error of every later call. mu must be held.
func (r *replica) fail(err error) error {
	if r.failure.Load() == nil {
		err = fmt.Errorf("%w: %w", store.ErrFailed, err)
		r.failure.Store(&err)
		r.cancel()
		if r.failing != nil {
			r.failing(err)
		}
	}
	return r.working()
}

// deliver applies a message of the stream, unless the replica has it already.
func (r *replica) deliver(position uint64, record []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.working(); err != nil {
		return err
	}
	after := r.file.Place()
	if position <= after.Position {
		return nil
	}
	at, err := follow(record, after)
	if err == nil && after.Journal != at.Journal {
		err = r.file.Join(at.Journal)
	}
	delta := record[min(headerSize, len(record)):]
	if err == nil {
		err = r.file.Apply(r.ctx, delta, at.Link)
	}
	if err == nil {
		err = r.take(delta)
	}
	if err != nil {
		return r.fail(err)
	}
	if r.behind > 0 {
		r.behind--
	}
	own := r.pending != nil && r.pending.link == at.Link
	if !own && r.behind <= nearlyAll {
		r.heardOf = time.Now() // it is the writer's, or will be found out to be another's
	}
	if r.heard != nil {
		r.heard(store.Commit{Own: own && r.pending.ofLog, Term: r.term(), Commits: r.file.Place().Position, Ops: overlay.Ops(delta, &err)})
	}
	if r.pending != nil {
		r.pending.decide(own)
		r.pending = nil
	}
	r.snapshots.add(int64(len(record)))
	r.sumWhenThere()
	r.advance()
	return nil
}

// advance wakes those who wait. mu must be held.
func (r *replica) advance() {
	close(r.advanced)
	r.advanced = make(chan struct{})
}

// waitFor waits until the replica is where enough says.
func (r *replica) waitFor(ctx context.Context, enough func() bool) error {
	for {
		r.mu.Lock()
		done, advanced, err := enough(), r.advanced, r.working()
		r.mu.Unlock()
		if done || err != nil {
			return err
		}
		select {
		case <-advanced:
		case <-r.ctx.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Checkpoint implements [store.CheckpointStore].
func (r *replica) Checkpoint(ctx context.Context) error { return r.file.Checkpoint(ctx) }

// Stats implements [store.StatsStore].
func (r *replica) Stats() store.Stats { return r.file.Stats() }

// Backup implements [store.BackupStore].
func (r *replica) Backup(ctx context.Context) (*store.Backup, error) { return r.file.Backup(ctx) }

// Cluster implements [store.ClusterStore].
func (r *replica) Cluster() store.Cluster {
	r.mu.Lock()
	defer r.mu.Unlock()
	return store.Cluster{
		Connected: r.engine.conn.IsConnected(),
		Position:  r.file.Place().Position, Writer: r.term() > 0, Lag: r.behind, Conflicts: r.conflicts.Load(),
		Servers: r.engine.servers, Weaknesses: r.engine.weak, Snapshots: r.snapshots.get(),
	}
}

// Close implements [store.Store].
func (r *replica) Close() error {
	r.mu.Lock() // nothing more is begun after that
	r.cancel()
	r.mu.Unlock()
	r.running.Wait()
	r.updating.Lock()
	defer r.updating.Unlock()
	r.mu.Lock()
	again := r.closed
	r.closed = true
	r.mu.Unlock()
	if again {
		return errClosed
	}
	if r.engine != nil {
		r.engine.close()
	}
	return r.file.Close()
}
