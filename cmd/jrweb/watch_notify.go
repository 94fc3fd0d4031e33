package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"jrweb/cmd/jrweb/internal/agentdb"
	"jrweb/cmd/jrweb/internal/places"
)

// notifier tells which transcripts change. It asks the system to be told of folders, never
// of files; what the system does not tell of, it looks through.
type notifier struct {
	places []places.Place
	every  time.Duration // how often all is looked through; 0: never
	warn   func(string)
	found  func(path string, info fs.FileInfo) // called by one goroutine

	system    *fsnotify.Watcher // nil: the system tells nothing
	unwatched map[string]bool   // folders that the system would not tell of
	known     map[string]fileState

	databases agentdb.Set
	changes   map[string]bool // databases that have changed
	look      *time.Timer     // for the next look into them; nil: only when all is looked through
	looked    time.Time       // when the last one ended
	took      time.Duration   // how long it took
}

// pollEvery is how often folders are looked through that the system does not tell of.
const pollEvery = time.Minute

func newNotifier(all []places.Place, every time.Duration, warn func(string), found func(string, fs.FileInfo)) *notifier {
	n := &notifier{places: all, every: every, warn: warn, found: found, unwatched: map[string]bool{}, known: map[string]fileState{}}
	// Other systems open each file of a folder, to be told of it.
	if runtime.GOOS == "linux" {
		system, err := fsnotify.NewWatcher()
		if err != nil {
			warn("the system tells of no changes: " + err.Error() + ": all folders are looked through instead")
		}
		n.system = system
	}
	if n.system == nil && n.every == 0 {
		n.every = pollEvery
	}
	return n
}

// polls reports whether files may change that the system does not tell of.
func (n *notifier) polls() bool { return n.every > 0 || len(n.unwatched) > 0 }

// run reports changes until ctx ends. It begins with all transcripts that are there.
func (n *notifier) run(ctx context.Context) {
	var events <-chan fsnotify.Event
	var failures <-chan error
	if n.system != nil {
		defer func() { _ = n.system.Close() }() // nothing is lost
		events, failures = n.system.Events, n.system.Errors
	}
	n.all()
	n.found("", nil)
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	n.look = time.NewTimer(time.Hour)
	defer n.look.Stop()
	n.rearm(timer)
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			n.event(e)
		case err := <-failures:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				n.warn("the system does not tell of some changes: " + err.Error())
			}
			n.all()
		case <-n.look.C:
			n.lookIntoDatabases()
		case <-timer.C:
			if n.every > 0 {
				n.all()
			}
			for dir := range n.unwatched {
				n.folder(dir, false)
			}
			n.lookIntoDatabases()
			n.rearm(timer)
		}
	}
}

// rearm sets the timer, unless there is nothing to look through.
func (n *notifier) rearm(timer *time.Timer) {
	switch {
	case n.every > 0:
		timer.Reset(n.every)
	case len(n.unwatched) > 0:
		timer.Reset(pollEvery)
	default:
		timer.Stop()
	}
}

// all looks through all places.
func (n *notifier) all() {
	for _, p := range n.places {
		n.folder(p.Dir, true)
	}
	n.lookIntoDatabases()
	if len(n.unwatched) > 0 && n.system != nil && n.every == 0 {
		n.warn("the system tells of no more folders (fs.inotify.max_user_watches): the others are looked through every minute")
	}
}

// event takes what the system tells.
func (n *notifier) event(e fsnotify.Event) {
	if e.Op == fsnotify.Chmod {
		return
	}
	info, err := os.Lstat(e.Name)
	switch {
	case err != nil:
		n.changed(e.Name, nil) // it is gone
	case info.IsDir() && e.Has(fsnotify.Create):
		if n.isPlace(e.Name) && !n.isFlat(e.Name) || n.aboveAPlace(e.Name) {
			n.folder(e.Name, true)
		}
	case info.Mode().IsRegular():
		n.changed(e.Name, info)
	}
}

// isPlace reports whether a folder is in a place, or is one.
func (n *notifier) isPlace(dir string) bool {
	for _, p := range n.places {
		if dir == p.Dir || strings.HasPrefix(dir, p.Dir+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// aboveAPlace reports whether a place is in a folder, or would be.
func (n *notifier) aboveAPlace(dir string) bool {
	for _, p := range n.places {
		if strings.HasPrefix(p.Dir, dir+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// notWatched are folders of which nothing is told: those of subagents are when their run
// is at work.
var notWatched = map[string]bool{".git": true, "node_modules": true, subagentsFolder: true, "tool-results": true}

// folder looks through a folder, and asks the system to tell of it and of those in it.
func (n *notifier) folder(dir string, subscribe bool) {
	if _, err := os.Stat(dir); err != nil {
		n.awaits(dir)
		return
	}
	if !n.isPlace(dir) {
		// On the way to a place: only that it comes is to be told.
		n.subscribe(dir)
		for _, p := range n.places {
			if strings.HasPrefix(p.Dir, dir+string(filepath.Separator)) {
				n.folder(p.Dir, true)
			}
		}
		return
	}
	// The separator makes a link to a folder one.
	_ = filepath.WalkDir(dir+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what cannot be read is passed over
		}
		path = filepath.Clean(path)
		if entry.IsDir() {
			if notWatched[entry.Name()] && entry.Name() != subagentsFolder {
				return filepath.SkipDir
			}
			if path != filepath.Clean(dir) && n.isFlat(path) {
				return filepath.SkipDir
			}
			if subscribe && !notWatched[entry.Name()] {
				// First, so that nothing is missed of what comes meanwhile.
				n.subscribe(path)
			}
			return nil
		}
		if !entry.Type().IsRegular() || !n.has(path) {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			n.changed(path, info)
		}
		return nil
	})
}

// awaits asks to be told when a place comes to be.
func (n *notifier) awaits(dir string) {
	for at := filepath.Dir(dir); ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil {
			if info.IsDir() {
				n.subscribe(at)
			}
			return
		}
		if at == filepath.Dir(at) {
			return
		}
	}
}

func (n *notifier) subscribe(dir string) {
	if n.system == nil {
		return
	}
	if err := n.system.Add(dir); err != nil {
		n.unwatched[dir] = true
		return
	}
	delete(n.unwatched, dir)
}

func (n *notifier) has(path string) bool {
	for _, p := range n.places {
		if p.Has(path) {
			return true
		}
	}
	return false
}

// changed reports a transcript, unless it is as it was.
func (n *notifier) changed(path string, info fs.FileInfo) {
	if !n.has(path) {
		return
	}
	if info == nil {
		if _, known := n.known[path]; known {
			delete(n.known, path)
			n.found(path, nil)
		}
		return
	}
	if state := stateOf(info); n.known[path] != state {
		n.known[path] = state
		if n.list(path) {
			return
		}
		if database := databaseOf(path); n.databases.Database(database) != nil {
			n.databaseChanged(database)
			return
		}
		n.found(path, info)
	}
}

// subscribeTo asks the system to tell of one more folder. It may be called at any time.
func (n *notifier) subscribeTo(dir string) {
	if n.system != nil {
		_ = n.system.Add(dir) // without it the files are looked at when their run changes
	}
}
