package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/benchmarks/internal/child"
	"jrweb/benchmarks/internal/clock"
	"jrweb/benchmarks/internal/drive"
	"jrweb/benchmarks/internal/report"
	"jrweb/benchmarks/streaming"
	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/router"
	"jrweb/streamer"
)

// replica is the log that is measured, and the server over it, in a process of its own.
type replica struct {
	path, url string // url is empty if the log is that of one file
	servers   int    // that keep the stream
	log       *eventlog.Log
	http      *http.Server
	served    chan error
	sessions  []*eventlog.Session
	committed atomic.Int64 // when this process last heard that its event was committed
	steady    steady
	made      chan snapshot
}

// serveReplica has its log in the file args[0]. The stream is that of the server with the URL
// args[1], and args[2] servers keep it.
func serveReplica(ctx context.Context, args []string) error {
	servers, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	r := &replica{path: args[0], url: args[1], servers: servers, served: make(chan error, 1), made: make(chan snapshot, 1)}
	err = child.Work(ctx, map[string]child.Answer{
		"open":    child.Answering(r.open),
		"start":   child.Answering(r.start),
		"adopt":   child.Answering(r.adopt),
		"appends": child.Answering(r.appends),
		"fill":    child.Answering(r.fill),
		"pace":    child.Answering(r.pace),
		"record":  child.Answering(r.record),
		"steady":  child.Answering(r.appendSteadily),
		"silence": child.Answering(r.silence),
		"write":   child.Answering(r.write),
		"snapshot": child.Answering(func(ctx context.Context, _ struct{}) (snapshot, error) {
			ctx, cancel := context.WithTimeout(ctx, 4*patience)
			defer cancel()
			select {
			case s := <-r.made:
				return s, nil
			case <-ctx.Done():
				return snapshot{}, fmt.Errorf("no snapshot is made: %w", ctx.Err())
			}
		}),
	})
	return errors.Join(err, r.close())
}

type openQuestion struct {
	SnapshotBytes int64 // as in the options of a replica
}

type opened struct {
	Address string
	Took    time.Duration // until the log has everything that was committed before
}

func (r *replica) open(ctx context.Context, q openQuestion) (o opened, err error) {
	options := &eventlog.Options{KeepOpen: true, Trace: &eventlog.Trace{Committed: func(e *eventlog.Event) {
		r.committed.Store(clock.At(e.Committed))
	}}}
	began := time.Now()
	if r.url == "" {
		r.log, err = eventlog.Open(r.path, options)
	} else {
		r.log, err = r.openReplica(ctx, options, q.SnapshotBytes)
	}
	if err != nil {
		return o, err
	}
	o.Took = time.Since(began)
	streams := streamer.New(r.log, nil)
	handler, err := router.New(r.log, streams, nil)
	if err != nil {
		return o, err
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return o, err
	}
	o.Address = listener.Addr().String()
	r.http = &http.Server{Handler: handler, ConnContext: streams.ConnContext} //nolint:gosec // its clients are ours
	go func() { r.served <- r.http.Serve(listener) }()
	return o, nil
}

func (r *replica) openReplica(ctx context.Context, o *eventlog.Options, snapshotBytes int64) (*eventlog.Log, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*patience) // servers that have just started must find each other
	defer cancel()
	store, err := clusterstore.Open(ctx, r.path, r.url, stream, &clusterstore.Options{
		Replicas: r.servers, SyncAlways: true, SnapshotBytes: snapshotBytes, Logger: slog.New(listener{slog.DiscardHandler, r.made}),
	})
	if err != nil {
		return nil, err
	}
	log, err := eventlog.New(store, o)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return log, nil
}

// start starts sessions, each of a task of its own.
func (r *replica) start(ctx context.Context, sessions int) ([]eventlog.SessionID, error) {
	ids := make([]eventlog.SessionID, sessions)
	r.sessions = make([]*eventlog.Session, sessions)
	const together = 256 // they share commits
	errs := make([]error, together)
	var wg sync.WaitGroup
	for worker := range together {
		wg.Go(func() {
			for i := worker; i < sessions && errs[worker] == nil; i += together {
				if r.sessions[i], errs[worker] = r.log.Start(ctx, task(i), nil); errs[worker] == nil {
					ids[i] = r.sessions[i].ID()
				}
			}
		})
	}
	wg.Wait()
	return ids, errors.Join(errs...)
}

func task(i int) string { return fmt.Sprintf("t-%d", i) }

func streamOf(task string) string { return "/tasks/" + task + "/events/stream" }

// adopt uses the sessions that another replica has started.
func (r *replica) adopt(_ context.Context, ids []eventlog.SessionID) (struct{}, error) {
	for i, id := range ids {
		r.sessions = append(r.sessions, r.log.Session(task(i), id))
	}
	return struct{}{}, nil
}

func (r *replica) append(ctx context.Context, _, session int) error {
	_, err := r.sessions[session].Append(ctx, streaming.Event(eventBytes))
	return err
}

type appendsQuestion struct {
	Appenders int
	Duration  time.Duration
}

// appends appends for a time to the sessions that there are.
func (r *replica) appends(ctx context.Context, q appendsQuestion) (report.Figures, error) {
	return drive.Appends(ctx, r.append, q.Appenders, len(r.sessions), q.Duration)
}

type fillQuestion struct{ Appenders, Events int }

// fill appends so many events to the sessions that there are, in turns.
func (r *replica) fill(ctx context.Context, q fillQuestion) (struct{}, error) {
	var taken atomic.Int64
	errs := make([]error, q.Appenders)
	var wg sync.WaitGroup
	for a := range q.Appenders {
		wg.Go(func() {
			for errs[a] == nil {
				n := int(taken.Add(1))
				if n > q.Events {
					return
				}
				errs[a] = r.append(ctx, a, n%len(r.sessions))
			}
		})
	}
	wg.Wait()
	return struct{}{}, errors.Join(errs...)
}

type paceQuestion struct {
	Events int
	Every  time.Duration
}

// paced says when each event was given to the log, and when it was committed.
type paced struct{ Began, Committed []int64 }

func (r *replica) pace(ctx context.Context, q paceQuestion) (done paced, err error) {
	tick := time.NewTicker(q.Every)
	defer tick.Stop()
	for range q.Events {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return done, ctx.Err()
		}
		done.Began = append(done.Began, clock.Now())
		if err := r.append(ctx, 0, 0); err != nil {
			return done, err
		}
		done.Committed = append(done.Committed, r.committed.Load())
	}
	return done, nil
}

// record fills the first session and ends it.
func (r *replica) record(ctx context.Context, events int) (struct{}, error) {
	const together = 1000
	batch := make([]eventlog.Event, together)
	for i := range batch {
		batch[i] = streaming.Event(eventBytes)
	}
	for range events / together {
		if _, err := r.sessions[0].Append(ctx, batch...); err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, r.sessions[0].Complete(ctx, eventlog.Succeeded, "")
}

type writeQuestion struct{ Events, Size int }

// write appends so many events of random digits to the first session.
func (r *replica) write(ctx context.Context, q writeQuestion) (struct{}, error) {
	const together = 200
	digits := make([]byte, q.Size/2)
	batch := make([]eventlog.Event, together)
	for range q.Events / together {
		for i := range batch {
			_, _ = rand.Read(digits) // never fails
			batch[i] = eventlog.Event{Type: eventlog.TypeAssistant, Data: fmt.Appendf(nil, `{"content":"%x"}`, digits)}
		}
		if _, err := r.sessions[0].Append(ctx, batch...); err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, nil
}

// close cuts the streams off: nobody reads them any more.
func (r *replica) close() error {
	r.steady.stop()
	var errs []error
	if r.http != nil {
		errs = append(errs, r.http.Close())
		if err := <-r.served; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	if r.log != nil {
		errs = append(errs, r.log.Close())
	}
	return errors.Join(errs...)
}
