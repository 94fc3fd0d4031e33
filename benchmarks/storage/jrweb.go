package storage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"jrweb/eventlog"
)

// jrwebStore is a log, as Open makes it, in this process.
type jrwebStore struct {
	log      *eventlog.Log
	sessions []*eventlog.Session
}

func openJrweb(ctx context.Context, dir string, _, sessions int) (store, error) {
	log, err := eventlog.Open(filepath.Join(dir, "jr.db"), nil)
	if err != nil {
		return nil, err
	}
	s := &jrwebStore{log: log}
	if err := s.start(ctx, sessions); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return s, nil
}

// start starts sessions, each of a task of its own, until there are so many.
func (s *jrwebStore) start(ctx context.Context, sessions int) error {
	const together = 256 // they share commits
	first := len(s.sessions)
	s.sessions = append(s.sessions, make([]*eventlog.Session, sessions-first)...)
	errs := make([]error, together)
	var wg sync.WaitGroup
	for worker := range together {
		wg.Go(func() {
			for i := first + worker; i < sessions && errs[worker] == nil; i += together {
				s.sessions[i], errs[worker] = s.log.Start(ctx, fmt.Sprintf("t-%d", i), nil)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s *jrwebStore) append(ctx context.Context, _, session int) error {
	_, err := s.sessions[session].Append(ctx, event())
	return err
}

func (s *jrwebStore) close() error { return s.log.Close() }
