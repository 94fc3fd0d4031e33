package clusterstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog/store"
)

// snapshots is what a replica knows of them.
type snapshots struct {
	grown chan struct{} // holds a token when it is time to look

	mu    sync.Mutex
	room  int64 // for messages, until it is time to look
	stats store.Snapshots
}

func (s *snapshots) get() store.Snapshots {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// messageWeight is what a message counts in addition to its bytes.
const messageWeight = 512

// add counts a message.
func (s *snapshots) add(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.room -= bytes + messageWeight; s.room > 0 {
		return
	}
	select {
	case s.grown <- struct{}{}:
	default:
	}
}

// saw notes what there is, and how much may come before it is time to look again.
func (s *snapshots) saw(c catalog, room int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	newest := c.newest()
	s.room = room
	s.stats.Position, s.stats.Taken, s.stats.Bytes, s.stats.Stored = newest.Position, newest.Taken, newest.Bytes, newest.Stored
}

// claimLife is how long a claim counts that nobody renews. Each replica measures it from when
// it first saw the claim: no clocks are compared.
func (r *replica) claimLife() time.Duration { return 3 * r.o.Wait }

// makeSnapshots makes snapshots when there is much behind the newest one and nobody else makes
// one, until the replica is closed.
func (r *replica) makeSnapshots() {
	s := &snapshotter{replica: r, shelf: r.engine.shelf(r.o.Wait)}
	var again <-chan time.Time
	for first := true; ; first = false {
		if !first {
			select {
			case <-r.snapshots.grown:
			case <-again:
			case <-r.ctx.Done():
				return
			}
		}
		again = nil
		wait, err := s.consider(r.ctx)
		if err != nil && r.ctx.Err() == nil {
			r.o.Logger.Warn("no snapshot was made", "error", err)
			wait = max(wait, r.claimLife())
		}
		if wait > 0 {
			again = time.After(wait)
		}
	}
}

// snapshotter makes snapshots.
type snapshotter struct {
	*replica
	shelf *shelf
	// claim is one that another replica has, as it was first seen.
	claim     uint64
	claimSeen time.Time
}

// consider makes a snapshot if it is time. If wait is not 0, it must be called again after so
// long; else when the stream has grown.
func (s *snapshotter) consider(ctx context.Context) (wait time.Duration, err error) {
	c, err := s.shelf.load(ctx)
	if err != nil {
		return 0, err
	}
	state, err := s.engine.state(ctx)
	if err != nil {
		return 0, err
	}
	newest := c.newest()
	every := max(s.o.SnapshotBytes, newest.Bytes/4)
	if behind := weightBehind(state, newest.Position); behind < every || s.file.Place().Position <= newest.Position {
		s.snapshots.saw(c, max(every-behind, every/16))
		return 0, nil
	}
	s.snapshots.saw(c, every)
	if c.Claim != "" {
		if s.claim != c.revision {
			s.claim, s.claimSeen = c.revision, time.Now()
		}
		if rest := s.claimLife() - time.Since(s.claimSeen); rest > 0 {
			return rest, nil
		}
	}
	if err := s.shelf.create(ctx); err != nil {
		return 0, err
	}
	c.Claim = newID()
	switch err := s.shelf.save(ctx, &c); {
	case errors.Is(err, errTaken):
		return s.claimLife(), nil
	case err != nil:
		return 0, err
	}
	if err := s.make(ctx, c); err != nil {
		s.count(func(stats *store.Snapshots) { stats.Failed++ })
		return 0, err
	}
	s.count(func(stats *store.Snapshots) { stats.Made++ })
	return 0, nil
}

func (s *snapshotter) count(change func(*store.Snapshots)) {
	s.snapshots.mu.Lock()
	defer s.snapshots.mu.Unlock()
	change(&s.snapshots.stats)
}

// weightBehind is about what the messages behind a position count.
func weightBehind(state jetstream.StreamState, position uint64) int64 {
	if state.Msgs == 0 || position >= state.LastSeq {
		return 0
	}
	messages := min(state.LastSeq-position, state.Msgs)
	return int64(float64(state.Bytes)/float64(state.Msgs)*float64(messages)) + int64(messages)*messageWeight
}

func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// make makes the snapshot that a catalog claims: it copies the file, stores the copy, reads it
// back, and only then says so in the catalog. Then it removes what is no longer needed.
func (s *snapshotter) make(ctx context.Context, c catalog) error {
	began := time.Now()
	held := s.hold(ctx, c)
	snap, err := s.store(held.ctx, c)
	c, lost := held.release()
	if err := errors.Join(err, lost); err != nil {
		c.Claim = ""
		if lost == nil {
			_ = s.shelf.save(ctx, &c) // else the claim grows old
		}
		return err
	}
	c.Claim, c.Snapshots = "", append([]snapshot{snap}, c.Snapshots[:min(len(c.Snapshots), kept-1)]...)
	if err := s.shelf.save(ctx, &c); err != nil {
		return err
	}
	s.snapshots.saw(c, max(s.o.SnapshotBytes, snap.Bytes/4))
	if err := errors.Join(s.shelf.sweep(ctx, c), s.forget(ctx, c)); err != nil {
		s.o.Logger.Warn("what snapshots have taken the place of was not removed", "error", err) // the next one does
	}
	s.o.Logger.Info("a snapshot was made", "position", snap.Position, "bytes", snap.Bytes, "stored", snap.Stored, "took", time.Since(began))
	return nil
}

// store makes a snapshot and stores it.
func (s *snapshotter) store(ctx context.Context, c catalog) (snap snapshot, err error) {
	if err := s.shelf.sweep(ctx, c); err != nil {
		return snap, err
	}
	path, at, err := s.file.Snapshot(ctx)
	if err != nil {
		return snap, err
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	if newest := c.newest(); newest.Stream != "" && newest.Stream != hex.EncodeToString(at.Journal[:]) || newest.Position >= at.Position {
		return snap, fmt.Errorf("%w: the newest snapshot is one of another stream", store.ErrDamaged)
	}
	if s.o.Verify != nil {
		if err := s.o.Verify(ctx, path); err != nil {
			return snap, fmt.Errorf("the copy of this replica is not good: %w", err)
		}
	}
	snap = snapshotAt(at)
	snap.ID = c.Claim
	return s.shelf.add(ctx, path, snap)
}

// add stores a file as a snapshot, and makes sure that it comes back.
func (s *shelf) add(ctx context.Context, path string, snap snapshot) (snapshot, error) {
	file, err := os.Open(path)
	if err != nil {
		return snap, err
	}
	if err := errors.Join(s.put(ctx, &snap, file), file.Close()); err != nil {
		return snap, err
	}
	return snap, s.verify(ctx, snap)
}

// verify makes sure that a snapshot is whole.
func (s *shelf) verify(ctx context.Context, snap snapshot) error {
	return s.fetch(ctx, snap, io.Discard)
}

// forget purges the stream of what is older than all snapshots that are kept. The last message
// of the oldest one stays: a replica that begins there recognizes the stream by it.
func (s *snapshotter) forget(ctx context.Context, c catalog) error {
	if len(c.Snapshots) < kept {
		return nil
	}
	oldest := c.Snapshots[len(c.Snapshots)-1].Position
	return s.shelf.ask(ctx, func(ctx context.Context) error {
		return s.engine.stream.Purge(ctx, jetstream.WithPurgeSequence(oldest))
	})
}

// held is a claim that is renewed.
type held struct {
	ctx     context.Context // ends when the claim is lost
	stop    context.CancelFunc
	renewal sync.WaitGroup
	catalog catalog
	lost    error
}

// hold renews a claim until it is released.
func (s *snapshotter) hold(ctx context.Context, c catalog) *held {
	h := &held{catalog: c}
	h.ctx, h.stop = context.WithCancel(ctx)
	// A renewal that has begun is waited for, so that it is known which catalog is there.
	h.renewal.Go(func() {
		every := time.NewTicker(s.claimLife() / 6)
		defer every.Stop()
		for {
			select {
			case <-every.C:
			case <-h.ctx.Done():
				return
			}
			if err := s.shelf.save(ctx, &h.catalog); err != nil {
				h.lost = err
				h.stop()
			}
		}
	})
	return h
}

// release ends the renewal of a claim. It returns the catalog as it is then, and why the claim
// was lost.
func (h *held) release() (catalog, error) {
	h.stop()
	h.renewal.Wait()
	return h.catalog, h.lost
}
