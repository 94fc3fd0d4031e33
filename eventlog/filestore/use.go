package filestore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/internal/journal"
	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/store"
)

// begin takes the journal into use before the first record: it makes the segments, and then
// the file says that they belong to it. writing must be held. An error that is not one of
// [store.ErrFull] or [store.ErrNotCommitted] leaves unknown what is on the disk.
func (s *fileStore) begin() error {
	if s.journal != nil {
		return nil
	}
	m := boltfile.Mark{InUse: true, Position: s.base.mark.Position, Dir: s.place.Dir}
	_, _ = rand.Read(m.Journal[:]) // never fails
	j, err := journal.Create(s.place, m.Journal, m.Position)
	if err != nil {
		return err
	}
	// Everything is in the file: the checkpointer does nothing.
	err = s.base.apply(noOps, m, true)
	if changedNothing(err) {
		return errors.Join(err, j.Remove())
	}
	if err == nil {
		// Both heads of the file say it: if the newer one is damaged, the other one does not
		// deny the journal. Without room for that, one does.
		if err = s.base.apply(noOps, m, true); changedNothing(err) {
			err = nil
		}
	}
	if err != nil {
		return errors.Join(err, j.Close())
	}
	s.journal = j
	return nil
}

// applyNow commits a delta by a transaction of the file: there is no journal, or it has no
// room, but the file may have some.
func (s *fileStore) applyNow(ctx context.Context, encoded []byte, takes size) error {
	if err := s.settle(ctx); err != nil {
		return err
	}
	d := overlay.Delta{Position: s.now.Load().upto + 1, Encoded: encoded}
	ops, err := overlay.Merge([]overlay.Delta{d})
	if err != nil {
		return err
	}
	m := s.base.mark
	m.Position = d.Position
	if err := s.base.apply(slices.Values(ops), m, takes.reserve); err != nil {
		return err
	}
	if s.journal != nil {
		s.journal.Skip()
	}
	s.change(func(v *version) { v.after, v.upto = d.Position, d.Position })
	return nil
}

// Close implements [store.Store]. Afterwards the file is all there is, unless it has no room
// for what is in the journal: then both stay as they are. An error of the first call wraps
// [store.ErrFailed].
func (s *fileStore) Close() error {
	s.writing.Lock()
	if s.closed {
		s.writing.Unlock()
		return errClosed
	}
	s.closed = true
	if s.aging != nil {
		s.aging.Stop()
	}
	s.writing.Unlock() // a checkpoint may wait for it
	close(s.stop)
	s.running.Wait()
	err := errors.Join(s.finish(), s.base.db.Close())
	if err != nil {
		err = fmt.Errorf("%w at the close of %s: %w", store.ErrFailed, s.base.path, err)
	}
	return err
}

// finish takes everything into the file, and ends the use of the journal.
func (s *fileStore) finish() error {
	if s.journal == nil {
		if s.failure() == nil {
			_ = s.takeAll() // what is missing in a replica's file is in its journal
		}
		return nil
	}
	if s.failure() != nil {
		return s.journal.Close()
	}
	v := s.now.Load()
	err := s.takeAll()
	m := s.base.mark
	m.InUse = false
	if err == nil {
		err = s.base.apply(noOps, m, true)
	} else if changedNothing(err) {
		var ops []overlay.Op
		if ops, err = overlay.Merge(append(slices.Clip(v.older), v.newer...)); err == nil {
			m.Position = v.upto
			err = s.base.apply(slices.Values(ops), m, true)
		}
	}
	if err == nil {
		// Both heads of the file say so then: if one is damaged, the other does not name a
		// removed journal.
		err = s.base.apply(noOps, m, true)
	}
	switch {
	case err == nil:
		err = s.journal.Remove()
		return closing(err, disk.SyncDir(filepath.Dir(s.place.Segment(0))))
	case changedNothing(err):
		return s.journal.Close()
	}
	return errors.Join(err, s.journal.Close())
}

// takeAll takes both halves into the file.
func (s *fileStore) takeAll() error {
	v := s.now.Load()
	if err := s.take(v.frozen, v.older, false); err != nil {
		return err
	}
	return s.take(v.active, v.newer, false)
}

// resume makes the state of a store that was just opened. A file whose journal is in use is
// read with it, and goes on with it. Otherwise dir is where the journal will be.
func (s *fileStore) resume(dir string) error {
	p, err := readPending(s.base.path, s.base.mark)
	if err != nil {
		return err
	}
	dir, err = existing(dir)
	if err != nil {
		return err
	}
	if p.contents == nil {
		p.place.Dir = dir
		if err := p.place.Check(); err != nil {
			return err
		}
	}
	if err := s.base.settleShown(); err != nil {
		return err
	}
	if p.contents != nil {
		if s.journal, err = p.contents.Open(p.place); err != nil {
			return err
		}
		s.journalSize.Store(s.journal.Size())
	}
	s.place = p.place
	s.now.Store(&version{
		after: s.base.mark.Position, upto: p.upto,
		frozen: p.frozen, active: p.active, older: p.older, newer: p.newer,
	})
	if p.frozen != nil {
		s.wake()
	}
	if len(p.newer) > 0 {
		s.writing.Lock() // the timer may fire at once
		s.age()
		s.writing.Unlock()
	}
	return nil
}

// existing returns the absolute path of a directory, which must exist; "" stays as it is.
func existing(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err == nil && !info.IsDir() {
		err = &os.PathError{Op: "open", Path: dir, Err: errors.New("not a directory")}
	}
	return abs, err
}
