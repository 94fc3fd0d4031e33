package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jrweb/cmd/jrweb/internal/agentdb"
	"jrweb/cmd/jrweb/internal/places"
	"jrweb/cmd/jrweb/internal/sqlite"
	"jrweb/eventlog/transcript"
)

// databaseOf is the database that a file is, or is the log of. Agents write to the log with
// each word.
func databaseOf(path string) string { return strings.TrimSuffix(path, "-wal") }

const (
	// databaseDelay is how long a look into a database waits for more after it has changed.
	databaseDelay = 500 * time.Millisecond
	// restOfLooks is how much longer than a look the rest before the next one is, so that
	// the list of a large database is read seldom.
	restOfLooks = 20
)

// databaseChanged has the list of a database's threads looked at soon.
func (n *notifier) databaseChanged(path string) {
	if n.changes == nil {
		n.changes = map[string]bool{}
	}
	if len(n.changes) == 0 && n.look != nil {
		n.look.Reset(max(databaseDelay, restOfLooks*n.took-time.Since(n.looked)))
	}
	n.changes[path] = true
}

// lookIntoDatabases reports the threads that have changed, and each database that has.
func (n *notifier) lookIntoDatabases() {
	if len(n.changes) == 0 {
		return
	}
	began := time.Now()
	for path := range n.changes {
		threads, err := n.databases.Database(path).Threads()
		if errors.Is(err, sqlite.ErrBusy) {
			continue // it is looked at again
		}
		delete(n.changes, path)
		if err != nil {
			// It is gone, or its agent has just made it.
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, sqlite.ErrNoTable) {
				n.warn(err.Error())
			}
			continue
		}
		for _, t := range threads {
			if state := stateOf(t); n.known[t.Path()] != state {
				n.known[t.Path()] = state
				n.found(t.Path(), t)
			}
		}
		n.found(path, nil)
	}
	n.looked = time.Now()
	n.took = n.looked.Sub(began)
	if len(n.changes) > 0 && n.look != nil {
		n.look.Reset(restOfLooks*n.took + databaseDelay)
	}
}

// list adds the places that a file names, and reports whether it is one that names places.
func (n *notifier) list(path string) bool {
	for _, p := range n.places {
		if !p.IsList(path) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return true // it is gone again
		}
		for _, listed := range p.Listed(text) {
			if !slices.ContainsFunc(n.places, func(p places.Place) bool { return p.Dir == listed.Dir }) {
				n.places = append(slices.Clip(n.places), listed)
				n.folder(listed.Dir, true)
			}
		}
		return true
	}
	return false
}

// isFlat reports whether a folder is in a place whose transcripts are not in folders of it.
func (n *notifier) isFlat(dir string) bool {
	for _, p := range n.places {
		if p.Flat && strings.HasPrefix(dir, p.Dir+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// threadTeller reports on a thread in a database.
type threadTeller struct {
	follower *agentdb.Follower
	feed     *feed
}

func openThreadTeller(thread *agentdb.Thread) (teller, error) {
	converter, err := transcript.New(transcript.Auto, nil)
	if err != nil {
		return nil, err
	}
	return &threadTeller{
		follower: thread.Follow(),
		feed:     &feed{converter: converter, lines: transcript.NewSplitter(0), outcomes: true},
	}, nil
}

func (t *threadTeller) round(all bool, yield func(fedEvent) error) error {
	t.feed.text, t.feed.final = t.follower.Rest(all), all
	for {
		e, more, err := t.feed.next()
		if err != nil || !more {
			return err
		}
		if err := yield(e); err != nil {
			return err
		}
	}
}

// changed is when the thread last changed, as its agent says.
func (t *threadTeller) changed() time.Time { return t.follower.Changed() }

func (t *threadTeller) origin() transcript.Origin   { return t.feed.converter.Origin() }
func (t *threadTeller) format() transcript.Format   { return t.feed.converter.Format() }
func (t *threadTeller) outcome() transcript.Outcome { return t.feed.converter.Outcome() }
func (*threadTeller) close()                        {}
