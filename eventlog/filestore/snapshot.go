package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/store"
)

// Snapshot makes a file of one state of the replica, and returns its path and its place. The
// file is a replica that nobody has open. It lies beside this one, and the caller must remove
// it; if a crash leaves it there, the next [OpenReplica] removes it.
func (r *Replica) Snapshot(ctx context.Context) (path string, at Place, err error) {
	if err := r.s.failure(); err != nil {
		return "", Place{}, err
	}
	path, err = r.s.copyBeside(ctx, func(v *version) boltfile.Mark {
		at = Place{Journal: *r.journal.Load(), Position: v.upto, Link: v.link}
		return markOf(at)
	})
	return path, at, err
}

// copyBeside makes a copy beside the file.
func (s *fileStore) copyBeside(ctx context.Context, mark func(*version) boltfile.Mark) (path string, err error) {
	file, err := boltfile.NewUnfinished(s.base.path)
	if err != nil {
		return "", err
	}
	err = s.copyTo(ctx, file, mark)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// markOf is the mark of a replica at a place.
func markOf(at Place) boltfile.Mark {
	return boltfile.Mark{Replica: true, Journal: at.Journal, Position: at.Position, Link: at.Link}
}

// Replace puts another file into the place of the replica's: what fill writes, which must be
// a replica at a place. Nothing may be applied to this replica meanwhile. It is closed then,
// and the new one is returned. After an error it can only be closed. An error or a crash leaves
// one of the two files, whole.
func (r *Replica) Replace(at Place, fill func(io.Writer) error, o *Options) (*Replica, error) {
	path := r.s.base.path
	file, err := boltfile.NewUnfinished(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }() // after success it no longer has this name
	err = fill(file)
	if err == nil {
		err = file.Sync()
	}
	if disk.IsFull(err) {
		err = fmt.Errorf("%w for another file in place of %s: %w", store.ErrFull, path, err)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	if err := wantPlace(file.Name(), at); err != nil {
		return nil, err
	}
	// This process holds the lock of the old file until its name is gone: see
	// boltfile.StillNamed.
	if err := os.Rename(file.Name(), path); err != nil {
		return nil, err
	}
	if err := errors.Join(disk.SyncDir(filepath.Dir(path)), r.Close()); err != nil {
		return nil, err
	}
	return OpenReplica(path, o)
}

// wantPlace returns an error if a file is not a replica at a place.
func wantPlace(path string, want Place) error {
	at, err := PlaceOf(path)
	if err == nil && at != want {
		err = fmt.Errorf("%w: a copy of the replica at position %d is one at %d", store.ErrDamaged, want.Position, at.Position)
	}
	return err
}

// PlaceOf returns the place of a replica that no process has open. If the file is not a replica,
// the error is [ErrNoReplica].
func PlaceOf(path string) (at Place, err error) {
	file, err := boltfile.OpenAtRest(path, false)
	if err != nil {
		return at, err
	}
	err = boltfile.Guard(func() error {
		return file.DB.View(func(tx *bolt.Tx) error {
			m, err := boltfile.ReadMark(tx)
			if err == nil && !m.Replica {
				err = ErrNoReplica
			}
			at = Place{Journal: m.Journal, Position: m.Position, Link: m.Link}
			return err
		})
	})
	return at, errors.Join(err, file.Close())
}

// ErrNoReplica says that a file is a database of its own.
var ErrNoReplica = errors.New("it is a database of its own, and no replica")

// ReplicaOf makes a file of what a store of this package holds, which is a replica at a place,
// and returns its path. It lies beside the store, and the caller must remove it.
func ReplicaOf(ctx context.Context, s store.Store, at Place) (path string, err error) {
	own, ok := s.(*fileStore)
	if !ok {
		return "", errors.New("it is no database file")
	}
	return own.copyBeside(ctx, func(*version) boltfile.Mark { return markOf(at) })
}

// Detach makes a database of its own at path of what the replica holds. The file at path must
// not exist; it appears complete, if verify does not refuse it under another name.
func (r *Replica) Detach(ctx context.Context, path string, verify func(path string) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	made, err := r.s.copyBeside(ctx, func(v *version) boltfile.Mark { return boltfile.Mark{Position: v.upto} })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(made)) }()
	if err := verify(made); err != nil {
		return err
	}
	file, err := os.Open(made)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	// Unlike a rename, a link never replaces a file.
	if err := os.Link(made, path); err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(path))
}
