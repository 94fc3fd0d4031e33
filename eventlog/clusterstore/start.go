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
		goesOn, err := r.goesOn(ctx)
		if err != nil || goesOn && r.file.Place().Position > 0 {
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
		if !goesOn {
			err = fmt.Errorf("%w: message %d is no longer in the stream, and there is no snapshot that has it (or a migration was broken off: finish it)", store.ErrDamaged, r.file.Place().Position+1)
		}
		return err
	}
}

// goesOn reports whether the stream has the message after the last one of the file, or none
// that is newer.
func (r *replica) goesOn(ctx context.Context) (bool, error) {
	next := r.file.Place().Position + 1
	state, err := r.engine.state(ctx)
	if err != nil || next > state.LastSeq {
		return true, err
	}
	if next < state.FirstSeq {
		return false, nil
	}
	var has bool
	err = insist(ctx, func(ctx context.Context) error {
		record, err := r.engine.get(ctx, next)
		has = record != nil
		return err
	})
	return has, err
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
