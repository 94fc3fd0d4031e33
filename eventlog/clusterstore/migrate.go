package clusterstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/store"
)

// A cluster that begins with a database has it as its first snapshot. Its stream has no
// message 1: so a new replica cannot begin without the snapshot. Message 2 is empty, and its
// link is the hash of what the database holds. The snapshot is at position 2.
const origin = 2

// ErrOtherLog says that a cluster holds something else than the database that it should begin with.
var ErrOtherLog = errors.New("the cluster has a log already, and it did not begin with this database")

// Begin makes a cluster of the database file at path, which no process may have open: its
// stream and its first snapshot. The file stays as it is, and must not be used any more. If
// Begin is broken off, or fails, it can be called again, and goes on; if all is there already,
// it verifies the snapshot. It returns what the database holds: a replica that is opened then
// holds the same. If the stream has another log, the error is [ErrOtherLog].
func Begin(ctx context.Context, path, url, stream string, o *Options) (sum store.Sum, err error) {
	own, err := filestore.Open(path, nil)
	if err == nil {
		sum, err = begin(ctx, own, url, stream, defaults(o))
		err = errors.Join(err, own.Close())
	}
	if err != nil {
		err = fmt.Errorf("eventlog: begin stream %s with %s: %w", stream, path, err)
	}
	return sum, err
}

func begin(ctx context.Context, own store.Store, url, stream string, o Options) (sum store.Sum, err error) {
	if sum, err = sumUp(ctx, own); err != nil {
		return sum, err
	}
	o.first = origin
	ctx, explain := o.untilDenied(ctx)
	defer func() { err = explain(err) }()
	e, err := connect(ctx, url, stream, &o)
	if err != nil {
		return sum, err
	}
	defer e.close()
	shelf := e.shelf(o.Wait)
	c, err := shelf.load(ctx)
	if err != nil {
		return sum, err
	}
	hash := hex.EncodeToString(sum.Hash[:])
	switch {
	case c.Origin == hash: // all is there, and the stream may have forgotten its beginning
		return sum, shelf.verify(ctx, c.newest())
	case c.Origin != "" || len(c.Snapshots) > 0:
		return sum, ErrOtherLog
	}
	at, err := e.beginStream(ctx, sum)
	if err != nil {
		return sum, err
	}
	return sum, shelf.beginWith(ctx, own, at, c, sum, o.Verify)
}

// beginStream makes sure that the stream has the message with which the database begins, and
// nothing else. It returns its place.
func (e *engine) beginStream(ctx context.Context, sum store.Sum) (at filestore.Place, err error) {
	state, err := e.state(ctx)
	if err != nil {
		return at, err
	}
	if state.LastSeq == origin-1 && state.Msgs == 0 {
		record := overlay.Nothing(headerSize)
		after := filestore.Place{Position: origin - 1, Link: sum.Hash}
		_, _ = rand.Read(after.Journal[:]) // never fails
		seal(record, after)
		err := insist(ctx, func(ctx context.Context) error {
			answer, err := e.publish(ctx, origin, record)
			if answer == taken {
				return nil // perhaps by this message, whose answer was lost
			}
			return err
		})
		if err != nil {
			return at, err
		}
	} else if state.LastSeq != origin || state.FirstSeq != origin {
		return at, ErrOtherLog
	}
	var record []byte
	err = insist(ctx, func(ctx context.Context) error {
		if record, err = e.get(ctx, origin); err == nil && record == nil {
			err = errors.New("the first message of the stream is not there yet")
		}
		return err
	})
	if err != nil {
		return at, err
	}
	if len(record) < headerSize {
		return at, ErrOtherLog
	}
	after := before(origin, record)
	if after.Link != sum.Hash {
		return at, ErrOtherLog
	}
	return follow(record, after)
}

// beginWith stores the first snapshot, which holds the same as the database.
func (s *shelf) beginWith(ctx context.Context, own store.Store, at filestore.Place, c catalog, sum store.Sum, verify func(context.Context, string) error) (err error) {
	if err := s.create(ctx); err != nil {
		return err
	}
	if err := s.sweep(ctx, c); err != nil {
		return err
	}
	path, err := filestore.ReplicaOf(ctx, own, at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	copied, err := filestore.OpenReplica(path, nil)
	if err != nil {
		return err
	}
	got, err := sumUp(ctx, copied)
	if err := errors.Join(err, copied.Close()); err != nil {
		return err
	}
	if got != sum {
		return fmt.Errorf("%w: the copy holds %v, the database %v", store.ErrDamaged, got, sum)
	}
	if verify != nil {
		if err := verify(ctx, path); err != nil {
			return err
		}
	}
	snap, err := s.add(ctx, path, snapshotAt(at))
	if err != nil {
		return err
	}
	c.Snapshots, c.Origin = []snapshot{snap}, hex.EncodeToString(sum.Hash[:])
	return s.save(ctx, &c)
}

// sumUp sums up what a file holds.
func sumUp(ctx context.Context, s interface {
	View(context.Context, func(store.Reader) error) error
}) (sum store.Sum, err error) {
	err = s.View(ctx, func(r store.Reader) (err error) {
		sum, err = store.SumOf(ctx, r)
		return err
	})
	return sum, err
}

// snapshotAt is a new snapshot of a replica at a place.
func snapshotAt(at filestore.Place) snapshot {
	return snapshot{
		ID: newID(), Stream: hex.EncodeToString(at.Journal[:]), Position: at.Position, Link: hex.EncodeToString(at.Link[:]),
		Taken: time.Now().UTC().Truncate(time.Millisecond),
	}
}
