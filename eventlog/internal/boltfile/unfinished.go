package boltfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// unfinished is part of the name of every file that is not complete yet. A complete file
// gets another name, or none.
const unfinished = ".unfinished-"

// NewUnfinished makes an empty file, mode 0600, beside path.
func NewUnfinished(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), filepath.Base(path)+unfinished+"*")
}

// RemoveUnfinished removes the files that a killed process left beside the file at path.
// The caller holds the lock of the file at path. Others make such files only until there is one.
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

// NewLike makes an empty, unfinished file beside c's, with the same mode and owner: the
// user who runs this may not be the user who runs the server.
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
