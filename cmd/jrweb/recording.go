package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// recording turns what a command prints into events, writes them to a spool, and
// delivers it at the same time. Nothing in it makes the command wait for a server.
type recording struct {
	dir   string // of the spools
	to    *destination
	task  string
	title string // "": what the agent calls it
	agent string // the command's name
	// auto says that the format is to be found out.
	auto  bool
	lease time.Duration
	warn  func(string)
	// steering hands what people say to the command. Nil: nobody can.
	steering *steering
	listener *listener // nil: nobody can stop the command from elsewhere
	format   transcript.Format

	started   time.Time
	mu        sync.Mutex
	ended     bool       // nothing more is recorded
	thread    threadID   // as the agent's files tell, if it does not print it at once
	streams   [2]*stream // standard output and standard error
	quiet     *time.Timer
	held      time.Time        // since when a text is held back, zero if none is
	pending   []eventlog.Event // until the spool is made
	writer    *spool.Writer    // nil: not yet, or not at all
	refused   bool             // the spool did not take something, and that was said
	delivered chan error
	moved     chan struct{}
	cancel    context.CancelFunc
	ctx       context.Context
}

// stream is one of the outputs of the command.
type stream struct {
	splitter  *transcript.Splitter
	converter *transcript.Converter
	last      string // its last line that is not blank, for the reason of a failure
	odd       oddities
	objects   int // lines that look like JSON objects
}

const (
	// pause is how long the output is silent before what was held back is shown.
	pause = 300 * time.Millisecond
	// mostHeld is how long plain text is held back that comes without a pause.
	mostHeld = time.Second
	// introduction is how long we wait for the agent to say who it is.
	introduction = time.Second
	// grace is how long the server may be silent once the command has ended.
	grace = 5 * time.Second
	// mostReason is how long a reason may be.
	mostReason = 500
)

func (r *recording) open(ctx context.Context, format transcript.Format) error {
	for i, f := range []transcript.Format{format, transcript.Text} {
		converter, err := transcript.New(f, nil)
		if err != nil {
			return err
		}
		r.streams[i] = &stream{splitter: transcript.NewSplitter(0), converter: converter}
	}
	r.auto, r.format = format == transcript.Auto, format
	r.started = time.Now()
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.moved = make(chan struct{}, 1)
	r.quiet = time.AfterFunc(introduction, r.silence)
	return nil
}

func (r *recording) output(b []byte) { r.take(0, b) }
func (r *recording) errors(b []byte) { r.take(1, b) }

func (r *recording) take(i int, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return // of a process that was left behind
	}
	s := r.streams[i]
	var events []eventlog.Event
	s.splitter.Split(b, func(l transcript.Line) { events = append(events, r.line(i, l)...) })
	r.record(i, events)
	r.quiet.Reset(r.holdFor(i))
}

// holdFor is how long what was printed is held back at most. What an agent says in
// pieces is one event, however long it takes; a program that prints steadily never
// pauses.
func (r *recording) holdFor(i int) time.Duration {
	if f := r.streams[i].converter.Format(); f != transcript.Text && f != transcript.Auto {
		return pause
	}
	if r.held.IsZero() {
		r.held = time.Now()
	}
	return max(min(pause, time.Until(r.held.Add(mostHeld))), 0)
}

func (s *stream) line(l transcript.Line) []eventlog.Event {
	if text := bytes.TrimSpace(l.Text); len(text) > 0 {
		s.last = string(text[:min(len(text), mostReason)])
		if text[0] == '{' && text[len(text)-1] == '}' {
			s.objects++
		}
	}
	return s.converter.Line(l)
}

// line takes a line of an output. The caller holds mu.
func (r *recording) line(i int, l transcript.Line) []eventlog.Event {
	if i == 1 || r.steering == nil {
		return r.streams[i].line(l)
	}
	hide, heard := r.steering.hear(l.Text)
	if hide {
		return heard
	}
	events := r.streams[i].line(l)
	if r.steering.agent.Asks() {
		events = slices.DeleteFunc(events, func(e eventlog.Event) bool { return e.Type == eventlog.TypeQuestion })
	}
	return append(events, heard...)
}

// note records events of our own.
func (r *recording) note(events ...eventlog.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || len(events) == 0 {
		return
	}
	now := time.Now()
	for i := range events {
		events[i].Time = now
	}
	r.pending = append(r.pending, events...)
	r.write()
}

// goOn is called when another command goes on with what the last one did: what it prints
// is told again.
func (r *recording) goOn() error {
	converter, err := transcript.New(r.format, nil)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[0]
	var events []eventlog.Event
	s.splitter.Rest(func(l transcript.Line) { events = r.line(0, l) })
	r.record(0, append(events, s.converter.End()...))
	s.converter = converter
	return nil
}

// silence shows what is held back, because nothing comes.
func (r *recording) silence() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	for i, s := range r.streams {
		r.record(i, s.converter.Flush())
	}
	r.held = time.Time{}
	r.write()
}

// record writes events down. Their time is what the agent tells, if it is of this
// run: one that shows an old transcript tells old times. Else it is now.
func (r *recording) record(i int, events []eventlog.Event) {
	isSession := func(e eventlog.Event) bool { return e.Type == eventlog.TypeSession }
	if i == 0 && r.thread != (threadID{}) && slices.ContainsFunc(events, isSession) {
		events = append(events, r.thread.told()) // the files know better whose they are
	}
	now := time.Now()
	for k := range events {
		e := &events[k]
		r.streams[i].odd.see(e)
		if e.Time.Before(r.started) || e.Time.After(now) {
			e.Time = now
		}
		if i == 1 { // what stands on standard error is not what the agent says
			e.Type, e.Actor = eventlog.TypeStatus, eventlog.System
		}
	}
	if len(events) == 0 {
		return
	}
	r.pending = append(r.pending, events...)
	if r.writer == nil && !r.refused && r.streams[0].converter.Format() == transcript.Auto {
		return // what it is comes soon
	}
	r.write()
}

// write writes what is pending, to a spool that is made if there is none.
func (r *recording) write() {
	if r.writer == nil {
		r.begin()
	}
	if r.writer != nil && len(r.pending) > 0 {
		r.told(r.writer.Append(r.pending...))
	}
	r.pending = nil
}

// told says once that the spool does not take something.
func (r *recording) told(err error) {
	if err != nil && !r.refused {
		r.warn(fmt.Sprintf("what the command does is not recorded now: %v", err))
	}
	r.refused = err != nil
}

// begin makes the spool, and begins to deliver it.
func (r *recording) begin() {
	origin := r.streams[0].converter.Origin()
	run := runOf(origin)
	run.Task, run.Title, run.To, run.LeaseSeconds = r.task, r.title, r.to.name, int64(r.lease/time.Second)
	run.Agent = cmp.Or(run.Agent, r.agent)
	run.Started, run.Steer = r.started, r.steering != nil
	if run.Cwd == "" {
		if dir, err := os.Getwd(); err == nil { // else it is not known
			run.Cwd = clip(dir, mostTitle)
		}
	}
	w, err := spool.Create(r.dir, run)
	if err != nil {
		r.told(err)
		return
	}
	d, err := spool.Deliver(w)
	if err != nil {
		r.told(errors.Join(err, w.Close()))
		return
	}
	d.Moved = func() {
		select {
		case r.moved <- struct{}{}:
		default: // it is known
		}
	}
	if r.listener != nil {
		d.Started = func(id eventlog.SessionID) { r.listener.session(r.ctx, id) }
		d.Ended = r.listener.stop
	}
	r.writer, r.delivered = w, make(chan error, 1)
	go r.deliver(d)
}

// deliver first delivers what earlier runs of the task left, so that their
// sessions come before this one.
func (r *recording) deliver(d *spool.Delivery) {
	err := flushTask(r.ctx, r.dir, r.to, r.task, d.Moved)
	if err == nil {
		err = d.To(r.ctx, r.to.server)
	}
	if err == nil || stoppedWhole(err) {
		err = errors.Join(err, d.Remove())
	}
	r.delivered <- errors.Join(err, d.Close())
}

// abandon gives up a recording that led to nothing.
func (r *recording) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.quiet.Stop()
	r.ended = true
	r.cancel()
}

// end seals the session, and waits for the server to have it, as long as it takes
// anything, and ctx goes on.
func (r *recording) end(ctx context.Context, how ending) {
	r.mu.Lock()
	r.quiet.Stop()
	for i, s := range r.streams {
		var events []eventlog.Event
		s.splitter.Rest(func(l transcript.Line) { events = r.line(i, l) })
		r.record(i, append(events, s.converter.End()...))
	}
	if r.unknownJSON() {
		r.pending = append(r.pending, eventlog.Event{
			Type: eventlog.TypeStatus, Actor: eventlog.System, Time: time.Now(),
			Data: mustJSON(map[string]string{"content": "The output is JSON in no format that is known: its lines are kept as text."}),
		})
	}
	r.write()
	complete := eventlog.Event{Type: eventlog.TypeComplete, Time: time.Now(), Data: r.completion(how)}
	w := r.writer
	r.ended = true
	r.mu.Unlock()
	defer r.cancel()
	if r.listener != nil {
		defer r.listener.close()
	}
	r.sum()
	if w == nil {
		return // and that was said
	}
	r.told(w.End(complete))
	defer context.AfterFunc(ctx, r.cancel)()
	for {
		select {
		case err := <-r.delivered:
			r.finish(w, err)
			return
		case <-r.moved:
		case <-time.After(grace):
			r.cancel()
		}
	}
}

// stoppedWhole reports whether a person has stopped a run of which nothing is left.
func stoppedWhole(err error) bool {
	stop, stopped := errors.AsType[*spool.StoppedError](err)
	return stopped && stop.Left == 0
}

// unknownJSON reports whether the command printed JSON that nobody knows. Nobody has to know a
// program that prints text.
func (r *recording) unknownJSON() bool {
	s := r.streams[0]
	return r.auto && s.converter.Format() == transcript.Text && s.objects > 0
}

// sum says what of the output was not understood.
func (r *recording) sum() {
	s := r.streams[0]
	switch {
	case r.unknownJSON():
		r.warn("the output is JSON in no format that is known: its lines are kept as text")
	case s.odd.count > 0:
		r.warn(fmt.Sprintf("%s: %s", s.converter.Format(), &s.odd))
	}
}

func (r *recording) finish(w *spool.Writer, err error) {
	stop, stopped := errors.AsType[*spool.StoppedError](err)
	switch {
	case err == nil:
	case stoppedWhole(err):
		r.warn(stop.Error())
	case stopped:
		defer r.warn(fmt.Sprintf("%s: not delivered is what came after it, %s: it stays in %s", stop, count(int64(stop.Left), "event"), w.Path()))
	default:
		r.warn(fmt.Sprintf("not all is delivered to %s: %v: it waits in %s: jrweb flush delivers it", r.to.name, err, r.dir))
	}
	if err := w.Close(); err != nil {
		r.warn(err.Error())
	}
}

// completion is the data of the event that ends the session.
func (r *recording) completion(how ending) json.RawMessage {
	told := r.streams[0].converter.Outcome()
	end := struct {
		Status   eventlog.Status `json:"status"`
		Reason   string          `json:"reason,omitempty"`
		ExitCode int             `json:"exit_code"`
		Signal   string          `json:"signal,omitempty"`
	}{Status: eventlog.Succeeded, ExitCode: how.code}
	if how.signal != 0 {
		end.Signal = how.signal.String()
	}
	// A person's interruption may end in any code, and so may an agent's failure: some
	// tell both in their output alone.
	interrupted := told.Status == eventlog.Canceled || how.asked != nil && told.Status == eventlog.Interrupted && r.isAgent()
	switch {
	case how.stopped:
		end.Status, end.Reason = eventlog.Canceled, "stopped by a person: "+how.String()
	case how.code == 0 && told.Status == eventlog.Failed, how.code == 0 && told.Unfinished && !interrupted:
		end.Status, end.Reason = told.Status, told.Reason
	case how.code == 0 && !interrupted:
	case how.asked != nil:
		end.Status, end.Reason = eventlog.Canceled, fmt.Sprintf("%s: %s", how.asked, how)
	case told.Status == eventlog.Canceled:
		end.Status, end.Reason = eventlog.Canceled, told.Reason
	case how.code == exitInterrupted:
		end.Status, end.Reason = eventlog.Canceled, how.String()
	default:
		end.Status, end.Reason = eventlog.Failed, how.String()
		failure := ""
		if told.Status == eventlog.Failed {
			failure = told.Reason
		}
		if last := cmp.Or(failure, r.streams[1].last); last != "" {
			end.Reason += ": " + last
		}
	}
	end.Reason = clip(strings.ToValidUTF8(end.Reason, "\uFFFD"), mostReason)
	return mustJSON(end)
}

// isAgent reports whether the command tells in its output how it ended.
func (r *recording) isAgent() bool {
	format := r.streams[0].converter.Format()
	return format != transcript.Text && format != transcript.Auto
}
