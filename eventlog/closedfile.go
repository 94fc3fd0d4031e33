package eventlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// closedFile is a bbolt file that no log has open, and that none can open until
// it is closed: for work on the file itself.
type closedFile struct {
	db   *bolt.DB
	file *os.File // db's own
	path string   // without symbolic links
	head boltMeta
	bad  int // see readHead
}

// openClosed opens a file that exists: to be alone with it, or only to read it,
// beside others who read. The error wraps [ErrHeld] if a log has it open, and
// [ErrDamaged] if bbolt could not open it safely.
func openClosed(path string, alone bool) (*closedFile, error) {
	// A rename would otherwise replace the link, not the file.
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	open := openToRead
	if alone {
		open = openFile
	}
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	c := &closedFile{file: file, path: path}
	c.head, c.bad = readHead(file)
	err = guarded(func() error {
		c.db, err = bolt.Open(path, 0, &bolt.Options{
			// Otherwise bbolt reads the list of free pages, which may be damaged.
			ReadOnly: !alone,
			OpenFile: func(string, int, os.FileMode) (*os.File, error) { return file, nil },
		})
		return err
	})
	if err != nil {
		_ = file.Close() // nothing was written; bbolt may have closed it already
		return nil, err
	}
	return c, nil
}

// openToRead is openFile for those who write nothing, and let others read.
func openToRead(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	err = func() error {
		info, err := f.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("it is not a regular file")
		}
		// The lock comes before the first read: what a log is writing looks damaged.
		if err == nil {
			err = lockFile(f, syscall.LOCK_SH)
		}
		if err == nil {
			err = stillNamed(f, path)
		}
		if err == nil {
			err = checkFile(f)
		}
		return err
	}()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close releases the file, and its lock.
func (c *closedFile) Close() error { return c.db.Close() }

// stillNamed checks that an open file is the one at path. Whoever waits for the
// lock of a file may get it when the file has been replaced by another: what is
// written to it then is lost.
func stillNamed(file *os.File, path string) error {
	opened, err := file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !os.SameFile(opened, named) {
		return fmt.Errorf("%w: it was replaced just now: try again", ErrHeld)
	}
	return nil
}

// unfinished is in the name of every file that becomes something else, or
// nothing, when it is finished.
const unfinished = ".unfinished-"

// newUnfinished makes an empty file, mode 0600, beside path.
func newUnfinished(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), filepath.Base(path)+unfinished+"*")
}

// removeUnfinished removes what a killed process left beside the file at path.
// Only those who hold the file's lock make such files, and the caller holds it now.
func removeUnfinished(path string) error {
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
