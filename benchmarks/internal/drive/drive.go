// Package drive appends to a store as fast as it takes events, and measures how long each
// append took.
package drive

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
	Throughput = "events/s"
	P50        = "p50, ms"
	P99        = "p99, ms"
)

// Append appends one event to a session, from 0, and returns when it is on the disk. Several
// appenders call it at the same time, each with its own number, from 0.
type Append func(ctx context.Context, appender, session int) error

// Appends appends for a tenth of the duration to warm up, and then measures. Each appender
// waits for its event to be on the disk before it appends the next one, to a session drawn at
// random.
func Appends(ctx context.Context, one Append, appenders, sessions int, duration time.Duration) (report.Figures, error) {
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
				if err := one(ctx, a, random.IntN(sessions)); err != nil {
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
	return Figures(slices.Concat(latencies...), took)
}

// Figures returns rate and percentiles of what was done in a time.
func Figures(latencies []time.Duration, took time.Duration) (report.Figures, error) {
	if len(latencies) == 0 {
		return nil, errors.New("nothing was done in time: measure for longer")
	}
	slices.Sort(latencies)
	at := func(share float64) float64 {
		return Milliseconds(latencies[int(share*float64(len(latencies)-1))])
	}
	return report.Figures{Throughput: float64(len(latencies)) / took.Seconds(), P50: at(0.5), P99: at(0.99)}, nil
}

// Milliseconds returns a time as a figure.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
