package filestore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/store"
)

// pace says when changes go into the file.
type pace struct {
	halfBytes int64         // how much memory a half takes before it is frozen
	halfAge   time.Duration // how old a half becomes before it is frozen
	stepBytes int           // how much of a half one transaction of the file takes
}

// usualPace is that of every store, except in tests.
var usualPace = pace{halfBytes: 16 << 20, halfAge: 5 * time.Second, stepBytes: 8 << 20}

// retryPause is how long after a checkpoint that failed the next one is tried, if no change
// comes first.
const retryPause = time.Second

// freeze ends the active half, which the checkpointer then takes into the file. There must
// be no frozen half. writing must be held.
func (s *fileStore) freeze() {
	if len(s.now.Load().newer) == 0 {
		return
	}
	s.switchSegment() // what the other one had is in the file: there was no frozen half
	s.change(func(v *version) {
		v.frozen, v.older = v.active, v.newer
		v.active, v.newer = overlay.NewHalf(), nil
	})
	if s.aging != nil {
		s.aging.Stop()
	}
	s.wake()
}

// wake makes the checkpointer look for a frozen half.
func (s *fileStore) wake() {
	select {
	case s.frozen <- struct{}{}:
	default:
	}
}

// age freezes the active half when it is old. writing must be held.
func (s *fileStore) age() {
	s.aging = time.AfterFunc(s.pace.halfAge, func() {
		s.writing.Lock()
		defer s.writing.Unlock()
		switch {
		case s.closed:
		case s.now.Load().frozen == nil:
			s.freeze()
		default: // the disk is slow
			s.age()
		}
	})
}

// makeRoom makes sure that a change fits: into the halves, and later into the file. writing
// must be held.
func (s *fileStore) makeRoom(ctx context.Context, takes size) error {
	for {
		v := s.now.Load()
		if v.active.Bytes()+takes.bytes <= s.pace.halfBytes || len(v.newer) == 0 {
			break
		}
		if v.frozen == nil {
			s.freeze()
			break
		}
		// The disk is slower than the writers: they wait.
		done, stuck := s.attempting()
		if stuck != nil {
			if takes.reserve && errors.Is(stuck, store.ErrFull) && v.active.Bytes() < 2*s.pace.halfBytes {
				break
			}
			return stuck
		}
		if s.now.Load().frozen != v.frozen {
			continue
		}
		if err := s.wait(ctx, done); err != nil {
			return err
		}
	}
	switch _, stuck := s.attempting(); {
	case stuck != nil && !(takes.reserve && errors.Is(stuck, store.ErrFull)):
		return stuck
	case takes.reserve:
		return nil
	}
	err := s.base.room.admit(s.now.Load().pending().plus(takes))
	if !errors.Is(err, store.ErrFull) || len(s.now.Load().newer)+len(s.now.Load().older) == 0 {
		return s.failed(err)
	}
	// Much of what is pending may replace or remove something. In the file that shows.
	if err := s.settle(ctx); err != nil {
		return err
	}
	return s.failed(s.base.room.admit(takes))
}

// settle takes everything into the file. writing must be held.
func (s *fileStore) settle(ctx context.Context) error {
	for {
		if err := s.failure(); err != nil {
			return err
		}
		done, stuck := s.attempting()
		v := s.now.Load()
		switch {
		case v.frozen == nil && len(v.newer) == 0:
			return nil
		case v.frozen == nil:
			s.freeze()
		case stuck != nil:
			return stuck
		}
		if err := s.wait(ctx, done); err != nil {
			return err
		}
	}
}

// Checkpoint implements [store.CheckpointStore]. Changes go on meanwhile, and later ones may
// be taken into the file as well.
func (s *fileStore) Checkpoint(ctx context.Context) error {
	upto := s.now.Load().upto
	for {
		done, err := s.reach(upto)
		if err != nil || done == nil {
			return err
		}
		if err := s.wait(ctx, done); err != nil {
			return err
		}
	}
}

// reach makes sure that a checkpoint is under way to a position, and returns a channel that
// is closed at its end. It returns nil if the file is there.
func (s *fileStore) reach(upto uint64) (done <-chan struct{}, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return nil, errClosed
	}
	done, stuck := s.attempting()
	switch v := s.now.Load(); {
	case s.failure() != nil:
		return nil, s.failure()
	case v.after >= upto:
		return nil, nil
	case v.frozen == nil:
		s.freeze()
	case stuck != nil:
		return nil, stuck
	}
	return done, nil
}

// attempting returns a channel that is closed at the end of the next attempt of a
// checkpoint, and why the last one failed.
func (s *fileStore) attempting() (done <-chan struct{}, stuck error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.attempt, s.broken
	}
	return s.attempt, s.stuck
}

// wait waits for the end of an attempt. If ctx ends first, the change that waits was not made.
func (s *fileStore) wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", store.ErrNotCommitted, ctx.Err())
	}
}

// attempted ends an attempt of a checkpoint.
func (s *fileStore) attempted(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stuck = err
	close(s.attempt)
	s.attempt = make(chan struct{})
}

// checkpoints takes frozen halves into the file, until the store is closed.
func (s *fileStore) checkpoints() {
	var retry <-chan time.Time
	for {
		select {
		case <-s.frozen:
		case <-retry:
		case <-s.stop:
			return
		}
		retry = nil
		if s.now.Load().frozen == nil || s.failure() != nil {
			continue
		}
		err := s.checkpoint()
		s.attempted(s.failed(err))
		if errors.Is(err, store.ErrFull) {
			err = s.checkpointAll()
			s.attempted(s.failed(err))
		}
		if err != nil && changedNothing(err) {
			retry = time.After(retryPause)
		}
	}
}

// checkpoint takes the frozen half into the file. Each step is a run of whole deltas, so
// the file is at every moment a state that some prefix of all deltas made. A step by ranges
// of keys would leave a state that never was.
func (s *fileStore) checkpoint() error {
	v := s.now.Load()
	err := s.take(v.frozen, v.older, false)
	if errors.Is(err, store.ErrFull) {
		err = s.take(v.frozen, v.older, true)
	}
	if err != nil {
		return err
	}
	s.change(func(v *version) {
		v.after = v.older[len(v.older)-1].Position
		v.frozen, v.older = nil, nil
	})
	return nil
}

// checkpointAll takes both halves into the file in one transaction, in all the space that
// there is: deletions of the younger half make room for the older one. Nothing is written
// to the journal meanwhile.
func (s *fileStore) checkpointAll() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	v := s.now.Load()
	all := append(slices.Clip(v.older), v.newer...)
	ops, err := overlay.Merge(all)
	if err != nil {
		return err
	}
	m := s.base.mark
	m.Position, m.Link = v.upto, v.link
	if err := s.base.apply(slices.Values(ops), m, true); err != nil {
		return err
	}
	s.change(func(v *version) {
		v.after = v.upto
		v.frozen, v.older = nil, nil
		v.active, v.newer = overlay.NewHalf(), nil
	})
	s.switchSegment()
	return nil
}

// switchSegment makes the records go to the other segment of the journal. The journal of a
// replica has none.
func (s *fileStore) switchSegment() {
	if s.journal != nil {
		s.journal.Switch()
	}
}

// take takes the deltas of a half into the file, as far as it lacks them, in steps.
func (s *fileStore) take(half *overlay.Half, deltas []overlay.Delta, useReserve bool) error {
	for len(deltas) > 0 {
		n, bytes := 0, 0
		for n < len(deltas) && (n == 0 || bytes+len(deltas[n].Encoded) <= s.pace.stepBytes) {
			bytes += len(deltas[n].Encoded)
			n++
		}
		if last := deltas[n-1]; last.Position > s.base.mark.Position {
			m := s.base.mark
			ops := half.Changes(m.Position, last.Position)
			m.Position, m.Link = last.Position, last.Link
			if err := s.base.apply(ops, m, useReserve); err != nil {
				return fmt.Errorf("checkpoint: %w", err)
			}
		}
		deltas = deltas[n:]
	}
	return nil
}
