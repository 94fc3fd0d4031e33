package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/router/client"
)

// lookEvery is how often a file is looked at that grows. It is the same on every
// file system, and on a network.
const lookEvery = 250 * time.Millisecond

// followFile records a file that still grows, until ctx ends. Its spool stays, and
// tells the next time what is recorded. To finish is to read what there is and
// seal the session.
func followFile(ctx context.Context, c *cli.Command, task, name string, finish bool) (err error) {
	bundles, err := gather([]string{name})
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if len(bundles) != 1 || len(bundles[0].main) != 1 {
		return usagef("-follow needs one file, and %s is a folder, or a part of one", name)
	}
	path, err := filepath.Abs(bundles[0].main[0])
	if err != nil {
		return err
	}
	dir, err := spoolDir(c)
	if err != nil {
		return err
	}
	title, err := titleOf(c)
	if err != nil {
		return err
	}
	server, err := connect(c)
	if err != nil {
		return err
	}
	to, err := openDestination(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	f := &follower{
		path: path, dir: dir, task: task, title: title, to: to, server: server,
		format: transcript.Format(c.String("format")),
		warn:   func(text string) { fmt.Fprintf(c.Root().ErrWriter, "jrweb: import: %s\n", visible(text)) },
	}
	if finish {
		err = f.finish(ctx)
	} else {
		err = f.follow(ctx)
	}
	if err == nil && !finish && f.events > 0 {
		err = putTitle(context.WithoutCancel(ctx), c, server, task)
	}
	if err != nil {
		return explain(c, fmt.Errorf("import: %s: %w", path, err))
	}
	said := converted(f.events, f.main().Format(), &f.odd)
	if finish {
		fmt.Fprintf(c.Root().Writer, "task %s: %s is recorded: %s\n", task, path, said)
	} else {
		fmt.Fprintf(c.Root().Writer, "task %s: %s is recorded up to event %d: the same command goes on: %s\n", task, path, f.events, said)
	}
	return nil
}

// followName is what the spool of a followed file is called.
func followName(task, path string) string {
	return fmt.Sprintf("follow-%x", sha256.Sum256([]byte(task+"\x00"+path)))[:40]
}

// isFollowed reports whether a file was followed, and has not come to an end.
func isFollowed(c *cli.Command, task, name string) (bool, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return false, err
	}
	dir, err := spoolDir(c)
	if err != nil {
		return false, nil //nolint:nilerr // without a folder for spools there is none
	}
	_, err = os.Stat(spool.KeptPath(dir, followName(task, path)))
	return err == nil, nil
}

// follower records a run whose file grows, and those of its subagents.
type follower struct {
	path, dir   string
	task, title string
	to          *destination
	server      *client.Client
	format      transcript.Format
	warn        func(string)

	files    *growingFiles
	had      known            // events that other sessions have
	note     []byte           // what had was at the beginning
	recorded known            // events that the spool has, and that no line has told again yet
	pending  []eventlog.Event // until it is known who the agent is
	since    time.Time        // when the first of them came
	writer   *spool.Writer    // nil: nothing is recorded yet
	stop     func() error     // ends the delivery, once it has begun
	broken   context.CancelFunc
	events   int // that the files told
	kept     int // of these, those that are in the spool
	odd      oddities
	asText   bool // that it is text was said
}

// errAnother is what a file is told by that has less than was recorded of it.
var errAnother = errors.New("it does not hold what was recorded of it before: somebody wrote it anew: give it another name to record it from its start")

func (f *follower) main() *transcript.Converter { return f.files.main().feed.converter }

// begin opens the spool of an earlier time, or finds out what the log has of the file.
func (f *follower) begin(ctx context.Context) (resumed bool, err error) {
	if f.files, err = openGrowing(f.path, f.format); err != nil {
		return false, err
	}
	name := followName(f.task, f.path)
	if _, err := os.Stat(spool.KeptPath(f.dir, name)); err == nil {
		note, err := spool.Note(f.dir, name)
		if err != nil {
			return false, err
		}
		f.had = parseKnown(note)
		return true, f.open(spool.Run{}, nil)
	}
	f.had, err = f.inLog(ctx)
	f.note = f.had.note()
	return false, err
}

// inLog returns the events of the file that sessions of the task have.
func (f *follower) inLog(ctx context.Context) (known, error) {
	run, err := f.scan()
	if err != nil || run.count == 0 {
		return known{}, err
	}
	p, err := (&planner{server: f.server, run: run}).plan(ctx)
	if err != nil {
		return nil, err
	}
	if len(p.open) > 0 {
		return nil, fmt.Errorf("%s is open, and has the same run: end what records it first", sessionsOf(p.open))
	}
	had, n := known{}, 0
	if len(p.whole)+len(p.replaced) == 0 && !p.part {
		return had, nil
	}
	err = run.each(false, func(e fedEvent) error {
		if p.has == nil || p.has[n] {
			had[digestOf(&e.Event)]++
		}
		n++
		return nil
	})
	for _, d := range p.tail {
		had[d]++
	}
	return had, err
}

func (f *follower) scan() (*oldRun, error) {
	bundles, err := gather([]string{f.path})
	if err != nil {
		return nil, err
	}
	return scan(bundles[0], f.task, f.format, nil)
}

// open opens the spool.
func (f *follower) open(run spool.Run, note []byte) error {
	w, _, err := spool.Resume(f.dir, followName(f.task, f.path), run, note)
	if err != nil {
		return err
	}
	f.writer, f.recorded = w, known{}
	return w.Events(func(line []byte) {
		if e, err := parseLine(line); err == nil && e.Type != eventlog.TypeComplete {
			f.recorded[digestOf(&e)]++
		}
	})
}

func (f *follower) follow(ctx context.Context) (err error) {
	defer f.close(&err)
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	resumed, err := f.begin(working)
	if err != nil {
		return err
	}
	f.broken = cancel
	if resumed {
		if err := f.deliver(working); err != nil {
			return err
		}
	}
	err = f.read(working)
	cancel()
	if f.stop != nil {
		err = errors.Join(err, f.stop())
	}
	if err == nil && f.writer != nil {
		err = f.rest(ctx)
	}
	return err
}

// close closes what is open, and adds to err what fails.
func (f *follower) close(err *error) {
	if f.files != nil {
		f.files.close()
	}
	if f.writer != nil {
		*err = errors.Join(*err, f.writer.Close())
	}
}

// deliver begins to deliver the spool beside the reading.
func (f *follower) deliver(ctx context.Context) error {
	d, err := spool.Deliver(f.writer)
	if err != nil {
		return err
	}
	delivered := make(chan error, 1)
	go func() { delivered <- d.To(ctx, f.to.server); f.broken() }()
	f.stop = func() error {
		err := <-delivered
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		return errors.Join(err, d.Close())
	}
	return nil
}

// rest delivers what there is, as long as the server takes anything.
func (f *follower) rest(ctx context.Context) error {
	d, err := spool.Deliver(f.writer)
	if err != nil {
		return err
	}
	last, moved, stop := whileItMoves(context.WithoutCancel(ctx), grace)
	defer stop()
	d.Moved = moved
	return errors.Join(d.Rest(last, f.to.server), d.Close())
}

// read reads what there is, and waits for more.
func (f *follower) read(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for first := true; ctx.Err() == nil; first = false {
		err := f.files.round(false, func(e fedEvent) error {
			if ctx.Err() != nil {
				return errEnough // the next time goes on with what is there
			}
			return f.record(ctx, e.Event)
		})
		if errors.Is(err, errEnough) {
			break
		}
		if err == nil && len(f.pending) > 0 && time.Since(f.since) >= introduction {
			err = f.write(ctx)
		}
		if err != nil {
			return err
		}
		if first && f.recorded.left() > 0 {
			return errAnother
		}
		f.sayText()
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	if len(f.pending) > 0 {
		return f.write(ctx)
	}
	return nil
}

// sayText says once that nobody knows the format.
func (f *follower) sayText() {
	if !f.asText && f.format == transcript.Auto && f.main().Format() == transcript.Text {
		f.asText = true
		f.warn(f.path + " is in no format that is known: its lines are kept as text")
	}
}

// mostPending is how many events are held until the agent says who it is.
const mostPending = 64

// record writes down an event that nobody has.
func (f *follower) record(ctx context.Context, e eventlog.Event) error {
	f.events++
	f.odd.see(&e)
	digest := digestOf(&e)
	if f.recorded.take(digest) {
		f.kept++
		return nil
	}
	if f.had.take(digest) {
		return nil
	}
	f.kept++
	if len(f.pending) == 0 {
		f.since = time.Now()
	}
	f.pending = append(f.pending, e)
	// What an agent's first lines tell, its id above all, is to stand at the session's
	// start, and the time of the first line that has one.
	known := f.main().Origin().Session != "" && !e.Time.IsZero()
	if f.writer != nil || known || len(f.pending) >= mostPending {
		return f.write(ctx)
	}
	return nil
}

// write writes what is pending to the spool, which is made if there is none.
func (f *follower) write(ctx context.Context) error {
	var first time.Time
	for _, e := range f.pending {
		if first.IsZero() {
			first = e.Time
		}
	}
	started := first
	if first.IsZero() {
		first = time.Now()
	}
	for i := range f.pending {
		if f.pending[i].Time.IsZero() {
			f.pending[i].Time = first
		}
	}
	if f.writer == nil {
		o := f.main().Origin()
		run := runOf(o)
		run.Task, run.Title, run.To, run.Started = f.task, f.title, f.to.name, started
		if err := f.open(run, f.note); err != nil {
			return err
		}
		if f.broken != nil {
			if err := f.deliver(ctx); err != nil {
				return err
			}
		}
	}
	err := f.writer.Append(f.pending...)
	f.pending = nil
	return err
}

// runOf says what is known of a run, for the start of its session.
func runOf(o transcript.Origin) spool.Run {
	start := startOf(o)
	return spool.Run{
		Agent: start.Agent, Version: start.Version, Model: start.Model, Cwd: start.Cwd, Branch: start.Branch,
		Machine: start.Machine, ExternalID: start.ExternalID, ParentExternalID: start.ParentExternalID,
	}
}

// finish records what there is, and the end.
func (f *follower) finish(ctx context.Context) (err error) {
	defer f.close(&err)
	if resumed, err := f.begin(ctx); err != nil || !resumed {
		return errors.Join(err, ctx.Err())
	}
	d, err := spool.Deliver(f.writer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	run, err := f.scan()
	if err != nil {
		return err
	}
	mark := importMark{textID: run.text, Part: len(f.had) > 0}
	f.files.upTo(run)
	err = f.files.round(true, func(e fedEvent) error {
		before := f.kept
		err := f.record(ctx, e.Event)
		if e.tail && f.kept > before {
			mark.addTail(f.kept)
		}
		return err
	})
	if err != nil {
		return err
	}
	if f.recorded.left() > 0 {
		return errAnother
	}
	at := run.last
	if at.IsZero() {
		at = time.Now()
	}
	if err := f.writer.End(complete(run.outcome, at, mark)); err != nil {
		return err
	}
	last, moved, stop := whileItMoves(ctx, flushPatience)
	defer stop()
	d.Moved = moved
	if err := d.To(last, f.to.server); err != nil {
		return err
	}
	return d.Remove()
}
