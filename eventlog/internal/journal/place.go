package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Place says where the segments of a journal are.
type Place struct {
	// Database is the path of the database file, absolute and without symbolic links.
	Database string
	// Dir is the directory of the segments, absolute. Empty: the database's.
	Dir string
}

// Segment returns the path of a segment, 0 or 1.
func (p Place) Segment(n int) string {
	dir := p.Dir
	if dir == "" {
		dir = filepath.Dir(p.Database)
	}
	return filepath.Join(dir, filepath.Base(p.Database)+"-journal."+strconv.Itoa(n))
}

func (p Place) dir() string { return filepath.Dir(p.Segment(0)) }

// Check returns an error if the journal of another database is in place, which may need it.
// Beside a database there is none: a copy of a database and its journal names its original
// there.
func (p Place) Check() error {
	if p.Dir == "" {
		return nil
	}
	for n := range 2 {
		database, err := readOwner(p.Segment(n))
		if err != nil {
			return err
		}
		if p.isOther(database, true) {
			return fmt.Errorf("%s is the journal of %s: give each database a directory of its own for its journal", p.Segment(n), database)
		}
	}
	return nil
}

// Remove removes the segments that are in place.
func (p Place) Remove() error {
	for n := range 2 {
		if err := os.Remove(p.Segment(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// readOwner returns the database that a segment names, "" if there is no segment, or no name.
func readOwner(path string) (database string, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	head := make([]byte, headSize)
	n, err := io.ReadFull(file, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // the segment was just being made
	}
	database, _, _, _ = decodeHead(head[:n])
	return database, errors.Join(err, file.Close())
}

// isOther reports whether a segment that names a database belongs to another one than p's.
// A database that is gone does not count. If it cannot be looked at, unseen is the answer.
func (p Place) isOther(database string, unseen bool) bool {
	if p.Dir == "" || database == "" || database == p.Database {
		return false
	}
	its, err := os.Stat(database)
	if err != nil {
		return unseen && !errors.Is(err, fs.ErrNotExist)
	}
	own, err := os.Stat(p.Database)
	return err != nil || !os.SameFile(its, own)
}
