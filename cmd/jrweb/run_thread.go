package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jrweb/cmd/jrweb/internal/places"
	"jrweb/eventlog"
)

// lateThreads are agents that print the name of their thread only when they end, or never,
// with what their files are called below their places. A program that watches these files
// meanwhile would not know that somebody records the run.
var lateThreads = map[string][]string{
	"kimi":      {"*/*/wire.jsonl", "*/*/context.jsonl"},
	"kimi-code": {"*/*/agents/main/wire.jsonl"},
}

// threadFinder finds the thread of a command by the file that its agent begins.
type threadFinder struct {
	patterns []string
	dirs     []string        // where the command works, by all names
	before   map[string]bool // files that were there before the command
}

// newThreadFinder returns nil for a command that prints the name of its thread at once.
func newThreadFinder(command []string) *threadFinder {
	if !slices.ContainsFunc(command, func(arg string) bool { return strings.HasPrefix(filepath.Base(arg), "kimi") }) {
		return nil
	}
	home, _ := os.UserHomeDir() // without one the variables still tell
	all, err := places.Of(os.Getenv, home, nil)
	dir, dirErr := os.Getwd()
	if err != nil || dirErr != nil {
		return nil
	}
	f := &threadFinder{dirs: []string{dir}, before: map[string]bool{}}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil && resolved != dir {
		f.dirs = append(f.dirs, resolved)
	}
	for _, p := range all {
		for _, pattern := range lateThreads[p.Agent] {
			f.patterns = append(f.patterns, filepath.Join(p.Dir, pattern))
		}
	}
	for _, path := range f.files() {
		f.before[path] = true
	}
	return f
}

func (f *threadFinder) files() (all []string) {
	for _, pattern := range f.patterns {
		paths, _ := filepath.Glob(pattern) // the patterns are good
		all = append(all, paths...)
	}
	return all
}

// find returns the thread that has begun in the directory of the command. If several have,
// it is not known which.
func (f *threadFinder) find() (id threadID, found bool) {
	for _, path := range f.files() {
		if f.before[path] {
			continue
		}
		in, err := introduce(&bundle{main: []string{path}})
		if err != nil || in.Agent == "" || in.Session == "" || !slices.Contains(f.dirs, in.Dir) {
			continue // it is being written, or somebody else's
		}
		if now := (threadID{in.Agent, in.Session}); !found || now == id {
			id, found = now, true
		} else {
			return threadID{}, false
		}
	}
	return id, found
}

const (
	// findEvery is much less than what a watch waits before it takes a new transcript.
	findEvery = arrival / 4
	// mostFinding is how long an agent may take until it writes.
	mostFinding = time.Minute
)

// findThread looks for the thread of the command until it is found, and records its name. It
// returns a function that ends it, and waits for that.
func (r *recording) findThread(ctx context.Context, f *threadFinder) (stop func()) {
	if f == nil {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, mostFinding)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(findEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if id, found := f.find(); found {
				r.found(id)
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}

func (r *recording) found(id threadID) {
	r.mu.Lock()
	r.thread = id
	r.mu.Unlock()
	r.note(id.told())
}

// told is the event that names the thread of a session.
func (id threadID) told() eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeSession, Actor: eventlog.System, Data: mustJSON(map[string]string{"agent": id.agent, "external_id": id.thread})}
}
