package boltfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// SyncDir makes durable what names a directory has.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// unfinished is in the name of every file that becomes something else, or
// nothing, when it is finished.
const unfinished = ".unfinished-"

// NewUnfinished makes an empty file, mode 0600, beside path.
func NewUnfinished(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), filepath.Base(path)+unfinished+"*")
}

// RemoveUnfinished removes what a killed process left beside the file at path.
// Only those who hold the file's lock make such files, and the caller holds it now.
func RemoveUnfinished(path string) error {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var failed error
	for _, entry := range entries {
		number, found := strings.CutPrefix(entry.Name(), filepath.Base(path)+unfinished)
		if !found || strings.Trim(number, "0123456789") != "" || !entry.Type().IsRegular() {
			continue
		}
		failed = errors.Join(failed, os.Remove(filepath.Join(dir, entry.Name())))
	}
	return failed
}

// NewLike makes an empty, unfinished file beside c's, with its mode and owner:
// who runs this may not be who runs the server.
func (c *File) NewLike() (path string, err error) {
	info, err := c.OS.Stat()
	if err != nil {
		return "", err
	}
	temporary, err := NewUnfinished(c.Path)
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
