package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"jrweb/eventlog"
)

// FollowOptions are the settings of [Client.Follow]. The zero value is good. The functions
// may be nil; they are called between two events.
type FollowOptions struct {
	// Session is the session to follow. Zero: the task's latest, or the first one if there
	// is none yet.
	Session eventlog.SessionID
	// After is the event after which to begin. Zero: from the first one on.
	After eventlog.Cursor
	// Types are the types of events to yield. Empty: all. The complete event always comes.
	Types []string
	// Retrying is called when the stream was cut. Follow resumes it after wait.
	Retrying func(err error, wait time.Duration)
	// Reset is called when the server no longer knows the place that was reached. A replay
	// from the start follows.
	Reset func(reason string)
	// Gap is called when events between two sequences are no longer kept.
	Gap func(after, next uint64)
}

const (
	// defaultRetry is the time until a reconnect if the server names none.
	defaultRetry = 2 * time.Second
	minRetry     = 10 * time.Millisecond
	// maxRetry bounds the time between two attempts to reach a server that is away.
	maxRetry = 30 * time.Second
)

// Follow yields the events of a session from its first one on, and waits for more, until it
// has yielded the complete event. When the connection is cut, it reconnects and continues
// after the last event, however long that takes. It gives up when ctx ends, when the server
// says that the task or session does not exist, and when it never reached the server at
// all. If it yields an error, that is the last value.
func (c *Client) Follow(ctx context.Context, task string, o *FollowOptions) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		f := &follower{client: c, retry: defaultRetry}
		if o != nil {
			f.o = *o
		}
		if !f.o.After.Session.IsZero() {
			f.lastID = f.o.After.String()
		}
		var err error
		if f.path, err = taskPath(task, "events", "stream"); err != nil {
			yield(Event{}, err)
			return
		}
		if err := f.run(ctx, yield); err != nil && !errors.Is(err, errStop) {
			yield(Event{}, err)
		}
	}
}

// follower is one call of Follow.
type follower struct {
	client *Client
	o      FollowOptions
	path   []string

	lastID  string // of the last yielded event
	retry   time.Duration
	reached bool // the server has answered with a stream
	failed  int  // attempts since then
}

// run returns errStop at the end.
func (f *follower) run(ctx context.Context, yield func(Event, error) bool) error {
	for {
		err := f.connect(ctx, yield)
		final, isFinal := errors.AsType[finalError](err)
		switch {
		case errors.Is(err, stopFinal):
			return errStop // also if the context has ended meanwhile: nothing more may be yielded
		case ctx.Err() != nil:
			return ctx.Err()
		case isFinal:
			return final.err
		}
		if !f.reached {
			return err
		}
		pause := min(max(f.retry, minRetry)<<min(f.failed, 10), maxRetry)
		f.failed++
		if f.o.Retrying != nil {
			f.o.Retrying(err, pause)
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

// finalError is an error after which a reconnect makes no sense.
type finalError struct{ err error }

func (e finalError) Error() string { return e.err.Error() }

var (
	errEnded  = errors.New("client: the server ended the stream")
	errNoSSE  = errors.New("client: the answer is not an event stream: is there a jrweb server at this URL?")
	stopFinal = finalError{errStop}
)

// connect follows the stream until it breaks. Its error is never nil.
func (f *follower) connect(ctx context.Context, yield func(Event, error) bool) error {
	r := &request{
		method: http.MethodGet, path: f.path,
		query:  url.Values{"format": {"envelope"}},
		header: http.Header{"Accept": {"text/event-stream"}, "Cache-Control": {"no-cache"}},
	}
	if !f.o.Session.IsZero() {
		r.query.Set("session", f.o.Session.String())
	}
	if len(f.o.Types) > 0 {
		r.query.Set("types", strings.Join(f.o.Types, ","))
	}
	if f.lastID != "" {
		r.header.Set("Last-Event-ID", f.lastID)
	}
	res, err := f.client.do(ctx, r)
	if err != nil {
		if !unknown(err) {
			err = finalError{err}
		}
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNoContent {
		return stopFinal // the cursor is at the end of a sealed session
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "text/event-stream" {
		return finalError{errNoSSE}
	}
	f.reached, f.failed = true, 0
	frames := newFrameReader(res.Body)
	frames.id = f.lastID
	for {
		next, err := frames.next()
		if frames.retry != 0 {
			f.retry = frames.retry
		}
		if errors.Is(err, errFrameTooLarge) {
			return finalError{err}
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errEnded, err)
		}
		if err := f.take(next, yield); err != nil {
			return finalError{err}
		}
	}
}

// take yields the event of a frame, or reports what a control frame says.
func (f *follower) take(next frame, yield func(Event, error) bool) error {
	if next.event != "" {
		return f.control(next)
	}
	e, err := parseEvent(next.data)
	if err != nil {
		return err
	}
	f.lastID = next.id
	if !yield(e, nil) || e.Type == eventlog.TypeComplete {
		return errStop
	}
	return nil
}

func (f *follower) control(next frame) error {
	var data struct {
		Reason string `json:"reason"`
		After  uint64 `json:"after"`
		Next   uint64 `json:"next"`
	}
	switch next.event {
	case "reset", "gap":
		if err := json.Unmarshal(next.data, &data); err != nil {
			return fmt.Errorf("client: %s frame: %w", next.event, err)
		}
	}
	switch {
	case next.event == "reset" && f.o.Reset != nil:
		f.o.Reset(data.Reason)
	case next.event == "gap" && f.o.Gap != nil:
		f.o.Gap(data.After, data.Next)
	}
	return nil
}
