package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	leastPage = 512
	mostPage  = 64 << 10
	// tries is how often a read is tried while writers come between.
	tries = 20
	// patience is how long it waits before it tries again, longer each time.
	patience = 5 * time.Millisecond
	// mostCached is how many bytes of pages a read holds.
	mostCached = 4 << 20
)

// DB is a database of somebody else. It is safe for concurrent use; reads follow each
// other.
type DB struct {
	path string

	mu   sync.Mutex
	file *os.File // nil: it is not open
	wal  *wal     // nil: there is none
}

// Open returns the database at a path. Its files are opened by the first Read.
func Open(path string) *DB { return &DB{path: path} }

// Close closes the files. The database may be read again.
func (db *DB) Close() {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.close()
}

func (db *DB) close() {
	if db.file != nil {
		_ = db.file.Close() // it was only read from
	}
	db.wal.close()
	db.file, db.wal = nil, nil
}

// Read calls read with one state of the database. If a writer comes between, it is called
// again with a newer one, and what it returned before does not count.
func (db *DB) Read(read func(*State) error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	for try := range tries {
		s, err := db.state()
		if err != nil {
			db.close()
			return fmt.Errorf("%s: %w", db.path, err)
		}
		if s != nil {
			err = read(s)
			if s.holds() {
				if err != nil {
					err = fmt.Errorf("%s: %w", db.path, err)
				}
				return err
			}
		}
		time.Sleep(time.Duration(try+1) * patience)
	}
	return fmt.Errorf("%s: %w", db.path, ErrBusy)
}

// state returns what is committed now, nil if a transaction is in the middle of its writes.
func (db *DB) state() (*State, error) {
	now, err := os.Stat(db.path)
	if err != nil {
		return nil, err
	}
	if db.file != nil {
		if was, err := db.file.Stat(); err != nil || !os.SameFile(was, now) {
			db.close()
		}
	}
	if db.file == nil {
		if db.file, err = os.Open(db.path); err != nil {
			return nil, err
		}
	}
	if db.wal != nil && !db.wal.same(db.walPath()) {
		db.wal.close()
		db.wal = nil
	}
	if db.wal == nil {
		db.wal, err = openWAL(db.walPath())
	} else {
		_, err = db.wal.grow(nil)
	}
	if err != nil {
		return nil, err
	}
	if db.wal == nil && db.hasJournal() {
		return nil, nil
	}
	s := &State{db: db, begun: now, length: 1, cached: map[uint32][]byte{}}
	return s, s.header()
}

func (db *DB) walPath() string { return db.path + "-wal" }

// hasJournal reports whether a transaction writes to the database itself, or has died while
// it did. A journal that is empty, or begins with zeros, is of one that has ended.
func (db *DB) hasJournal() bool {
	file, err := os.Open(db.path + "-journal")
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read from
	var first [1]byte
	n, _ := file.Read(first[:]) // what cannot be read is empty
	return n > 0 && first[0] != 0
}

// State is a state of a database, for one call of a function.
type State struct {
	db      *DB
	begun   os.FileInfo
	counter uint32 // of the changes to a database without a log
	size    int    // of a page
	usable  int    // of it
	length  uint32 // in pages

	cached map[uint32][]byte
	bytes  int
	// below are the pages that were read from the database itself, a bit each: a
	// checkpoint may change them under us, if they are in a later commit.
	below []uint64
}

// header reads the first page.
func (s *State) header() error {
	s.size = leastPage
	if s.db.wal != nil {
		s.size = int(s.db.wal.size)
	}
	head, err := s.raw(1)
	if err != nil {
		return err
	}
	if string(head[:16]) != "SQLite format 3\x00" {
		return errors.New("sqlite: it is no SQLite database")
	}
	size := int(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = mostPage
	}
	if size < leastPage || size&(size-1) != 0 || s.db.wal != nil && size != s.size {
		return errDamaged
	}
	if encoding := binary.BigEndian.Uint32(head[56:]); encoding > 1 {
		return errors.New("sqlite: its texts are in UTF-16")
	}
	s.size, s.usable = size, size-int(head[20])
	s.counter = binary.BigEndian.Uint32(head[24:])
	if w := s.db.wal; w != nil && len(w.pages) > 0 {
		s.length = w.length
	} else {
		s.length = uint32(min(s.begun.Size()/int64(size), 1<<32-2))
	}
	if s.usable < 480 {
		return errDamaged
	}
	return nil
}

// holds reports whether all that was read is of one state: no page that was read from the
// database itself is in a commit that came since, and the log was not started again.
func (s *State) holds() bool {
	if w := s.db.wal; w != nil {
		if !w.same(s.db.walPath()) {
			return false
		}
		touched := false
		_, err := w.grow(func(page uint32) { touched = touched || s.isBelow(page) })
		return err == nil && !touched
	}
	now, err := os.Stat(s.db.path)
	if err != nil || !os.SameFile(s.begun, now) || now.Size() != s.begun.Size() || !now.ModTime().Equal(s.begun.ModTime()) || s.db.hasJournal() {
		return false
	}
	if w, err := openWAL(s.db.walPath()); err != nil || w != nil {
		w.close()
		return false
	}
	var counter [4]byte
	_, err = s.db.file.ReadAt(counter[:], 24)
	return err == nil && binary.BigEndian.Uint32(counter[:]) == s.counter
}

func (s *State) isBelow(page uint32) bool {
	i := int(page / 64)
	return i < len(s.below) && s.below[i]&(1<<(page%64)) != 0
}

// page returns a page. It must not be changed, and is good for the one call.
func (s *State) page(number uint32) ([]byte, error) {
	if number == 0 || number > s.length {
		return nil, errDamaged
	}
	if p := s.cached[number]; p != nil {
		return p, nil
	}
	p, err := s.raw(number)
	if err != nil {
		return nil, err
	}
	if s.bytes += len(p); s.bytes > mostCached {
		clear(s.cached)
		s.bytes = len(p)
	}
	s.cached[number] = p
	return p, nil
}

func (s *State) raw(number uint32) ([]byte, error) {
	p := make([]byte, s.size)
	if w := s.db.wal; w != nil {
		if at, in := w.pages[number]; in {
			_, err := w.file.ReadAt(p, at)
			return p, err
		}
	}
	i := int(number / 64)
	for len(s.below) <= i {
		s.below = append(s.below, 0)
	}
	s.below[i] |= 1 << (number % 64)
	if _, err := s.db.file.ReadAt(p, int64(number-1)*int64(s.size)); err != nil {
		return nil, errDamaged
	}
	return p, nil
}
