package eventlog

import (
	"cmp"
	"context"
	"math"
	"sync/atomic"

	"jrweb/eventlog/store"
)

// shown tells what readers of memory know. A store shows a commit a moment before memory has
// it. A read of the store that has seen such a commit returns only when memory has it too.
// Otherwise the next reader, which reads memory, would be told less than the one before.
type shown struct {
	commits    atomic.Uint64 // of the store that memory has, see [store.Commits]
	committing atomic.Bool   // a commit of this process is under way
	changed    signal
}

// set says that memory has so many commits. If the store does not tell how many, it is 0, and
// nobody waits.
func (s *shown) set(commits uint64) {
	s.commits.Store(cmp.Or(commits, math.MaxUint64))
	s.changed.raise()
}

// commit says whether a commit of this process is under way.
func (s *shown) commit(underWay bool) {
	s.committing.Store(underWay)
	s.changed.raise()
}

// viewShown is a View of the store that returns when memory has what it has seen.
func (l *Log) viewShown(ctx context.Context, fn func(store.Reader) error) error {
	s, seen := &l.shown, uint64(0)
	err := l.store.View(ctx, func(r store.Reader) error {
		seen = store.Commits(r)
		return fn(r)
	})
	// Without a commit under way, memory has everything, unless others commit as well.
	missing := func() bool { return s.commits.Load() < seen && (s.committing.Load() || l.lags()) }
	for missing() {
		changed := s.changed.wait()
		if !missing() {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.done:
			return err
		}
	}
	return err
}
