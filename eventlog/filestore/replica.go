package filestore

import (
	"context"
	"fmt"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/store"
)

// Replica is a database file whose journal is elsewhere and chains its records: each names
// the hash of the one before. What is applied to it is shown at once, and goes into the file
// later, with its place in the journal in the same transaction. What the file lacks after a
// crash must be applied again: the journal has it. Its methods may be called concurrently,
// except Join and Apply.
type Replica struct {
	s       *fileStore
	journal atomic.Pointer[[16]byte] // see Place
}

// Place is a place in a journal.
type Place struct {
	// Journal names the journal. It is zero as long as the replica belongs to none.
	Journal [16]byte
	// Position is that of a record, and Link its hash. Both are zero before the first one.
	Position uint64
	Link     [32]byte
}

// OpenReplica opens the replica in the bbolt file at path, or creates it. For errors see
// [Open]. A file that is not empty and not a replica is refused.
func OpenReplica(path string, o *Options) (*Replica, error) {
	if o == nil {
		o = &Options{}
	}
	if err := createMissing(path, nil); err != nil {
		return nil, fmt.Errorf("eventlog: create %s: %w", path, err)
	}
	s, err := openReplica(path, o)
	if err != nil {
		return nil, fmt.Errorf("eventlog: open %s: %w", path, err)
	}
	r := &Replica{s: s}
	journal := [16]byte(s.base.mark.Journal)
	r.journal.Store(&journal)
	return r, nil
}

func openReplica(path string, o *Options) (*fileStore, error) {
	path, err := boltfile.Resolve(path)
	if err != nil {
		return nil, err
	}
	b, err := openBase(path, o)
	if err != nil {
		return nil, err
	}
	if !b.mark.Replica {
		err = b.unused()
	}
	if err == nil {
		err = b.settleShown()
	}
	if err != nil {
		return nil, closing(err, b.db.Close())
	}
	s := newStore(b, o)
	at := b.mark.Position
	s.now.Store(&version{after: at, upto: at, link: b.mark.Link, active: overlay.NewHalf()})
	s.running.Go(s.checkpoints)
	return s, nil
}

// RefuseReplica returns an error that wraps [store.ErrReplica] if a file is a replica.
func RefuseReplica(file *boltfile.File) error {
	return boltfile.Guard(func() error {
		return file.DB.View(func(tx *bolt.Tx) error {
			m, err := boltfile.ReadMark(tx)
			if err == nil && m.Replica {
				err = errReplica
			}
			return err
		})
	})
}

var errReplica = fmt.Errorf("%w: only its cluster changes it; a backup of it is a database of its own", store.ErrReplica)

// unused returns an error if a file was ever written to.
func (b *base) unused() error {
	used := b.mark != (boltfile.Mark{})
	err := b.db.View(func(tx *bolt.Tx) error {
		r := &boltfile.Reader{Tx: tx}
		for _, bucket := range store.Buckets() {
			for range r.Ascend(bucket, nil, nil) {
				used = true
				break
			}
		}
		return r.Err
	})
	if err == nil && used {
		err = ErrNoReplica
	}
	return err
}

// Place returns where the replica is: it has everything up to there.
func (r *Replica) Place() Place {
	v := r.s.now.Load()
	return Place{Journal: *r.journal.Load(), Position: v.upto, Link: v.link}
}

// Join binds the file to a journal permanently. It must not belong to one yet, and nothing may
// have been applied to it.
func (r *Replica) Join(journal [16]byte) error {
	r.s.writing.Lock()
	defer r.s.writing.Unlock()
	r.journal.Store(&journal)
	return r.s.failed(r.s.base.apply(noOps, boltfile.Mark{Replica: true, Journal: journal}, true))
}

// Prepare runs fn on the newest state and returns what it has written as a delta, behind
// room for a header. It changes nothing. The error is that of fn, or says that there is no
// room for the delta, or that the replica has failed.
func (r *Replica) Prepare(ctx context.Context, header int, fn func(store.Tx) error) ([]byte, error) {
	s := r.s
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if err := s.failure(); err != nil {
		return nil, err
	}
	record, takes, err := s.run(header, fn)
	if err != nil {
		return nil, err
	}
	if record == nil {
		return overlay.Nothing(header), nil
	}
	return record, s.makeRoom(ctx, takes)
}

// Apply applies the delta of the next record of the journal, and shows it. The replica keeps
// the memory of the delta. After an error the replica must not be used.
func (r *Replica) Apply(ctx context.Context, delta []byte, link [32]byte) error {
	s := r.s
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return errClosed
	}
	if err := s.failure(); err != nil {
		return err
	}
	// It is committed, so it may use the room that is kept for what must not fail.
	if err := s.makeRoom(ctx, size{bytes: int64(len(delta)), reserve: true}); err != nil {
		return err
	}
	d := overlay.Delta{Position: s.now.Load().upto + 1, Encoded: delta, Link: link}
	if err := s.add(d); err != nil {
		return err
	}
	s.show(d)
	return nil
}

// View works as in [store.Store].
func (r *Replica) View(ctx context.Context, fn func(store.Reader) error) error {
	return r.s.View(ctx, fn)
}

// Checkpoint works as in [store.CheckpointStore].
func (r *Replica) Checkpoint(ctx context.Context) error { return r.s.Checkpoint(ctx) }

// Stats works as in [store.StatsStore].
func (r *Replica) Stats() store.Stats { return r.s.Stats() }

// Backup works as in [store.BackupStore]. The copy is not a replica.
func (r *Replica) Backup(ctx context.Context) (*store.Backup, error) { return r.s.Backup(ctx) }

// Close puts what was applied into the file, as far as there is room, and releases it.
func (r *Replica) Close() error { return r.s.Close() }
