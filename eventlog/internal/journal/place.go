package journal

import (
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
