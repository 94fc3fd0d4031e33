// Package agentdb reads the threads that agents keep in SQLite databases, as the text that
// their own export prints, a line for each message:
//
//	var open agentdb.Set
//	threads, err := open.Database("opencode.db").Threads()
//	text := open.Thread("opencode.db/ses_1").Follow().Rest(true)
//	io.Copy(w, text)
//
// What it promises:
//
//   - A thread has a path, that of its database with the thread's id below it, so that it
//     can stand wherever the path of a transcript does.
//   - What was told once is told again only as far as it has changed. While a thread is at
//     work, words that are still being written wait until they are whole.
//   - It holds about a MiB of a thread, and the ids of its messages.
//   - It never writes, locks or waits: see package sqlite.
//
// Caveats: it knows the layouts that are in its table, and no others. docs/formats.md says
// from where each is known.
package agentdb

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"jrweb/cmd/jrweb/internal/sqlite"
)

// layout is how an agent keeps its threads.
type layout interface {
	// threads returns all threads, or the one of an id, without their paths.
	threads(s *sqlite.State, id string) ([]Info, error)
	// next adds what a follower has not told. It leaves the follower as it is: it may be
	// called again, with another state.
	next(s *sqlite.State, f *Follower, all bool, out *told) error
}

// layouts are known by what the databases are called.
var layouts = []struct {
	name *regexp.Regexp
	layout
}{
	{regexp.MustCompile(`^opencode(?:-[A-Za-z0-9._-]+)?\.db$`), openCode{}},
	{regexp.MustCompile(`^sessions\.db$`), goose{}},
	{regexp.MustCompile(`^crush\.db$`), crush{}},
}

func layoutOf(path string) layout {
	for _, l := range layouts {
		if l.name.MatchString(filepath.Base(path)) {
			return l.layout
		}
	}
	return nil
}

// Info is a thread in a list. It is a [fs.FileInfo], by which it is seen whether the thread
// has changed: its device and inode stand for the database and the thread.
type Info struct {
	ID      string
	Changed time.Time // as the agent says
	path    string
}

// Path is the path of the thread.
func (i Info) Path() string { return i.path }

// Name implements [fs.FileInfo].
func (i Info) Name() string { return i.ID }

// Size implements [fs.FileInfo]. It is not known.
func (i Info) Size() int64 { return 0 }

// Mode implements [fs.FileInfo].
func (i Info) Mode() fs.FileMode { return 0o400 }

// ModTime implements [fs.FileInfo].
func (i Info) ModTime() time.Time { return i.Changed }

// IsDir implements [fs.FileInfo].
func (i Info) IsDir() bool { return false }

// Sys implements [fs.FileInfo].
func (i Info) Sys() any {
	s := &syscall.Stat_t{Ino: number(i.ID)}
	// The width of a device differs from system to system.
	setDevice(s, number(filepath.Dir(i.path)))
	return s
}

func number(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // it cannot fail
	return h.Sum64()
}

// Set are databases that are open. The zero value is ready, and it is safe for concurrent
// use.
type Set struct {
	mu   sync.Mutex
	open map[string]*Database
}

// Database returns the database at a path, nil if no agent is known that calls its own so.
func (s *Set) Database(path string) *Database {
	l := layoutOf(path)
	if l == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]*Database{}
	}
	d := s.open[path]
	if d == nil {
		d = &Database{path, l, sqlite.Open(path)}
		s.open[path] = d
	}
	return d
}

// Thread returns the thread at a path, nil if it is the path of something else.
func (s *Set) Thread(path string) *Thread {
	if d := s.Database(filepath.Dir(path)); d != nil {
		return &Thread{d, filepath.Base(path)}
	}
	return nil
}

// Close closes all databases. They may be used again.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.open {
		d.file.Close()
	}
}

// Database is a database of an agent. It is safe for concurrent use.
type Database struct {
	path string
	layout
	file *sqlite.DB
}

// Threads returns all threads.
func (d *Database) Threads() ([]Info, error) { return d.list("") }

func (d *Database) list(id string) (all []Info, err error) {
	err = d.file.Read(func(s *sqlite.State) (err error) {
		all, err = d.threads(s, id)
		return err
	})
	for i := range all {
		all[i].path = filepath.Join(d.path, all[i].ID)
	}
	return all, err
}

// Thread is what an agent goes on with.
type Thread struct {
	database *Database
	id       string
}

// Stat finds the thread in the list. The error is [fs.ErrNotExist] if it is gone.
func (t *Thread) Stat() (Info, error) {
	all, err := t.database.list(t.id)
	if err != nil {
		return Info{}, err
	}
	if len(all) == 0 {
		return Info{}, fmt.Errorf("%s in %s: %w", t.id, t.database.path, fs.ErrNotExist)
	}
	return all[0], nil
}

// Follow returns a follower that has told nothing.
func (t *Thread) Follow() *Follower { return &Follower{thread: t, versions: map[string]int64{}} }

// infos lists the rows of a table of threads, whose first column is the id.
func infos(s *sqlite.State, table string, columns []string, id string, changed func(sqlite.Row) time.Time) (all []Info, err error) {
	t, err := s.Table(table, columns...)
	if err != nil {
		return nil, err
	}
	add := func(r sqlite.Row) error {
		all = append(all, Info{ID: r.Text(0), Changed: changed(r)})
		return nil
	}
	if id == "" {
		err = t.All(add)
	} else {
		err = t.Where(columns[0], id, add)
	}
	return all, err
}
