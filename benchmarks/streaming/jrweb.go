package streaming

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"jrweb/benchmarks/internal/clock"
	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
	"jrweb/streamer"
)

const task = "t-1"

// jrwebServer is the router over a log, as a program that embeds them has it.
type jrwebServer struct {
	*httpServer
	log     *eventlog.Log
	session *eventlog.Session
	data    []byte
	last    atomic.Int64 // when the last event was committed
}

// newJrweb serves the log in the file args[0], or one in memory without it. It
// starts a session if there is no task.
func newJrweb(ctx context.Context, args []string) (server, error) {
	s := &jrwebServer{data: payload(eventBytes)}
	options := &eventlog.Options{KeepOpen: true, Trace: &eventlog.Trace{Committed: func(e *eventlog.Event) {
		s.last.Store(clock.At(e.Committed))
	}}}
	var err error
	if len(args) == 0 {
		s.log, err = eventlog.New(eventlogtest.NewStore(), options)
	} else {
		s.log, err = eventlog.Open(args[0], options)
	}
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.log.Close())
	}
	return s, nil
}

func (s *jrwebServer) start(ctx context.Context) error {
	_, err := s.log.Task(ctx, task)
	if errors.Is(err, eventlog.ErrTaskNotFound) {
		s.session, err = s.log.Start(ctx, task, nil)
	}
	if err != nil {
		return err
	}
	streams := streamer.New(s.log, nil)
	handler, err := router.New(s.log, streams, nil)
	if err != nil {
		return err
	}
	h := &http.Server{Handler: handler, ConnContext: streams.ConnContext} //nolint:gosec // its clients are ours
	s.httpServer, err = listenHTTP(h, "/tasks/"+task+"/events/stream")
	return err
}

func (s *jrwebServer) publish(ctx context.Context) (int64, error) {
	_, err := s.session.Append(ctx, event(s.data))
	return s.last.Load(), err
}

// flood appends from many goroutines, each of which waits for its commits.
func (s *jrwebServer) flood(ctx context.Context, f flood) error {
	batch := slices.Repeat([]eventlog.Event{event(s.data)}, f.Batch)
	var taken atomic.Int64
	errs := make([]error, f.Publishers)
	var wg sync.WaitGroup
	for p := range f.Publishers {
		wg.Go(func() {
			for errs[p] == nil {
				rest := f.Events - int(taken.Add(int64(f.Batch))) + f.Batch
				if rest <= 0 {
					return
				}
				_, errs[p] = s.session.Append(ctx, batch[:min(rest, f.Batch)]...)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s *jrwebServer) close() error { return errors.Join(s.httpServer.close(), s.log.Close()) }
