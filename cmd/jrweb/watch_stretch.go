package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// stretch is a stretch of an agent's work without a long rest: a session. Its spool keeps
// its name, so that it goes on after the process has died.
type stretch struct {
	writer *spool.Writer
	last   time.Time // of its events
	first  time.Time // of its events, if hooks have begun the session
}

// stretchPrefix is how the spools of a watch are called.
const stretchPrefix = "watch-"

// spoolsOf is how the spools of a task for one destination are called, without their times.
func spoolsOf(task, to string) string {
	sum := sha256.Sum256([]byte(task + "\x00" + to))
	return fmt.Sprintf("%s%x-", stretchPrefix, sum[:12])
}

func newStretch(dir, task string, run spool.Run) (*stretch, error) {
	name := spoolsOf(task, run.To) + run.Started.UTC().Format("20060102T150405.000")
	w, _, err := spool.Resume(dir, name, run, nil)
	if err != nil {
		return nil, err
	}
	return &stretch{writer: w, last: run.Started}, nil
}

// resumeStretch opens a spool that was left behind. It tells all of its events.
func resumeStretch(path string, take func(*eventlog.Event)) (*stretch, error) {
	dir, base := filepath.Split(path)
	w, _, err := spool.Resume(dir, strings.TrimSuffix(base, filepath.Ext(base)), spool.Run{}, nil)
	if err != nil {
		return nil, err
	}
	s := &stretch{writer: w, last: w.Run().Started}
	err = w.Events(func(line []byte) {
		e, err := parseLine(line)
		if err != nil {
			return
		}
		var at struct{ Time time.Time }
		if json.Unmarshal(line, &at) == nil {
			s.touch(at.Time)
		}
		if e.Type != eventlog.TypeComplete {
			take(&e)
		}
	})
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return s, nil
}

// touch says that the stretch has an event of a time. It may be nil.
func (s *stretch) touch(at time.Time) {
	if s == nil {
		return
	}
	if at.After(s.last) {
		s.last = at
	}
	if s.joins() && !at.IsZero() && (s.first.IsZero() || at.Before(s.first)) {
		s.first = at
	}
}

// joins reports whether the stretch goes on with a session of hooks.
func (s *stretch) joins() bool { return !s.writer.Run().Join.IsZero() }

func (s *stretch) append(events []eventlog.Event) error {
	for _, e := range events {
		s.touch(e.Time)
	}
	return s.writer.Append(events...)
}

// end seals the session, at the time of its last event.
func (s *stretch) end(how transcript.Outcome) error {
	return s.writer.End(eventlog.Event{Type: eventlog.TypeComplete, Actor: eventlog.System, Time: s.last, Data: mustJSON(watchedEnd{
		Status: how.Status, Reason: clip(how.Reason, mostReason), Watched: true, Since: s.first,
	})})
}

// session is the session of the stretch, zero if it has none yet.
func (s *stretch) session() (eventlog.SessionID, error) {
	d, err := spool.Deliver(s.writer)
	if err != nil {
		return eventlog.SessionID{}, err
	}
	return d.Session(), d.Close()
}

// queue delivers the stretches of a thread, one after the other.
type queue struct {
	ctx    context.Context
	server spool.Server

	mu       sync.Mutex
	waiting  []*stretch
	busy     bool
	err      error         // why it has stopped, if not only by ctx
	progress chan struct{} // closed and renewed when a stretch is delivered, or none is any more
}

func newQueue(ctx context.Context, server spool.Server) *queue {
	return &queue{ctx: ctx, server: server, progress: make(chan struct{})}
}

// add delivers a stretch after those that were added before.
func (q *queue) add(s *stretch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, s)
	if !q.busy && q.err == nil {
		q.busy = true
		go q.work()
	}
}

// work delivers until nothing waits.
func (q *queue) work() {
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.stop(nil)
			return
		}
		next := q.waiting[0]
		q.mu.Unlock()
		if err := deliverStretch(q.ctx, next, q.server); err != nil {
			q.mu.Lock()
			q.stop(err)
			return
		}
		q.mu.Lock()
		q.waiting = q.waiting[1:]
		q.tell()
		q.mu.Unlock()
	}
}

// stop ends the work. The caller holds mu, and stop releases it.
func (q *queue) stop(err error) {
	q.busy, q.err = false, err
	q.tell()
	q.mu.Unlock()
}

func (q *queue) tell() {
	close(q.progress)
	q.progress = make(chan struct{})
}

// deliverStretch delivers all of a stretch, and removes its spool. A person who ends the
// session as canceled stops nothing here: the agent goes on, and so does its record.
func deliverStretch(ctx context.Context, s *stretch, server spool.Server) error {
	d, err := spool.Deliver(s.writer)
	if err != nil {
		return err
	}
	if err = d.To(ctx, server); err == nil {
		err = d.Remove()
	}
	err = errors.Join(err, d.Close())
	if err == nil {
		err = s.writer.Forget()
	}
	return err
}

// drained waits until all is delivered, or the work has stopped, and returns why.
func (q *queue) drained() error {
	for {
		q.mu.Lock()
		left, busy, err, progress := len(q.waiting), q.busy, q.err, q.progress
		q.mu.Unlock()
		if left == 0 || !busy {
			return err
		}
		<-progress
	}
}

// failed returns why the work has stopped, nil if it has not.
func (q *queue) failed() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

// stopped waits for the end of the work, which the context or the end of all stretches
// brings.
func (q *queue) stopped() {
	for {
		q.mu.Lock()
		busy, progress := q.busy, q.progress
		q.mu.Unlock()
		if !busy {
			return
		}
		<-progress
	}
}

// rest delivers what there is, after the work has stopped, as long as the server takes
// anything.
func (q *queue) rest(ctx context.Context) error {
	for _, s := range q.waiting {
		d, err := spool.Deliver(s.writer)
		if err != nil {
			return err
		}
		last, moved, stop := whileItMoves(ctx, flushPatience)
		d.Moved = moved
		err = errors.Join(d.Rest(last, q.server), d.Close())
		stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// close closes the spools that are left, once the work has stopped.
func (q *queue) close() error {
	q.stopped()
	var err error
	for _, s := range q.waiting {
		err = errors.Join(err, s.writer.Close())
	}
	q.waiting = nil
	return err
}
