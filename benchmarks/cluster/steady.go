package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"jrweb/benchmarks/internal/clock"
	"jrweb/benchmarks/streaming"
	"jrweb/eventlog"
)

// steady appends one event after the other. Each has an idempotency key, and is appended again
// with it until it is acknowledged, as the clients of jrweb do.
type steady struct {
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	acks   []ack
	failed int   // appends that were answered with an error
	last   error // that error
}

// ack is an event that was acknowledged.
type ack struct{ began, at int64 }

func (r *replica) appendSteadily(ctx context.Context, _ struct{}) (struct{}, error) {
	ctx, r.steady.cancel = context.WithCancel(ctx)
	r.steady.running.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			r.steady.insist(ctx, r.log, &eventlog.Batch{
				Task: r.sessions[0].Task(), Session: r.sessions[0].ID(), Events: []eventlog.Event{streaming.Event(eventBytes)},
				Key: eventlog.Key{ID: fmt.Sprintf("steady-%d", n)},
			})
		}
	})
	return struct{}{}, nil
}

// insist appends a batch until it is acknowledged.
func (s *steady) insist(ctx context.Context, log *eventlog.Log, b *eventlog.Batch) {
	const pause = 10 * time.Millisecond
	for began := clock.Now(); ctx.Err() == nil; {
		_, err := log.Append(ctx, b)
		s.mu.Lock()
		if err == nil {
			s.acks = append(s.acks, ack{began, clock.Now()})
		} else {
			s.failed++
			s.last = err
		}
		s.mu.Unlock()
		if err == nil {
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

type silence struct {
	Longest time.Duration // between two acknowledgements
	Failed  int           // appends that were answered with an error
}

// silence waits until appending has gone on after a moment, and returns the longest time
// without an acknowledgement since then.
func (r *replica) silence(ctx context.Context, since int64) (silence, error) {
	const enough = 100 // acknowledgements of what was begun after it
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	s := &r.steady
	for {
		s.mu.Lock()
		acks, failed, last := s.acks, s.failed, s.last
		s.mu.Unlock()
		if n := len(acks); n > enough && acks[n-enough].began > since {
			var longest int64
			for i := range acks[1:] {
				if acks[i+1].at > since {
					longest = max(longest, acks[i+1].at-acks[i].at)
				}
			}
			return silence{time.Duration(longest), failed}, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return silence{}, fmt.Errorf("appending does not go on: %w", errors.Join(ctx.Err(), last))
		}
	}
}

func (s *steady) stop() {
	if s.cancel != nil {
		s.cancel()
	}
	s.running.Wait()
}
