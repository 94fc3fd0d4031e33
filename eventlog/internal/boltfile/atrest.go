package boltfile

import (
	"errors"
	"os"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// File is a bbolt file that no log has open. No log can open it until it is closed. It is
// for work on the file itself.
type File struct {
	DB   *bolt.DB
	OS   *os.File // the file of DB
	Path string   // see Resolve
	Head Head
	Bad  int // the meta page that cannot be read, or -1: see ReadHead
}

// OpenAtRest opens an existing file. If alone is true, no other process can have it open;
// otherwise others may read it too. The error wraps [store.ErrHeld] if a log has it open,
// and [store.ErrDamaged] if bbolt cannot open it safely.
func OpenAtRest(path string, alone bool) (*File, error) {
	path, err := Resolve(path)
	if err != nil {
		return nil, err
	}
	open := holdToRead
	if alone {
		open = Hold
	}
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	c := &File{OS: file, Path: path}
	c.Head, c.Bad = ReadHead(file)
	err = Guard(func() error {
		c.DB, err = bolt.Open(path, 0, &bolt.Options{
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

// holdToRead is Hold for callers that only read, and let others read too.
func holdToRead(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	err = func() error {
		info, err := f.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = errors.New("it is not a regular file")
		}
		// The lock comes before the first read: a file that a log is writing looks damaged.
		if err == nil {
			err = lockFile(f, syscall.LOCK_SH)
		}
		if err == nil {
			err = StillNamed(f, path)
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
func (c *File) Close() error { return c.DB.Close() }
