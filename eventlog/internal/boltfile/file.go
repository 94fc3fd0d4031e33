package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"jrweb/eventlog/store"
)

// LockTimeout is how long an opener waits for another process to release the lock.
const LockTimeout = time.Second / 2

// Resolve returns the path of an existing file as an absolute one without symbolic links. A
// rename would otherwise replace a link, not the file; and what is made beside the file stays
// with it, wherever the process goes.
func Resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// Hold opens the database file at path for bbolt, locks it against other processes, and
// checks for two cases that bbolt does not: from an empty file bbolt would make a database,
// and in a file that is cut off it would read beyond the end, which kills the process. Hold
// does not write to the file. The lock belongs to the open file, so bbolt, which locks the
// same open file again, gets it.
func Hold(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, pathError.Err // the caller names the path
	}
	if err != nil {
		return nil, err
	}
	if err := holdFile(f, path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func holdFile(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	if err := lockFile(f, syscall.LOCK_EX); err != nil {
		return err
	}
	if err := StillNamed(f, path); err != nil {
		return err
	}
	if err := checkFile(f); err != nil {
		return err
	}
	return RemoveUnfinished(path)
}

// lockFile locks a file: LOCK_EX to be alone, LOCK_SH to read beside other readers.
func lockFile(f *os.File, how int) error {
	for deadline := time.Now().Add(LockTimeout); ; {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("lock: %w", err)
		}
		if time.Now().After(deadline) {
			return store.ErrHeld
		}
		time.Sleep(LockTimeout / 20)
	}
}

// StillNamed checks that an open file is the one at path. A process that waits for the lock
// of a file may get it when another file has replaced that file: everything that it then
// writes is lost.
func StillNamed(file *os.File, path string) error {
	opened, err := file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !os.SameFile(opened, named) {
		return fmt.Errorf("%w: it was replaced just now: try again", store.ErrHeld)
	}
	return nil
}
