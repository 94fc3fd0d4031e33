package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

const (
	// lookDelay is how long a look waits for more after a file has changed.
	lookDelay = 300 * time.Millisecond
	// arrival is how long a new transcript waits: the one who runs the agent may record it.
	arrival = 2 * time.Second
	// elsewhere is how long it takes until we ask again whether somebody records a run.
	elsewhere = 30 * time.Second
	// pollLive is how often the files of agents at work are looked at that the system does
	// not tell of.
	pollLive = time.Second
	// adoptAfter is how long nothing must have waited before spools are ended whose
	// transcripts are gone.
	adoptAfter = time.Minute
)

// livewatch follows what changes. One goroutine, run, looks at the threads of agents at
// work; two open what waits: one for what changes now, one for what is old.
type livewatch struct {
	*watcher
	notify *notifier
	fresh  *backlog
	past   *backlog
	bar    *progressBar // of the past

	changed chan change
	adopted chan *thread
	given   chan string // tasks whose thread is to be given up: another file of it is at work
	threads map[string]*thread
	files   map[string]string // the main file of the thread that a file is of
	due     map[string]time.Time
	retired sync.WaitGroup
	walked  atomic.Bool // all that was there at the start is in a backlog, or open
}

// change is a file that has changed; info is nil if it is gone. One without a path says that
// all files were told that were there at the start.
type change struct {
	path string
	info fs.FileInfo
}

func newLivewatch(w *watcher, bar *progressBar, notify func(found func(string, fs.FileInfo)) *notifier) *livewatch {
	l := &livewatch{
		watcher: w, bar: bar, fresh: newBacklog(), past: newBacklog(),
		changed: make(chan change, 64), adopted: make(chan *thread), given: make(chan string, 1),
		threads: map[string]*thread{}, files: map[string]string{}, due: map[string]time.Time{},
	}
	l.notify = notify(func(path string, info fs.FileInfo) { l.changed <- change{path, info} })
	return l
}

// run records until ctx ends, and leaves open what is at work.
func (l *livewatch) run(ctx context.Context) error {
	var working sync.WaitGroup
	working.Go(func() { l.notify.run(ctx) })
	working.Go(func() { l.work(ctx, l.fresh, false) })
	for range openers {
		working.Go(func() { l.work(ctx, l.past, true) })
	}
	working.Go(func() { l.orphansLater(ctx) })
	l.loop(ctx)
	ended := make(chan struct{})
	go func() { working.Wait(); l.retired.Wait(); close(ended) }()
	for open := true; open; {
		select {
		case <-l.changed:
		case t := <-l.adopted:
			l.threads[t.path] = t
		case <-l.given:
		case <-ended:
			open = false
		}
	}
	var err error
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for _, t := range l.threads {
		if failed := t.leave(last); failed != nil && last.Err() == nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", t.path, failed))
		}
	}
	return err
}

func (l *livewatch) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	timer.Stop()
	defer timer.Stop()
	for {
		l.rearm(timer)
		select {
		case <-ctx.Done():
			return
		case c := <-l.changed:
			l.change(ctx, c)
		case t := <-l.adopted:
			l.threads[t.path] = t
			l.watchFiles(t)
			l.due[t.path] = l.now() // it may have changed since it was read
		case task := <-l.given:
			l.give(task)
		case <-timer.C:
			now := l.now()
			for path, at := range l.due {
				if !at.After(now) && ctx.Err() == nil {
					delete(l.due, path)
					l.look(ctx, path)
				}
			}
		}
	}
}

// rearm sets the timer to what is due next: a look, or the rest of a thread.
func (l *livewatch) rearm(timer *time.Timer) {
	var next time.Time
	sooner := func(at time.Time) {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	for _, at := range l.due {
		sooner(at)
	}
	if next.IsZero() {
		timer.Stop()
		return
	}
	timer.Reset(max(0, next.Sub(l.now())))
}

// soon makes a path due, unless it is earlier already.
func (l *livewatch) soon(path string, after time.Duration) {
	at := l.now().Add(after)
	if was, is := l.due[path]; !is || at.Before(was) {
		l.due[path] = at
	}
}

func (l *livewatch) change(ctx context.Context, c change) {
	if c.path == "" {
		l.walked.Store(true)
		l.retired.Go(func() { l.lift(ctx, l.past.quiet()) })
		return
	}
	if l.names.databases.Database(c.path) != nil {
		l.databaseChanged(c.path)
		return
	}
	switch main := l.files[c.path]; {
	case main != "":
		l.soon(main, lookDelay)
	case c.info == nil:
	case l.seen.has(stateOf(c.info)):
	case l.now().Sub(c.info.ModTime()) > l.idle:
		l.past.add(waitingFile{c.path, c.info.ModTime(), c.info.Size()})
	default:
		l.soon(c.path, arrival)
	}
}

// databaseChanged looks at the threads at work that are in a database: what they are in the
// middle of need not show in its list of threads.
func (l *livewatch) databaseChanged(path string) {
	for thread := range l.threads {
		if filepath.Dir(thread) == path {
			l.soon(thread, lookDelay)
		}
	}
}

// look looks at a path that is due: at a thread, or at a transcript that is to be opened.
func (l *livewatch) look(ctx context.Context, path string) {
	t := l.threads[path]
	if t == nil {
		if info, err := l.stat(path); err == nil {
			l.fresh.add(waitingFile{path, info.ModTime(), info.Size()})
		}
		return
	}
	err := t.read(ctx, false)
	if err == nil {
		err = t.delivery.failed()
	}
	if err != nil {
		l.forget(t)
		l.tell(t.path, errors.Join(err, t.close(), t.discard(err)))
		if ctx.Err() == nil {
			l.soon(path, arrival)
		}
		return
	}
	l.watchFiles(t)
	if t.rests(l.now()) {
		l.forget(t)
		l.retired.Go(func() { l.end(ctx, t) })
		return
	}
	if l.notify.polls() {
		l.soon(path, pollLive)
	} else {
		l.soon(path, max(time.Second, t.ends().Sub(l.now())))
	}
}

// end retires a thread. If its file has changed meanwhile, it is opened again.
func (l *livewatch) end(ctx context.Context, t *thread) {
	if err := t.retire(ctx); err != nil {
		l.tell(t.path, err)
	}
	if info, err := l.stat(t.path); err == nil && ctx.Err() == nil && !l.seen.has(stateOf(info)) {
		select {
		case l.changed <- change{t.path, info}:
		case <-ctx.Done():
		}
	}
}

func (l *livewatch) forget(t *thread) {
	delete(l.threads, t.path)
	delete(l.due, t.path)
	for file, main := range l.files {
		if main == t.path {
			delete(l.files, file)
		}
	}
}

// watchFiles notes which files a thread has, and asks to be told of those of its
// subagents.
func (l *livewatch) watchFiles(t *thread) {
	paths := t.bundle.paths()
	if g, growing := t.teller.(*growingTeller); growing {
		for _, f := range g.files.files {
			paths = append(paths, f.path)
		}
	}
	for _, path := range paths {
		if l.files[path] == "" && path != t.path {
			l.notify.subscribeTo(filepath.Dir(path))
		}
		l.files[path] = t.path
	}
	if t.bundle.thread != nil {
		return
	}
	folder := filepath.Join(strings.TrimSuffix(t.path, filepath.Ext(t.path)), subagentsFolder)
	if info, err := os.Stat(folder); err == nil && info.IsDir() {
		l.notify.subscribeTo(folder)
	}
}

// give gives a thread up, so that another file of it can be opened.
func (l *livewatch) give(task string) {
	for _, t := range l.threads {
		if t.id.task() == task {
			l.forget(t)
			l.tell(t.path, t.close())
			return
		}
	}
}

// tell warns of an error that a person can do something about.
func (l *livewatch) tell(path string, err error) {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, errRewritten) || errors.Is(err, spool.ErrRecorded) || errors.Is(err, fs.ErrNotExist) {
		return
	}
	l.warn(path + ": " + err.Error())
}

// work opens what waits. What is old is recorded with rests, as long as the work takes: it
// must not be felt.
func (l *livewatch) work(ctx context.Context, b *backlog, past bool) {
	for {
		f, more := b.next(ctx)
		if !more {
			return
		}
		began := time.Now()
		l.openNow(ctx, f)
		b.done(f)
		if past {
			over := l.walked.Load() && b.quiet()
			l.bar.show(b.progress())
			l.lift(ctx, over)
			if over {
				l.bar.end()
				// Else the runtime gives the memory of the backfill back bit by bit, and wakes
				// for it for many minutes.
				debug.FreeOSMemory()
			}
		}
		if past && rest(ctx, time.Since(began)) != nil {
			return
		}
	}
}

func (l *livewatch) openNow(ctx context.Context, f waitingFile) {
	t, err := l.open(ctx, f.path)
	var claimed *claimedError
	switch {
	case errors.As(err, &claimed):
		select {
		case l.given <- claimed.task:
		default: // another is being given up
		}
		l.later(ctx, f, time.Second)
	case errors.Is(err, errElsewhere):
		l.later(ctx, f, elsewhere)
	case err != nil:
		l.tell(f.path, err)
		if errors.Is(err, errRewritten) || errors.Is(err, spool.ErrRecorded) {
			l.later(ctx, f, arrival)
		}
	case t == nil:
	case t.rests(l.now()):
		l.end(ctx, t)
	case t.isHistory(l.now()):
		l.tell(t.path, t.close())
		l.later(ctx, f, settling)
	default:
		l.backfilled.add(t.id.task(), t.last, l.now())
		l.adopted <- t // also when ctx has ended: run leaves it
	}
}

// later adds a transcript to the backlog again.
func (l *livewatch) later(ctx context.Context, f waitingFile, after time.Duration) {
	l.retired.Go(func() {
		if rest(ctx, after) == nil {
			l.fresh.add(f)
		}
	})
}

// orphansLater ends spools whose transcripts are gone, once nothing waits any more.
func (l *livewatch) orphansLater(ctx context.Context) {
	for rest(ctx, adoptAfter) == nil {
		if l.past.quiet() && l.fresh.quiet() {
			l.tell(l.dir, l.orphans(ctx))
			return
		}
	}
}

// orphans ends and delivers the spools of transcripts that are gone.
func (w *watcher) orphans(ctx context.Context) error {
	paths, err := spool.Paths(w.dir)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), stretchPrefix) {
			err = errors.Join(err, w.orphan(ctx, path))
		}
	}
	return err
}

func (w *watcher) orphan(ctx context.Context, path string) error {
	d, err := spool.Open(path)
	if errors.Is(err, spool.ErrBusy) || errors.Is(err, fs.ErrNotExist) {
		return nil // it is being recorded
	}
	if err != nil {
		return err
	}
	run := d.Run()
	if err := d.Close(); err != nil || run.To != w.to.name || w.isMet(run.Task) || !w.claim(run.Task, path) {
		return err
	}
	defer w.release(run.Task)
	s, err := resumeStretch(path, func(*eventlog.Event) {})
	if err != nil {
		return err
	}
	if !s.writer.Ended() {
		err = s.end(transcript.Outcome{Status: eventlog.Interrupted, Reason: "its transcript is gone"})
	}
	if err == nil {
		err = deliverStretch(ctx, s, w.server)
	}
	if err != nil {
		err = errors.Join(err, s.writer.Close())
	}
	return err
}
