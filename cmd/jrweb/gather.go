package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"jrweb/cmd/jrweb/internal/agentdb"
	"jrweb/cmd/jrweb/internal/source"
	"jrweb/eventlog/transcript"
)

// bundle is the files of one run.
type bundle struct {
	// main are the files of the agent itself: one, or, where the agent writes a file
	// for each event, all of them in order.
	main []string
	// agents are the files of its subagents.
	agents []subagentFile
	// named says that a person named a file of it, and did not find it in a folder.
	named bool
	// thread is what stands in a database instead of files; nil for files.
	thread *agentdb.Thread
}

// name is what people call the bundle.
func (b *bundle) name() string {
	if len(b.main) > 1 {
		return filepath.Dir(b.main[0])
	}
	return b.main[0]
}

// paths are all files of the bundle.
func (b *bundle) paths() []string {
	paths := slices.Clone(b.main)
	for _, a := range b.agents {
		paths = append(paths, a.path)
	}
	return paths
}

// eventName is how OpenHands calls the file of an event, in a folder "events".
var eventName = regexp.MustCompile(`^(?:event-)?([0-9]+)(?:-[A-Za-z0-9_-]+)?\.json(\.gz|\.zst)?$`)

// eventsFolder is where OpenHands keeps them.
const eventsFolder = "events"

// notLooked are folders whose files are not transcripts, or tell again what others do.
var notLooked = map[string]bool{".git": true, "node_modules": true, "event_cache": true}

// toldAgain are files that tell the same run as another one beside them, which tells more.
var toldAgain = map[string]string{
	"api_conversation_history.json": "ui_messages.json", // Cline, Roo Code and Kilo Code
	"context.jsonl":                 "wire.jsonl",       // Kimi
}

// gatherer finds which files belong to one run.
type gatherer struct {
	bundles  map[string]*bundle // by the first main file, or the folder of events
	order    []string
	sessions *sessionNames
}

func newGatherer() *gatherer {
	return &gatherer{bundles: map[string]*bundle{}, sessions: &sessionNames{}}
}

// sessionNames remembers which session the first line of a file names, and which databases
// are open, for gatherers that look into the same folders again and again. The zero value is
// ready.
type sessionNames struct {
	mu    sync.Mutex
	names map[string]string // by path

	databases agentdb.Set
}

// mostSessionNames is how many are remembered.
const mostSessionNames = 50_000

func (s *sessionNames) of(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[path]
}

func (s *sessionNames) put(path, session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil || len(s.names) >= mostSessionNames {
		s.names = map[string]string{}
	}
	s.names[path] = session
}

// gather returns the runs whose files are named, or stand in the folders that are.
func gather(names []string) ([]*bundle, error) {
	g := newGatherer()
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			if err := g.add(filepath.Clean(name), true); err != nil {
				return nil, err
			}
			continue
		}
		if err := g.folder(name); err != nil {
			return nil, err
		}
	}
	var all []*bundle
	for _, key := range g.order {
		all = append(all, g.bundles[key])
	}
	return all, nil
}

// folder adds the files of a folder, and of those in it.
func (g *gatherer) folder(name string) error {
	// The separator makes a link to a folder one.
	return filepath.WalkDir(filepath.Clean(name)+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && notLooked[entry.Name()]:
			return filepath.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		path = filepath.Clean(path)
		if other, lesser := toldAgain[entry.Name()]; lesser && existing(filepath.Join(filepath.Dir(path), other)) != "" {
			return nil
		}
		return g.add(path, false)
	})
}

// add adds the run that a file belongs to.
func (g *gatherer) add(path string, named bool) error {
	dir, base := filepath.Split(path)
	dir = filepath.Clean(dir)
	if main := g.chatOfSubagent(path); main != "" {
		return g.add(main, named)
	}
	if subagentName.MatchString(base) {
		if main := g.sessionOfSubagent(path); main != "" {
			return g.add(main, named)
		}
		return g.put(path, named, func() (*bundle, error) { return &bundle{main: []string{path}}, nil })
	}
	if subagentMeta.MatchString(base) && hasSubagent(path) {
		return nil // it is read with what it stands beside
	}
	if eventName.MatchString(base) && filepath.Base(dir) == eventsFolder && (g.bundles[dir] != nil || isEvent(path)) {
		return g.put(dir, named, func() (*bundle, error) {
			files, err := eventFiles(dir)
			return &bundle{main: files}, err
		})
	}
	return g.put(path, named, func() (*bundle, error) {
		agents, err := g.subagentsOf(path)
		return &bundle{main: []string{path}, agents: agents}, err
	})
}

// put adds a bundle that is not known yet.
func (g *gatherer) put(key string, named bool, open func() (*bundle, error)) error {
	b := g.bundles[key]
	if b == nil {
		var err error
		if b, err = open(); err != nil {
			return err
		}
		g.bundles[key] = b
		g.order = append(g.order, key)
	}
	b.named = b.named || named
	return nil
}

// existing returns the name of a file as it is there: packed or not, or "".
func existing(path string) string {
	for _, suffix := range []string{"", ".gz", ".zst"} {
		if info, err := os.Stat(path + suffix); err == nil && info.Mode().IsRegular() {
			return path + suffix
		}
	}
	return ""
}

// isEvent reports whether a file is one event of OpenHands, which writes a folder of
// them.
func isEvent(path string) bool {
	f, err := source.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // nothing was written
	var lines [][]byte
	if readLines(f, func(l inputLine) bool {
		lines = append(lines, l.text)
		return true
	}) != nil {
		return false
	}
	format, _ := transcript.Detect(lines...)
	return format == transcript.OpenHands
}

// eventFiles returns the events of a folder in their order.
func eventFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	type numbered struct {
		number int
		path   string
	}
	var files []numbered
	for _, e := range entries {
		name := eventName.FindStringSubmatch(e.Name())
		if name == nil || !e.Type().IsRegular() {
			continue
		}
		n, err := strconv.Atoi(name[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), err)
		}
		files = append(files, numbered{n, filepath.Join(dir, e.Name())})
	}
	slices.SortFunc(files, func(a, b numbered) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.path, b.path))
	})
	var paths []string
	for _, f := range files {
		paths = append(paths, f.path)
	}
	return paths, nil
}
