package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// lookEvery is how often a file is looked at that grows. It is the same on every
// file system, and on a network.
const lookEvery = 250 * time.Millisecond

// followFile records a file that still grows, until ctx ends. Its spool stays, and
// tells the next time how much is recorded. To finish is to read what there is and
// seal the session.
func followFile(ctx context.Context, c *cli.Command, task, name string, finish bool) (err error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	dir, err := spoolDir(c)
	if err != nil {
		return err
	}
	to, err := openDestination(ctx, c)
	if err != nil {
		return err
	}
	f := &follower{path: path}
	defer func() { err = errors.Join(err, to.close()) }()
	if f.converter, err = transcript.New(transcript.Format(c.String("format")), nil); err != nil {
		return err
	}
	if f.file, err = os.Open(path); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer func() { _ = f.file.Close() }() // it was only read from
	if finish {
		err = f.finish(ctx, dir, task, to)
	} else {
		err = f.follow(ctx, dir, task, to)
	}
	if err != nil {
		return explain(c, fmt.Errorf("import: %s: %w", path, err))
	}
	if finish {
		fmt.Fprintf(c.Root().Writer, "task %s: %s is recorded: %s as %s\n", task, path, count(int64(f.events), "event"), f.converter.Format())
	} else {
		fmt.Fprintf(c.Root().Writer, "task %s: %s is recorded up to event %d: the same command goes on\n", task, path, f.events)
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

type follower struct {
	path      string
	file      *os.File
	size      int64 // that was read
	converter *transcript.Converter
	lines     *transcript.Splitter
	times     times
	writer    *spool.Writer
	skip      int // events that the spool has already
	events    int
	failed    error
}

// errAnother is what a file is told by that has less than was recorded of it.
var errAnother = errors.New("it does not hold what was recorded of it before: somebody wrote it anew: give it another name to record it from its start")

// open opens the spool and begins to deliver it.
func (f *follower) open(dir, task string, to *destination) (*spool.Delivery, error) {
	w, recorded, err := spool.Resume(dir, followName(task, f.path), spool.Run{Task: task, To: to.name})
	if err != nil {
		return nil, err
	}
	f.writer, f.skip, f.lines = w, recorded, transcript.NewSplitter(0)
	d, err := spool.Deliver(w)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return d, nil
}

func (f *follower) follow(ctx context.Context, dir, task string, to *destination) error {
	d, err := f.open(dir, task, to)
	if err != nil {
		return err
	}
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	delivered := make(chan error, 1)
	go func() { delivered <- d.To(working, to.server); cancel() }()
	err = f.read(working, false)
	cancel()
	if stopped := <-delivered; !errors.Is(stopped, context.Canceled) {
		err = errors.Join(err, stopped)
	}
	if err == nil {
		last, moved, stop := whileItMoves(context.WithoutCancel(ctx), grace)
		defer stop()
		d.Moved = moved
		err = d.Rest(last, to.server)
	}
	return errors.Join(err, d.Close(), f.writer.Close())
}

// finish records what there is, and the end.
func (f *follower) finish(ctx context.Context, dir, task string, to *destination) error {
	d, err := f.open(dir, task, to)
	if err != nil {
		return err
	}
	err = f.read(ctx, true)
	if err == nil {
		f.lines.Rest(func(l transcript.Line) { f.record(f.converter.Line(l)) })
		f.record(f.converter.End())
		if f.skip > 1 { // one is the end, if it was recorded before, and not delivered
			f.failed = errAnother
		}
		end := eventlog.Event{Type: eventlog.TypeComplete, Actor: eventlog.System, Time: time.Now(),
			Data: importedAs(f.converter.Outcome())}
		if err = f.failed; err == nil {
			err = f.writer.End(end)
		}
	}
	if err == nil {
		last, moved, stop := whileItMoves(ctx, flushPatience)
		defer stop()
		d.Moved = moved
		err = d.To(last, to.server)
	}
	if err == nil {
		err = d.Remove()
	}
	return errors.Join(err, d.Close(), f.writer.Close())
}

// read reads what there is, and waits for more, unless that is to be all.
func (f *follower) read(ctx context.Context, all bool) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for chunk := make([]byte, 64<<10); ctx.Err() == nil; {
		n, err := f.file.ReadAt(chunk, f.size)
		f.size += int64(n)
		f.lines.Split(chunk[:n], func(l transcript.Line) { f.record(f.converter.Line(l)) })
		if f.failed != nil {
			return f.failed
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			return err
		}
		if info, err := f.file.Stat(); err != nil || info.Size() < f.size {
			return errors.Join(errors.New("the file is shorter than it was: somebody writes it anew"), err)
		}
		if all {
			return nil
		}
		if f.skip > 0 {
			return errAnother
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// record writes down the events that the spool does not have.
func (f *follower) record(events []eventlog.Event) {
	for i := range events {
		events[i] = f.times.fill(events[i])
		if events[i].Time.IsZero() {
			events[i].Time = time.Now()
		}
	}
	f.events += len(events)
	if known := min(f.skip, len(events)); known > 0 {
		f.skip, events = f.skip-known, events[known:]
	}
	if len(events) > 0 && f.failed == nil {
		f.failed = f.writer.Append(events...)
	}
}
