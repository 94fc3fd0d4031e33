package storage

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/benchmarks/internal/report"
)

// Metrics of appends.
const (
	throughput = "events/s"
	p50        = "p50, ms"
	p99        = "p99, ms"
)

// store is what a contender appends to.
type store interface {
	// append appends one event to a session, from 0, and returns when it is on
	// the disk. Up to as many appenders as were said at the opening call it at
	// the same time, each with its own number, from 0.
	append(ctx context.Context, appender, session int) error
	close() error
}

// opener opens a contender's store in an empty folder, for so many appenders and
// sessions.
type opener func(ctx context.Context, dir string, appenders, sessions int) (store, error)

// appends measures how a store takes events from so many appenders, each of which
// waits for its event to be on the disk before it appends the next one, to a
// session drawn at random.
func appends(open opener, appenders, sessions int) func(context.Context, report.Round) (report.Figures, error) {
	return func(ctx context.Context, r report.Round) (figures report.Figures, err error) {
		s, err := open(ctx, r.Dir, appenders, sessions)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		return drive(ctx, s, appenders, sessions, r.Duration)
	}
}

// drive appends for a tenth of the duration to warm up, and then measures.
func drive(ctx context.Context, s store, appenders, sessions int, duration time.Duration) (report.Figures, error) {
	var (
		wg        sync.WaitGroup
		measuring atomic.Bool
		stop      atomic.Bool
		latencies = make([][]time.Duration, appenders)
		errs      = make([]error, appenders)
	)
	for a := range appenders {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(a), 1)) //nolint:gosec // reproducible, not secret
			for !stop.Load() && ctx.Err() == nil {
				began := time.Now()
				if err := s.append(ctx, a, random.IntN(sessions)); err != nil {
					errs[a] = err
					stop.Store(true)
					return
				}
				// What ends within the time counts, whenever it began.
				if measuring.Load() && !stop.Load() {
					latencies[a] = append(latencies[a], time.Since(began))
				}
			}
		})
	}
	time.Sleep(duration / 10)
	measuring.Store(true)
	began := time.Now()
	time.Sleep(duration)
	took := time.Since(began)
	stop.Store(true)
	wg.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return nil, err
	}
	return latencyFigures(slices.Concat(latencies...), took)
}

// latencyFigures returns rate and percentiles of what was done in a time.
func latencyFigures(latencies []time.Duration, took time.Duration) (report.Figures, error) {
	if len(latencies) == 0 {
		return nil, errors.New("nothing was done in time: measure for longer")
	}
	slices.Sort(latencies)
	at := func(share float64) float64 {
		return milliseconds(latencies[int(share*float64(len(latencies)-1))])
	}
	return report.Figures{throughput: float64(len(latencies)) / took.Seconds(), p50: at(0.5), p99: at(0.99)}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
