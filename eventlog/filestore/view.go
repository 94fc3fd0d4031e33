package filestore

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/store"
)

// view is one state: a transaction of the file, and a version over it that belongs to it.
type view struct {
	tx *bolt.Tx
	*version
}

// look begins a view of the newest state. The transaction of the file comes first. If the
// version came first, checkpoints between the two could take newer deltas into the file
// than the version has: they would shine through where it has nothing, and be hidden where
// it has. A file that is newer than the beginning of the version is right, because it has
// the same values as the version.
func (s *fileStore) look() (view, error) {
	for {
		before := s.now.Load()
		tx, err := s.base.db.Begin(false)
		if err != nil {
			return view{}, err
		}
		v := s.now.Load()
		position, err := boltfile.ReadPosition(tx)
		if err == nil && v.after <= position && position <= v.upto {
			return view{tx, v}, nil
		}
		if position < before.after && err == nil {
			err = fmt.Errorf("%w: it has lost changes that it had", store.ErrDamaged)
		}
		if err := errors.Join(err, tx.Rollback()); err != nil {
			return view{}, err
		}
		if position <= v.upto {
			continue // a checkpoint has ended in between
		}
		// An Update has committed to the file, and not returned yet.
		if err := s.idle(); err != nil {
			return view{}, err
		}
		if position > s.now.Load().upto {
			return view{}, fmt.Errorf("%w: it has changes that nobody has made", store.ErrDamaged)
		}
	}
}

// idle waits until no Update runs.
func (s *fileStore) idle() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.failure()
}

// read runs fn on the state, and ends the view.
func (v view) read(fn func(overlay.Reader) error) (err error) {
	defer func() { err = errors.Join(err, v.tx.Rollback()) }()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer boltfile.RecoverFault(&err)
	base := &boltfile.Reader{Tx: v.tx}
	err = fn(overlay.NewReader(base, v.upto, v.active, v.frozen))
	if base.Err != nil {
		err = base.Err
	}
	return err
}

// View implements [store.Store].
func (s *fileStore) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.failure(); err != nil {
		return err
	}
	view, err := s.look()
	if err != nil {
		return err
	}
	return view.read(func(r overlay.Reader) error { return fn(&reader{Reader: r, tx: view.tx, file: s.base.file}) })
}
