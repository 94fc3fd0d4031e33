package clusterstore

import (
	"context"
	"errors"
	"fmt"
	"io"

	"jrweb/eventlog/store"
)

// start makes the file one from which the messages of the stream lead on: a new replica, and one
// that lacks messages which the stream no longer has, begin with a snapshot.
func (r *replica) start(ctx context.Context) error {
	shelf := r.engine.shelf(r.o.Wait)
	for {
		lacks, err := r.lacks(ctx)
		if err != nil || lacks == 0 && r.file.Place().Position > 0 {
			return err
		}
		catalog, err := shelf.load(ctx)
		if err != nil {
			return err
		}
		began, err := r.beginWith(ctx, shelf, catalog)
		if err != nil {
			return err
		}
		if began || r.changed(ctx, shelf, catalog) {
			continue // more may have come and gone meanwhile
		}
		if lacks > 0 {
			err = fmt.Errorf("%w: message %d is no longer in the stream, and there is no snapshot that has it (or a migration was broken off: finish it)", store.ErrDamaged, lacks)
		}
		return err
	}
}

// lacks returns the position of a message behind those of the file that the stream no longer
// has, 0 if it has all of them.
func (r *replica) lacks(ctx context.Context) (uint64, error) {
	next := r.file.Place().Position + 1
	state, err := r.engine.state(ctx)
	if err != nil || next > state.LastSeq {
		return 0, err
	}
	if next < state.FirstSeq {
		return next, nil
	}
	for _, position := range state.Deleted {
		if position >= next {
			return position, nil
		}
	}
	// It may be there and cannot be read.
	var record []byte
	err = insist(ctx, func(ctx context.Context) (err error) {
		record, err = r.engine.get(ctx, next)
		return err
	})
	if err == nil && record == nil {
		return next, nil
	}
	return 0, err
}

// beginWith replaces the file by the newest snapshot that is newer and whole.
func (r *replica) beginWith(ctx context.Context, shelf *shelf, c catalog) (began bool, err error) {
	at := r.file.Place()
	for _, snap := range c.Snapshots {
		to, err := snap.place()
		if err != nil {
			return false, err
		}
		if to.Position <= at.Position || at.Journal != ([16]byte{}) && at.Journal != to.Journal {
			continue
		}
		r.o.Logger.Info("the replica begins with a snapshot", "position", to.Position, "bytes", snap.Bytes)
		file, err := r.file.Replace(to, func(w io.Writer) error { return shelf.fetch(ctx, snap, w) }, r.fileOptions())
		if err == nil {
			r.file = file
			return true, nil
		}
		if !errors.Is(err, store.ErrDamaged) && !errors.Is(err, errGone) {
			return false, err
		}
		r.o.Logger.Warn("a snapshot cannot be used", "position", to.Position, "error", err)
	}
	return false, nil
}

// changed reports whether there are other snapshots than in a catalog.
func (r *replica) changed(ctx context.Context, shelf *shelf, c catalog) bool {
	now, err := shelf.load(ctx)
	return err == nil && now.newest().ID != c.newest().ID
}
