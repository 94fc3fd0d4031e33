package eventlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Compact rewrites the database file at path, which nobody may have open,
// without the space that is free in it. It returns the size before and after.
// The new file takes the place of the old one in one step: a crash leaves one of
// the two, whole. The disk needs room for both.
//
// The file is checked first, and left alone if it is damaged ([ErrDamaged]).
// Progress, which may be nil, is called now and then.
func Compact(ctx context.Context, path string, progress func(done, total int64)) (before, after int64, err error) {
	file, err := openClosed(path, true)
	if err == nil {
		before, after, err = compact(ctx, file, progress)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		err = fmt.Errorf("eventlog: compact %s: %w", path, err)
	}
	return before, after, err
}

func compact(ctx context.Context, c *closedFile, tell func(done, total int64)) (before, after int64, err error) {
	if err := removeUnfinished(c.path); err != nil {
		return 0, 0, err
	}
	// A check makes two rounds over the file, the copy one more.
	steps := newSteps(tell, 2, 1)
	figures, err := check(ctx, c, &CheckOptions{Progress: steps.tell(0)})
	if err != nil {
		return 0, 0, err
	}
	temporary, err := c.newLike()
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = os.Remove(temporary) }() // it is not there any more if all went well
	copying := progressTo(steps.tell(1), figures.Size-figures.Free)
	if err := c.copyRecords(ctx, temporary, nil, copying.addBytes); err != nil {
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
	// gone: see stillNamed.
	if err := os.Rename(temporary, c.path); err != nil {
		return 0, 0, err
	}
	return figures.Size, info.Size(), syncDir(filepath.Dir(c.path))
}

// newLike makes an empty, unfinished file beside c's, with its mode and owner:
// who runs this may not be who runs the server.
func (c *closedFile) newLike() (path string, err error) {
	info, err := c.file.Stat()
	if err != nil {
		return "", err
	}
	temporary, err := newUnfinished(c.path)
	if err != nil {
		return "", err
	}
	err = temporary.Chmod(info.Mode().Perm())
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && err == nil {
		err = temporary.Chown(int(owner.Uid), int(owner.Gid))
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return "", errors.Join(err, os.Remove(temporary.Name()))
	}
	return temporary.Name(), nil
}
