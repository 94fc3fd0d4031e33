package dbfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/disk"
)

// Compact rewrites the database file at path without its free space. No other process may
// have the file open. What is in its journal is in the new file. It returns the size before
// and after. The new file replaces the old one in one step, so a crash leaves one of the
// two, complete. The disk needs room for both.
//
// Compact checks the file first, and does not change it if it is damaged
// ([store.ErrDamaged]). Progress, which may be nil, is called from time to time.
func Compact(ctx context.Context, path string, progress func(done, total int64)) (before, after int64, err error) {
	file, err := boltfile.OpenAtRest(path, true)
	if err == nil {
		before, after, err = compact(ctx, file, progress)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		err = fmt.Errorf("eventlog: compact %s: %w", path, err)
	}
	return before, after, err
}

func compact(ctx context.Context, c *boltfile.File, tell func(done, total int64)) (before, after int64, err error) {
	if err := boltfile.RemoveUnfinished(c.Path); err != nil {
		return 0, 0, err
	}
	if err := filestore.RefuseReplica(c); err != nil {
		return 0, 0, err // its copy would not say to which journal it belongs
	}
	// A check goes over the file twice, the copy once more.
	steps := newSteps(tell, 2, 1)
	figures, err := check(ctx, c, &CheckOptions{Progress: steps.tell(0)})
	if err != nil {
		return 0, 0, err
	}
	temporary, err := c.NewLike()
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = os.Remove(temporary) }() // after success it no longer exists
	pending, err := filestore.ReadPending(c)
	if err != nil {
		return 0, 0, err
	}
	copying := progressTo(steps.tell(1), figures.Size-figures.Free)
	if err := c.CopyRecords(ctx, temporary, pending.Over, nil, copying.addBytes); err != nil {
		return 0, 0, err
	}
	info, err := os.Stat(temporary)
	if err != nil {
		return 0, 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, 0, err
	}
	// Both files are complete. We hold the lock of the old one until its name is gone: see
	// boltfile.StillNamed.
	if err := os.Rename(temporary, c.Path); err != nil {
		return 0, 0, err
	}
	if err := disk.SyncDir(filepath.Dir(c.Path)); err != nil {
		return 0, 0, err
	}
	return figures.Size, info.Size(), pending.Remove()
}
