package clusterstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
)

// ErrRunning says that replicas of the cluster run, and may go on to commit.
var ErrRunning = errors.New("replicas of the cluster are running: stop them first")

// Extract makes a database file at path of what a cluster holds. The file must not exist; it
// appears complete. No replica may be running ([ErrRunning]): what it committed later would not
// be in the file. Extract needs a replica of its own, at path with ".replica" behind it. If it
// is broken off, or fails, that stays, and Extract goes on with it when it is called again.
// Extract returns what the file holds.
func Extract(ctx context.Context, path, url, stream string, o *Options) (sum store.Sum, err error) {
	with := defaults(o)
	with.existing, with.SnapshotBytes = true, -1
	if sum, err = extract(ctx, path, url, stream, with); err != nil {
		err = fmt.Errorf("eventlog: extract %s from stream %s: %w", path, stream, err)
	}
	return sum, err
}

func extract(ctx context.Context, path, url, stream string, o Options) (sum store.Sum, err error) {
	if _, err := os.Lstat(path); err == nil {
		return sum, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	if err := wantNobody(ctx, url, stream, o); err != nil {
		return sum, err
	}
	temporary := path + ".replica"
	current, err := Open(ctx, temporary, url, stream, &o)
	if err != nil {
		return sum, err
	}
	if err := current.Close(); err != nil {
		return sum, err
	}
	r, err := filestore.OpenReplica(temporary, nil)
	if err != nil {
		return sum, err
	}
	if sum, err = detach(ctx, r, path, o); err != nil {
		return sum, errors.Join(err, r.Close())
	}
	return sum, errors.Join(r.Close(), os.Remove(temporary))
}

// detach makes a file of a replica, and makes sure that they hold the same.
func detach(ctx context.Context, r *filestore.Replica, path string, o Options) (sum store.Sum, err error) {
	if sum, err = sumUp(ctx, r); err != nil {
		return sum, err
	}
	return sum, r.Detach(ctx, path, func(made string) error {
		s, err := filestore.Open(made, &filestore.Options{NoJournal: true})
		if err != nil {
			return err
		}
		got, err := sumUp(ctx, s)
		err = errors.Join(err, s.Close())
		if err == nil && got != sum {
			err = fmt.Errorf("%w: the copy holds %v, the replica %v", store.ErrDamaged, got, sum)
		}
		if err == nil && o.Verify != nil {
			err = o.Verify(ctx, made)
		}
		return err
	})
}

// wantNobody returns an error if a replica runs.
func wantNobody(ctx context.Context, url, stream string, o Options) error {
	c := &checker{o: CheckOptions{Options: o}}
	var err error
	if c.engine, err = connect(ctx, url, stream, &o); err != nil {
		return err
	}
	defer c.engine.close()
	running := ""
	err = c.ask(ctx, question{}, nil, func(a answerOf) bool {
		running = a.Name
		return true
	})
	if err == nil && running != "" {
		err = fmt.Errorf("%w: one is on %s", ErrRunning, running)
	}
	return err
}
