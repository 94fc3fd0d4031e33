package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"jrweb/cmd/jrweb/internal/source"
	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/eventlog/redact"
	"jrweb/eventlog/transcript"
)

// watcher records the transcripts of all agents of a machine.
type watcher struct {
	to     *destination
	server spool.Server
	dir    string // of the spools
	idle   time.Duration
	seen   *seen
	privacy
	append eventlog.AppendFunc // takes secrets out; nil: nothing is
	warn   func(string)
	now    func() time.Time
	names  sessionNames
	// backfilled are tasks of old runs, and of those at work meanwhile.
	backfilled backfilled

	mu      sync.Mutex
	claimed map[string]string // by task: which transcript is being recorded, one at a time
	met     map[string]bool   // tasks that were claimed for a transcript: it is not gone
	sums    watchSums
}

// watchSums count what became of transcripts.
type watchSums struct{ recorded, events, private, others int }

// errElsewhere says that a run is recorded, but not by us.
var errElsewhere = errors.New("somebody else records this run now")

// claimedError says that another file of the same run is being recorded.
type claimedError struct{ task string }

func (e *claimedError) Error() string {
	return "another file of the run is being recorded in task " + e.task
}

func newWatcher(to *destination, dir string, idle time.Duration, s *seen, p privacy, secrets bool, warn func(string)) *watcher {
	w := &watcher{
		to: to, dir: dir, idle: idle, seen: s, privacy: p, warn: warn, now: time.Now, claimed: map[string]string{}, met: map[string]bool{},
	}
	w.server = &patient{Server: to.server, to: to.name, warn: warn}
	if secrets {
		w.append = redact.Middleware(nil)(func(context.Context, *eventlog.Batch) (eventlog.Appended, error) {
			return eventlog.Appended{}, nil
		})
	}
	return w
}

// clean returns an event without secrets.
func (w *watcher) clean(ctx context.Context, e eventlog.Event) (eventlog.Event, error) {
	if w.append == nil {
		return e, nil
	}
	b := &eventlog.Batch{Events: []eventlog.Event{e}}
	_, err := w.append(ctx, b)
	return b.Events[0], err
}

// patient tells once that a server is away, and that it is back. Nobody who ends a session
// stops an agent that is only watched: what it goes on with is another session.
type patient struct {
	spool.Server
	to   string
	warn func(string)

	mu   sync.Mutex
	away bool
}

func (p *patient) Start(ctx context.Context, run spool.Run, key string) (eventlog.SessionID, error) {
	id, err := p.Server.Start(ctx, run, key)
	p.heard(ctx, err)
	return id, err
}

func (p *patient) Append(ctx context.Context, run spool.Run, session eventlog.SessionID, key string, lines []byte) error {
	err := p.Server.Append(ctx, run, session, key, lines)
	p.heard(ctx, err)
	return err
}

// Stopped implements [spool.Server].
func (*patient) Stopped(context.Context, spool.Run, eventlog.SessionID) (string, error) {
	return "", nil
}

func (p *patient) heard(ctx context.Context, err error) {
	final := errors.Is(err, spool.ErrGone) || errors.Is(err, spool.ErrRefused) || errors.Is(err, spool.ErrRecorded)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil && !final && !p.away && ctx.Err() == nil:
		p.away = true
		p.warn(fmt.Sprintf("%s does not take anything now: %v: what agents do waits on this disk", p.to, err))
	case (err == nil || final) && p.away:
		p.away = false
		p.warn(p.to + " takes it again")
	}
}

// open begins to record a transcript: it is read from its start, and what the log has, or
// a spool, is passed over. The thread is nil if there is nothing to be recorded, with the
// reason.
func (w *watcher) open(ctx context.Context, path string) (_ *thread, err error) {
	b, err := bundleOf(path, &w.names)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it is gone
	}
	if err != nil || b == nil {
		return nil, err
	}
	states, err := statesOf(b)
	if err != nil || w.allSeen(states) {
		return nil, err
	}
	in, err := introduce(b)
	if _, refused := errors.AsType[*source.Refused](err); refused || err == nil && in.format == transcript.Text {
		return nil, w.seen.add("", states...)
	}
	if err != nil {
		return nil, err
	}
	if in.format == transcript.Auto || in.first == "" {
		return nil, nil // it has not begun
	}
	if w.why(b.main[0], in.Origin) != "" {
		w.count(func(s *watchSums) { s.private++ })
		return nil, nil
	}
	t := &thread{watcher: w, id: idOf(&in), path: b.main[0], bundle: b, cwd: in.Dir, parent: in.Parent}
	if !w.claim(t.id.task(), t.path) {
		return nil, &claimedError{t.id.task()}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	working, cancel := context.WithCancel(ctx)
	t.cancel, t.delivery = cancel, newQueue(working, w.server)
	if err := t.resume(ctx); err != nil {
		return nil, err
	}
	if err := t.ask(ctx); err != nil {
		return nil, err
	}
	if !t.cover.hooked.ID.IsZero() {
		if err := t.join(ctx, in.Origin); err != nil {
			return nil, err
		}
	}
	if t.teller, err = openTeller(b, &w.names); err != nil {
		return nil, err
	}
	t.lastChange()
	return t, t.read(ctx, false)
}

// resume opens the spools that an earlier time has left of the thread.
func (t *thread) resume(ctx context.Context) error {
	paths, err := spool.Paths(t.dir)
	if err != nil {
		return err
	}
	t.spooled = known{}
	for _, path := range paths {
		if !strings.HasPrefix(filepath.Base(path), spoolsOf(t.id.task(), t.to.name)) {
			continue
		}
		s, err := resumeStretch(path, func(e *eventlog.Event) { t.spooled[digestOf(e)]++ })
		if err != nil {
			return err
		}
		if id, err := s.session(); err != nil || id.IsZero() && s.joins() {
			if err == nil {
				err = t.startJoined(ctx, s)
			}
			if err != nil {
				return err
			}
		}
		if t.current != nil { // only the last is open, unless a kill came between
			if err := t.current.end(transcript.Outcome{Status: eventlog.Interrupted, Reason: "the recording was broken off"}); err != nil {
				return err
			}
		}
		if t.current = s; s.writer.Ended() {
			t.current = nil
		}
		t.delivery.add(s)
	}
	return nil
}

// ask asks the log what it has of the thread, until it answers.
func (t *thread) ask(ctx context.Context) error {
	mine := map[eventlog.SessionID]spool.Run{}
	t.delivery.mu.Lock()
	stretches := slices.Clone(t.delivery.waiting)
	t.delivery.mu.Unlock()
	for _, s := range stretches {
		id, err := s.session()
		if err != nil {
			return err
		}
		mine[id] = s.writer.Run()
	}
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		var err error
		t.cover, err = coverageOf(ctx, t.to.client, t.id, mine, t.clean)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if p, ok := t.server.(*patient); ok {
			p.heard(ctx, err)
		}
		if rest(ctx, pause) != nil {
			return ctx.Err()
		}
	}
	if !t.cover.open.IsZero() && len(stretches) == 0 {
		return errElsewhere
	}
	// What a spool has is not also missing of a session that ended before it had all.
	for d, n := range t.spooled {
		t.cover.had[d] -= min(n, t.cover.had[d])
	}
	return nil
}

// rest waits, at most until ctx ends.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// statesOf returns how the files of a run are now.
func statesOf(b *bundle) (states []fileState, err error) {
	if b.thread != nil {
		info, err := b.thread.Stat()
		return []fileState{stateOf(info)}, err
	}
	for _, path := range b.paths() {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) && path != b.main[0] {
			continue
		}
		if err != nil {
			return nil, err
		}
		states = append(states, stateOf(info))
	}
	return states, nil
}

// stat describes a transcript, which may be a thread in a database.
func (w *watcher) stat(path string) (fs.FileInfo, error) {
	if thread := w.names.databases.Thread(path); thread != nil {
		return thread.Stat()
	}
	return os.Stat(path)
}

func (w *watcher) allSeen(states []fileState) bool {
	return !slices.ContainsFunc(states, func(s fileState) bool { return !w.seen.has(s) })
}

func (w *watcher) count(add func(*watchSums)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	add(&w.sums)
}

// claim takes a task for a transcript, unless another one has it.
func (w *watcher) claim(task, path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, taken := w.claimed[task]; taken {
		return false
	}
	w.claimed[task], w.met[task] = path, true
	return true
}

// isMet reports whether a task has a transcript.
func (w *watcher) isMet(task string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.met[task]
}

func (w *watcher) release(task string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.claimed, task)
}

// close gives the thread up as it is. Its spools stay, for the next time.
func (t *thread) close() error {
	if t.teller != nil {
		t.teller.close()
	}
	t.cancel()
	err := t.delivery.close()
	if t.joined != nil {
		err = errors.Join(err, t.joined.writer.Close())
	}
	t.release(t.id.task())
	return err
}

// leave delivers what there is, and gives the thread up as it is: its session stays open.
func (t *thread) leave(ctx context.Context) error {
	t.cancel()
	t.delivery.stopped()
	err := t.delivery.rest(ctx)
	return errors.Join(err, t.close())
}

// retire records what the files tell at their end, seals the session, and waits until the
// log has all of it.
func (t *thread) retire(ctx context.Context) error {
	states, err := statesOf(t.bundle)
	if err == nil {
		var b *bundle // as it is now: a subagent may have come
		if b, err = bundleOf(t.path, &t.names); err == nil && b != nil {
			states, err = statesOf(b)
		}
	}
	gone := errors.Is(err, fs.ErrNotExist)
	if err != nil && !gone {
		return errors.Join(err, t.close())
	}
	err = t.finish(ctx)
	if err == nil {
		err = t.delivery.drained()
	}
	if err == nil && !gone {
		err = t.seen.add(t.id.task(), states...)
	}
	if err == nil && t.events > 0 {
		t.count(func(s *watchSums) { s.recorded++; s.events += t.events })
		t.backfilled.add(t.id.task(), t.last, t.now())
	}
	return errors.Join(err, t.close(), t.discard(err))
}

// discard removes the spools of sessions that were refused because somebody else records
// the same.
func (t *thread) discard(why error) error {
	if !errors.Is(why, spool.ErrRecorded) {
		return nil
	}
	paths, err := spool.Paths(t.dir)
	for _, path := range paths {
		if !strings.HasPrefix(filepath.Base(path), spoolsOf(t.id.task(), t.to.name)) {
			continue
		}
		d, openErr := spool.Open(path)
		if openErr != nil {
			return openErr
		}
		if d.Session().IsZero() {
			err = errors.Join(err, d.Remove())
		}
		err = errors.Join(err, d.Close())
	}
	return err
}
