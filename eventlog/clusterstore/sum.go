package clusterstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
)

// summing is a sum of what the replica holds at a position, which it makes when it is there.
type summing struct {
	position uint64
	done     chan struct{}
	// Valid when done is closed.
	at  filestore.Place
	sum store.Sum
	err error
}

// patienceForSum is how long a replica waits for the position at which it sums up.
const patienceForSum = 10 * time.Second

// sumAt returns what the replica holds at a position that is to come, and where that is. It
// makes empty commits until the replica is there.
func (r *replica) sumAt(position uint64) (filestore.Place, store.Sum, error) {
	s := &summing{position: position, done: make(chan struct{})}
	r.mu.Lock()
	at := r.file.Place()
	if r.summing != nil || at.Position > position {
		r.mu.Unlock()
		return at, store.Sum{}, errors.New("it sums up already, or the position has passed")
	}
	r.summing = s
	r.sumWhenThere()
	r.mu.Unlock()

	ctx, cancel := context.WithTimeout(r.ctx, patienceForSum)
	defer cancel()
	for r.file.Place().Position < position {
		if err := r.Update(ctx, func(store.Tx) error { return nil }); err != nil {
			r.mu.Lock()
			if r.summing == s {
				r.summing = nil
			}
			r.mu.Unlock()
			return r.file.Place(), store.Sum{}, fmt.Errorf("position %d is not reached: %w", position, err)
		}
	}
	<-s.done
	return s.at, s.sum, s.err
}

// sumWhenThere begins to sum up if the replica is where it should. It returns when the state
// that is summed up stands still. mu must be held.
func (r *replica) sumWhenThere() {
	s := r.summing
	if s == nil || r.file.Place().Position != s.position {
		return
	}
	r.summing, s.at = nil, r.file.Place()
	began := make(chan struct{})
	r.running.Go(func() {
		defer close(s.done)
		s.err = r.file.View(r.ctx, func(v store.Reader) (err error) {
			close(began)
			s.sum, err = store.SumOf(r.ctx, v)
			return err
		})
	})
	select {
	case <-began:
	case <-s.done: // it failed
	}
}
