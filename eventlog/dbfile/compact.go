package dbfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"jrweb/eventlog/internal/boltfile"
)

// Compact rewrites the database file at path, which nobody may have open,
// without the space that is free in it. It returns the size before and after.
// The new file takes the place of the old one in one step: a crash leaves one of
// the two, whole. The disk needs room for both.
//
// The file is checked first, and left alone if it is damaged ([store.ErrDamaged]).
// Progress, which may be nil, is called now and then.
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
	// A check makes two rounds over the file, the copy one more.
	steps := newSteps(tell, 2, 1)
	figures, err := check(ctx, c, &CheckOptions{Progress: steps.tell(0)})
	if err != nil {
		return 0, 0, err
	}
	temporary, err := c.NewLike()
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = os.Remove(temporary) }() // it is not there any more if all went well
	copying := progressTo(steps.tell(1), figures.Size-figures.Free)
	if err := c.CopyRecords(ctx, temporary, nil, copying.addBytes); err != nil {
		return 0, 0, err
	}
	info, err := os.Stat(temporary)
	if err != nil {
		return 0, 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, 0, err
	}
	// Both files are whole. We hold the lock of the old one until its name is
	// gone: see boltfile.StillNamed.
	if err := os.Rename(temporary, c.Path); err != nil {
		return 0, 0, err
	}
	return figures.Size, info.Size(), boltfile.SyncDir(filepath.Dir(c.Path))
}
