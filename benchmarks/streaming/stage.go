package streaming

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jrweb/benchmarks/internal/child"
	"jrweb/benchmarks/internal/report"
)

// stage is a server and a client with streams of it open.
type stage struct {
	server, client *child.Worker
	streams        int
}

// withStage starts a server and a client, each a process of its own, opens
// streams, and calls measure. The server's files are in the folder of the round.
func withStage(ctx context.Context, streams int, kind []string, measure func(context.Context, *stage) (report.Figures, error)) (figures report.Figures, err error) {
	s := &stage{streams: streams}
	if s.server, err = hireServer(kind); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.server.Stop()) }()
	var at place
	if err := s.server.Ask(ctx, "where", struct{}{}, &at); err != nil {
		return nil, err
	}
	if s.client, err = child.Hire(clientCommand); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.client.Stop()) }()
	if err := s.client.Ask(ctx, "connect", connect{at, streams}, nil); err != nil {
		return nil, err
	}
	return measure(ctx, s)
}

// settle waits until every stream has begun.
func (s *stage) settle(ctx context.Context) error {
	return s.until(ctx, func(now settled) bool { return now.Silent == 0 })
}

// warm publishes until every stream has had an event: not every server answers
// before it has one.
func (s *stage) warm(ctx context.Context) error {
	return s.until(ctx, func(now settled) bool { return now.Eventless == 0 }, pace{1, time.Millisecond})
}

func (s *stage) until(ctx context.Context, good func(settled) bool, publish ...pace) error {
	var now settled
	for range 100 {
		for _, p := range publish {
			if err := s.server.Ask(ctx, "pace", p, nil); err != nil {
				return err
			}
		}
		if err := s.client.Ask(ctx, "settle", struct{}{}, &now); err != nil {
			return err
		}
		if good(now) {
			return nil
		}
	}
	return fmt.Errorf("of %d streams, %d are silent and %d without an event", s.streams, now.Silent, now.Eventless)
}

// together lets the client wait for events while the server publishes them.
func (s *stage) together(ctx context.Context, q await, publish func(ctx context.Context) error) (arrived, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var came arrived
	waited := make(chan error, 1)
	go func() {
		err := s.client.Ask(ctx, "await", q, &came)
		if err != nil {
			cancel() // the server may wait for the client
		}
		waited <- err
	}()
	err := publish(ctx)
	if err != nil {
		cancel()
	}
	return came, errors.Join(<-waited, err)
}
