package storage

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"jrweb/eventlog"
)

// fill appends events to a session until it has so many. It uses batches as large
// as the log takes, because nobody measures it.
func fill(ctx context.Context, s *eventlog.Session, have, events int) error {
	const most = 10_000
	batch := make([]eventlog.Event, 0, most)
	for have < events {
		batch = batch[:0]
		for range min(most, events-have) {
			batch = append(batch, event())
		}
		if _, err := s.Append(ctx, batch...); err != nil {
			return err
		}
		have += len(batch)
	}
	return nil
}

// archive is a log that is made once and then read: sessions of given lengths.
type archive struct {
	path     string
	sessions []archived
}

type archived struct {
	Task   string
	ID     eventlog.SessionID
	Events int
}

// makeArchive makes a log with sessions of these lengths, and then more sessions
// of fillerEvents each until the file is of a size at least.
func makeArchive(ctx context.Context, dir string, lengths []int, size int64) (a *archive, err error) {
	a = &archive{path: filepath.Join(dir, "jr.db")}
	log, err := eventlog.Open(a.path, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	store := &jrwebStore{log: log}
	for i := 0; ; i++ {
		events := fillerEvents
		if i < len(lengths) {
			events = lengths[i]
		} else if info, err := os.Stat(a.path); err != nil {
			return nil, err
		} else if info.Size() >= size {
			return a, nil
		}
		if err := store.start(ctx, i+1); err != nil {
			return nil, err
		}
		s := store.sessions[i]
		if err := fill(ctx, s, 0, events); err != nil {
			return nil, err
		}
		a.sessions = append(a.sessions, archived{s.Task(), s.ID(), events})
	}
}

const fillerEvents = 20_000
