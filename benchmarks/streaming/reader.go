package streaming

import (
	"context"
	"time"

	"jrweb/benchmarks/internal/child"
	"jrweb/eventlog"
)

// Reader is the client of this package, for servers of others: a process that reads streams
// and counts events. They must be those of [Event].
type Reader struct{ worker *child.Worker }

// Event returns an event with so many bytes of data.
func Event(size int) eventlog.Event { return event(payload(size)) }

// HireReader starts a reader. It is to be stopped.
func HireReader() (*Reader, error) {
	w, err := child.Hire(clientCommand)
	return &Reader{w}, err
}

// Connect opens a stream, and waits until what it has at first has come.
func (r *Reader) Connect(ctx context.Context, address, path string) error {
	if err := r.worker.Ask(ctx, "connect", connect{place{address, path}, 1}, nil); err != nil {
		return err
	}
	return r.worker.Ask(ctx, "settle", struct{}{}, nil)
}

// Await waits for exactly so many events.
func (r *Reader) Await(ctx context.Context, events int) error {
	return r.worker.Ask(ctx, "await", await{Events: events, Times: true}, nil)
}

// Latencies returns percentiles, in milliseconds, of what passed between these times, one an
// event, and the coming of the events of the last Await.
func (r *Reader) Latencies(ctx context.Context, since []int64) (p50, p99 float64, err error) {
	var p percentiles
	err = r.worker.Ask(ctx, "latencies", since, &p)
	return p.P50, p.P99, err
}

// Replay reads a session of so many events that has ended, again and again, each time over a
// new connection. It returns how often it did so in a second.
func (r *Reader) Replay(ctx context.Context, address, path string, events int, duration time.Duration) (perSecond float64, err error) {
	var done replayed
	q := replay{place: place{address, path}, Events: events + 1, Duration: duration} // and the end
	if err := r.worker.Ask(ctx, "replay", q, &done); err != nil {
		return 0, err
	}
	return float64(done.Replays) / done.Took.Seconds(), nil
}

// Stop ends the reader.
func (r *Reader) Stop() error { return r.worker.Stop() }
