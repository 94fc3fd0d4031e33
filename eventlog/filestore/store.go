package filestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/journal"
	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/store"
)

// fileStore implements [store.Store].
type fileStore struct {
	base  *base
	place journal.Place // where the journal is, or will be
	pace  pace
	plain bool // without a journal
	now   atomic.Pointer[version]

	writing sync.Mutex       // held by the running Update, and while the active half is frozen
	tx      *overlay.Tx      // of the running Update; used under writing
	journal *journal.Journal // nil until the first Update; used under writing
	aging   *time.Timer      // freezes the active half when it is old; used under writing
	closed  bool             // used under writing

	journalSize atomic.Int64 // bytes of both segments

	mu      sync.Mutex
	broken  error         // set once something failed that leaves unknown what is on the disk
	stuck   error         // why the last checkpoint failed, nil if it did not
	attempt chan struct{} // closed at the end of the next attempt of a checkpoint
	frozen  chan struct{} // holds a token when there is a frozen half
	stop    chan struct{} // closed to stop the checkpointer
	running sync.WaitGroup
}

// version is the state of a store at one position: the file, which has everything up to a
// position that is not less than after, and what lies over it.
type version struct {
	after  uint64        // frozen and active begin behind this position
	upto   uint64        // and end with this one
	link   [32]byte      // of the record at upto, if the journal chains its records
	frozen *overlay.Half // being taken into the file; nil if there is none
	active *overlay.Half // takes the commits
	// Their deltas. The slices never change.
	older, newer []overlay.Delta
}

// pending is about how much space the file needs for what lies over it.
func (v *version) pending() (n size) {
	for _, h := range []*overlay.Half{v.frozen, v.active} {
		if h != nil {
			n.bytes += h.Encoded()
			n.ops += h.Ops()
		}
	}
	return n
}

// Options are the settings of [Open]. The zero value is good.
type Options struct {
	// MaxBytes is how many bytes of the file may be in use: an append that would need more
	// fails with [store.ErrFull]. The file itself is larger, because of free pages and of a
	// reserve for changes that free space. 0: no limit.
	MaxBytes int64
	// JournalDir is the directory of the journal: on another device, commits do not wait
	// for checkpoints. It must exist. A journal that is in use stays where it is until the
	// store is closed. Empty: beside the file.
	JournalDir string
	// NoJournal makes each Update a transaction of the file, as durable and slower. It is for
	// a file that is made under one name and gets another: a journal would stay behind.
	NoJournal bool
	// Admit decides whether the file may be used, from what the buckets hold and which of
	// them the file lacks. It sees the file without its journal. Open returns its error. It
	// may be nil.
	Admit func(r store.Reader, missing []store.Bucket) error
	// New writes what a new file holds from the beginning. It may be nil.
	New func(put func(b store.Bucket, key, value []byte) error) error

	pace  pace // zero: usualPace
	older bool // the file may lack buckets
}

// Open opens the bbolt file at path as a [store.Store], or creates it with mode 0600. A new
// file appears complete: it is made under another name first. The error wraps
// [store.ErrHeld] if another process has the file open, and [store.ErrDamaged] if it is not
// a bbolt file, or it or its journal is not complete; Open does not change them then. Nil
// options are the defaults.
func Open(path string, o *Options) (store.Store, error) {
	if o == nil {
		o = &Options{}
	}
	if err := createMissing(path, o.New); err != nil {
		return nil, fmt.Errorf("eventlog: create %s: %w", path, err)
	}
	s, err := open(path, o)
	if err != nil {
		return nil, fmt.Errorf("eventlog: open %s: %w", path, err)
	}
	return s, nil
}

func open(path string, o *Options) (_ *fileStore, err error) {
	path, err = boltfile.Resolve(path)
	if err != nil {
		return nil, err
	}
	b, err := openBase(path, o)
	if err != nil {
		return nil, err
	}
	s := newStore(b, o)
	if b.mark.Replica {
		err = errReplica
	} else {
		err = s.resume(o.JournalDir)
	}
	if err != nil {
		return nil, closing(err, b.db.Close())
	}
	s.running.Go(s.checkpoints)
	return s, nil
}

func newStore(b *base, o *Options) *fileStore {
	return &fileStore{
		tx: overlay.NewTx(overlay.Reader{}), base: b, pace: cmp.Or(o.pace, usualPace), plain: o.NoJournal, attempt: make(chan struct{}),
		frozen: make(chan struct{}, 1), stop: make(chan struct{}),
	}
}

var errClosed = errors.New("the store is closed")

// Update implements [store.Store].
func (s *fileStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return errClosed
	}
	if err := s.failure(); err != nil {
		return err
	}
	record, takes, err := s.run(journal.HeaderSize, fn)
	if err != nil || record == nil {
		return err
	}
	if err := s.makeRoom(ctx, takes); err != nil {
		return err
	}
	if !s.plain {
		err = s.append(record, takes)
	}
	if s.plain || errors.Is(err, store.ErrFull) {
		err = s.applyNow(ctx, record[journal.HeaderSize:], takes)
	}
	return s.failed(err)
}

// append commits a record by the journal. While the disk writes, the record goes into the
// active half, where no view sees it before show.
func (s *fileStore) append(record []byte, takes size) error {
	if err := s.begin(); err != nil {
		return err
	}
	err := s.journal.Write(record, takes.reserve)
	s.journalSize.Store(s.journal.Size())
	if err != nil {
		return err
	}
	d := overlay.Delta{Position: s.journal.Next(), Encoded: record[journal.HeaderSize:]}
	if err := errors.Join(s.add(d), s.journal.Sync()); err != nil {
		return err
	}
	s.show(d)
	return nil
}

// run runs fn on the newest state. It returns what fn has written as a record for a journal,
// with room for its header, nil if it has written nothing, and how much space that takes.
func (s *fileStore) run(header int, fn func(store.Tx) error) (record []byte, takes size, err error) {
	view, err := s.look()
	if err != nil {
		return nil, size{}, err
	}
	err = view.read(func(r overlay.Reader) (err error) {
		s.tx.Begin(r)
		defer s.tx.End()
		if err := fn(s.tx); err != nil {
			return err
		}
		record, err = s.tx.Delta(header)
		takes = size{bytes: int64(len(record)), ops: s.tx.Ops(), reserve: s.tx.UsesReserve()}
		return err
	})
	return record, takes, err
}

// add takes a delta into the active half. Nobody sees it before show. If it is never shown,
// the store must not be used.
func (s *fileStore) add(d overlay.Delta) error { return s.now.Load().active.Add(d) }

// show makes a delta visible that was added, and is on the disk.
func (s *fileStore) show(d overlay.Delta) {
	if len(s.now.Load().newer) == 0 {
		s.age()
	}
	s.change(func(v *version) {
		v.upto, v.link, v.newer = d.Position, d.Link, append(v.newer, d) // behind the end of what others see
	})
}

// change publishes a new version. Commits and checkpoints each change a part of it.
func (s *fileStore) change(fn func(*version)) {
	for {
		old := s.now.Load()
		v := *old
		fn(&v)
		if s.now.CompareAndSwap(old, &v) {
			return
		}
	}
}

// failure is why the store no longer works, nil if it does.
func (s *fileStore) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// failed returns err. If it leaves unknown what is on the disk, the store no longer works.
func (s *fileStore) failed(err error) error {
	if err == nil || changedNothing(err) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = fmt.Errorf("%w: %w", store.ErrFailed, err)
	}
	return err
}

// Stats implements [store.StatsStore].
func (s *fileStore) Stats() store.Stats {
	stats := s.base.stats()
	journal := s.journalSize.Load()
	stats.Size += journal
	stats.Free += max(0, journal-s.now.Load().pending().bytes)
	return stats
}
