package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/places"
)

// defaultIdle is how long an agent rests between two sessions.
const defaultIdle = 30 * time.Minute

func watchCommand() *cli.Command {
	return &cli.Command{
		Name: "watch", Usage: "follow every agent's transcripts on this machine",
		Description: "Finds what Claude Code, Codex, Gemini CLI, Qwen Code, opencode, pi, Copilot CLI, Kimi, Droid, Amp, Goose, Crush,\n" +
			"OpenHands and Cline keep of their work, records what there is, the newest first, and what comes. A task is a thread of an agent; a\n" +
			"session is a stretch of work in it, up to a rest of -idle. What jrweb run or an import has recorded is not\n" +
			"recorded again. It records to the server of -url; with -db in a database of its own, which -serve serves:\n" +
			"jrweb watch -serve is all that one needs. Secrets are taken out before anything is sent, a project with a file\n" +
			ignoreMark + " is left alone, and -dry-run lists what would be sent. While the server is away, what agents do waits on\n" +
			"this disk. It only reads the agents' files.",
		Flags: clientFlags(
			boolFlag("once", "record what there is, and end"),
			boolFlag("dry-run", "list what would be recorded, and record nothing"),
			stringFlag("db", "", "record in this database file instead of a server (with -serve: jrweb/watch.db in $XDG_DATA_HOME or ~/.local/share)"),
			boolFlag("serve", "serve the -db meanwhile"),
			stringFlag("addr", defaultAddr, "with -serve, listen here"),
			pricesFlag(),
			budgetFlag("with -serve, warn when more US dollars are spent in a day, week or month, such as 50/day: the pages and a metric say so"),
			&cli.DurationFlag{Name: "idle", Value: defaultIdle, Usage: "a session ends when its agent rests for so long", Sources: env("idle"), OnlyOnce: true},
			&cli.BoolFlag{Name: "redact", Value: true, Usage: "replace what has the shape of a secret before it is sent", Sources: env("redact"), OnlyOnce: true},
			&cli.StringSliceFlag{Name: "exclude", Usage: "leave out transcripts whose path or working directory, or a folder above it, matches this pattern; may be repeated", Sources: env("exclude")},
			&cli.StringSliceFlag{Name: "only", Usage: "record this project only: the name of its git repository, or of its directory; may be repeated", Sources: env("only")},
			&cli.StringSliceFlag{Name: "root", Usage: "AGENT=DIR: look for an agent's transcripts there, and nowhere else; may be repeated", Sources: env("root")},
			&cli.DurationFlag{Name: "poll", Usage: "look through all folders so often, for file systems that do not tell of changes, such as a network's; 0: only where the system tells nothing", Sources: env("poll"), OnlyOnce: true},
			boolFlag("install", "print a service that runs this command at every login: a systemd user unit, on macOS a launchd plist"),
			boolFlag("hooks", "print what Claude Code's settings.json needs to tell the server of prompts and tool calls as they happen"),
			spoolFlag()),
		ArgValidator: operands(),
		Action:       watchAgents,
	}
}

// watching are the settings of a watch.
type watching struct {
	privacy
	places []places.Place
	idle   time.Duration
	poll   time.Duration
	spool  string
}

func readWatching(c *cli.Command) (w watching, err error) {
	w.idle, w.poll = c.Duration("idle"), c.Duration("poll")
	if w.idle < time.Second || w.poll < 0 {
		return w, usagef("-idle must be 1s or more, and -poll not negative")
	}
	w.exclude = c.StringSlice("exclude")
	if c.IsSet("only") {
		w.only = c.StringSlice("only")
	}
	if err := w.check(); err != nil {
		return w, err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return w, fmt.Errorf("watch: %w", err)
	}
	if w.places, err = places.Of(os.Getenv, home, c.StringSlice("root")); err != nil {
		return w, usagef("-root %w", err)
	}
	if w.spool, err = spoolDir(c); err != nil {
		return w, fmt.Errorf("watch: %w", err)
	}
	return w, nil
}

func watchAgents(ctx context.Context, c *cli.Command) error {
	if given(c, "db") && given(c, "url") {
		return usagef("-db and -url: give only one of them")
	}
	if given(c, "budget") && !c.Bool("serve") {
		return usagef("-budget is for -serve: else the server of -url has its own")
	}
	set, err := readWatching(c)
	if err != nil {
		return err
	}
	if c.Bool("hooks") {
		return printHooks(c)
	}
	if c.Bool("install") {
		return printService(c)
	}
	if err := ownDatabase(c); err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return dryRun(c, set)
	}
	to, err := openDestination(ctx, c)
	if err != nil {
		return err
	}
	err = recordAll(ctx, c, set, to)
	if err != nil {
		err = explain(c, fmt.Errorf("watch: %w", err))
	}
	return errors.Join(err, to.close())
}

// ownDatabase sets -db, if it is to be served and nobody says which.
func ownDatabase(c *cli.Command) error {
	switch {
	case !c.Bool("serve"):
		return nil
	case given(c, "url"):
		return usagef("-serve is for a database of our own: with a server, it serves")
	case c.IsSet("db"):
		return nil
	}
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		home, err := os.UserHomeDir()
		if err != nil {
			return fmt.Errorf("watch: %w: name a database with -db", err)
		}
		data = filepath.Join(home, ".local", "share")
	}
	dir := filepath.Join(data, "jrweb")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	return c.Set("db", filepath.Join(dir, "watch.db"))
}

// seenPath is where the note is of what was recorded for a destination.
func seenPath(spool, to string) string {
	return filepath.Join(spool, fmt.Sprintf("watch-%x.seen", sha256.Sum256([]byte(to)))[:18]+".seen")
}

func recordAll(ctx context.Context, c *cli.Command, set watching, to *destination) (err error) {
	s, err := openSeen(seenPath(set.spool, to.name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	bar := newProgressBar(c.Root().ErrWriter, "watch")
	warn := func(text string) {
		bar.end()
		fmt.Fprintf(c.Root().ErrWriter, "jrweb: watch: %s\n", visible(text))
	}
	w := newWatcher(to, set.spool, set.idle, s, set.privacy, c.Bool("redact"), warn)
	err = w.checkSeen(ctx)
	if c.Bool("once") {
		if err == nil { // who records once does not wait for a server
			_, err = to.client.SessionsByExternalID(ctx, "", "watch")
		}
		if err != nil {
			return err
		}
		return w.recordOnce(ctx, c, set.places, bar)
	}
	l := newLivewatch(w, bar, func(found func(string, fs.FileInfo)) *notifier {
		return newNotifier(set.places, set.poll, warn, found)
	})
	defer bar.end()
	return l.run(ctx)
}

// checkSeen forgets what was recorded, if the log knows nothing of it: it is another one
// by now.
func (w *watcher) checkSeen(ctx context.Context) error {
	tasks := w.seen.tasks(10)
	for _, task := range tasks {
		_, err := w.to.client.Task(ctx, task)
		if err == nil {
			return nil
		}
		if !hasStatus(err, 404) {
			return err // it is asked again at the next start
		}
	}
	if len(tasks) == 0 {
		return nil
	}
	return w.seen.forget()
}

// recordOnce records what there is, and says what became of it.
func (w *watcher) recordOnce(ctx context.Context, c *cli.Command, all []places.Place, bar *progressBar) error {
	files := transcriptsIn(all)
	err := w.once(ctx, files, bar.show)
	bar.end()
	if ctx.Err() != nil {
		return err
	}
	out := c.Root().Writer
	fmt.Fprintf(out, "%s found: %s recorded, with %s\n", count(int64(len(files)), "file"), count(int64(w.sums.recorded), "run"), count(int64(w.sums.events), "new event"))
	if w.sums.private > 0 {
		fmt.Fprintf(out, "%s left out: -dry-run says why\n", count(int64(w.sums.private), "run"))
	}
	if w.sums.others > 0 {
		fmt.Fprintf(out, "%s recorded by somebody else now\n", count(int64(w.sums.others), "run"))
	}
	return err
}

// openers is how many old transcripts are recorded at a time: most of the time is waiting
// for disks, here and there.
const openers = 4

// once records transcripts, and ends. Moved hears how many of the bytes are done.
func (w *watcher) once(ctx context.Context, files []waitingFile, moved func(done, total int64)) error {
	var done, total int64
	for _, f := range files {
		total += f.bytes
	}
	var mu sync.Mutex
	var failed error
	next := make(chan waitingFile)
	var workers sync.WaitGroup
	for range openers {
		workers.Go(func() {
			for f := range next {
				err := w.onceFile(ctx, f)
				w.lift(ctx, false)
				mu.Lock()
				if err != nil && ctx.Err() == nil {
					failed = errors.Join(failed, fmt.Errorf("%s: %w", f.path, err))
				}
				done += f.bytes
				moved(done, total)
				mu.Unlock()
			}
		})
	}
	for _, f := range files {
		if ctx.Err() != nil {
			break
		}
		next <- f
	}
	close(next)
	workers.Wait()
	w.lift(ctx, true)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(failed, w.orphans(ctx))
}

func (w *watcher) onceFile(ctx context.Context, f waitingFile) error {
	t, err := w.open(ctx, f.path)
	var claimed *claimedError
	for errors.As(err, &claimed) && rest(ctx, time.Second) == nil {
		t, err = w.open(ctx, f.path)
	}
	if errors.Is(err, errElsewhere) {
		w.count(func(s *watchSums) { s.others++ })
		return nil
	}
	if err != nil || t == nil {
		return err
	}
	if t.rests(w.now()) || t.isHistory(w.now()) {
		return t.retire(ctx)
	}
	if t.events > 0 {
		w.count(func(s *watchSums) { s.recorded++; s.events += t.events })
		w.backfilled.add(t.id.task(), t.last, w.now())
	}
	return t.leave(ctx)
}

// transcriptsIn returns the transcripts in places, those that changed last first.
func transcriptsIn(all []places.Place) (files []waitingFile) {
	n := &notifier{places: all, unwatched: map[string]bool{}, known: map[string]fileState{}}
	n.warn = func(string) {} // what cannot be read is passed over
	defer n.databases.Close()
	n.found = func(path string, info fs.FileInfo) {
		if info == nil {
			return // a database, whose threads are told as well
		}
		files = append(files, waitingFile{path, info.ModTime(), info.Size()})
	}
	n.all()
	slices.SortStableFunc(files, func(a, b waitingFile) int { return b.changed.Compare(a.changed) })
	return files
}
