package streamer

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog"
)

// stream is one client's stream, of any source: the loop that sends what the source has,
// waits for more, and keeps the rules of all streams.
type stream struct {
	*Streamer
	source   source
	trace    *Trace
	interval time.Duration // least time between two sends, or 0
	task     string        // "": all tasks
	hub      *hub
	sock     *socket

	may     permission
	unwatch func() // ends the watch of the permission

	place  int         // among the hub's streams; guarded by hub.mu
	polled atomic.Bool // the ticker has woken it

	mu      sync.Mutex
	resting bool
	restAt  position

	after  time.Time // nothing more is sent before this time, because of interval
	behind batch     // what the socket sends while the next page is read, until settle
}

// source is where the frames of a stream come from. It has a place in the log that moves.
// Only its stream uses it.
type source interface {
	// greet buffers what a client gets before anything else.
	greet()
	// next reads the next frames after the place, and moves the place behind them. If it
	// fails, what it has buffered is not sent.
	next(ctx context.Context) (part, error)
	// at returns the place.
	at() position
	// leave releases what the source holds.
	leave()
}

// position is where a stream is in the log. One of all tasks has only the number of a
// change, one of a session only a cursor.
type position struct {
	eventlog.Place
	all bool // in all sessions of a task
}

// part is what one read found: frames that are sent together, and what comes after them.
type part struct {
	text  []byte // frames that other streams send as well; nil: the frames are in the buffer
	batch        // the events in the frames
	found bool   // the place has moved
	more  bool   // there is more already: it can be read while this is written
	ends  Reason // "" if the stream goes on

	page eventlog.Page // the state of the session, if it is of one
}

// batch counts events that are being sent, for the trace.
type batch struct {
	replayed int
	live     int
	commits  []time.Time
}

// begin makes the stream one of the open streams.
func (st *stream) begin(l line) {
	st.sock = newSocket(l, &st.o)
	st.sock.wrote = st.trace.Wrote
	st.hub = st.join(st)
	st.task = st.hub.task // so that the request's memory can be freed
	st.unwatch = st.may.whenRevoked(l.wake)
}

// serve runs the stream. If detach is true, it returns when there is nothing more to
// replay, and the stream goes on in another goroutine: one that only waits needs little
// stack, and the stack of this one has grown.
func (st *stream) serve(ctx context.Context, detach bool) {
	detached := false
	reason := Failed // if it panics
	defer func() {
		if !detached {
			st.end(reason)
		}
	}()
	st.sock.retry()
	st.source.greet()
	if reason = st.catchUp(ctx); reason != "" {
		return
	}
	if !detach {
		reason = st.follow(ctx)
		return
	}
	detached = true
	go func() {
		reason := Failed
		defer func() {
			if p := recover(); p != nil { // as net/http does for its own goroutines
				st.o.Logger.Error("stream panicked", "task", st.task, "panic", p, "stack", string(debug.Stack()))
			}
			st.end(reason)
		}()
		reason = st.follow(ctx)
	}()
}

// end releases what the stream holds.
func (st *stream) end(reason Reason) {
	st.unwatch()
	st.source.leave()
	st.hub.leave(st)
	st.open.Add(-1)
	if st.trace.Closed != nil {
		st.trace.Closed(reason)
	}
	st.sock.close()
}

// follow waits for more and sends it, until the stream ends. Replay and live tail both use
// [stream.catchUp].
func (st *stream) follow(ctx context.Context) Reason {
	for {
		if reason := st.rest(ctx); reason != "" {
			return reason
		}
		if reason := st.catchUp(ctx); reason != "" {
			return reason
		}
	}
}

// catchUp sends everything after the place. A reason ends the stream.
func (st *stream) catchUp(ctx context.Context) Reason {
	st.sock.line.awake() // before the read: a commit after it wakes us
	polled := st.polled.Swap(false)
	found, reason, err := st.sendPages(ctx)
	_ = st.settle() // its error shows in the flush
	if polled && st.trace.Polled != nil {
		st.trace.Polled(found)
	}
	if err != nil && st.sock.err == nil {
		reason = st.failed(ctx, err)
	}
	if reason == Shutdown {
		st.sock.retry()
	}
	if st.sock.flush() != nil {
		return st.broken()
	}
	if found && st.interval > 0 {
		st.after = time.Now().Add(st.interval)
	}
	return reason
}

// rest waits until there may be more to send. A reason ends the stream.
func (st *stream) rest(ctx context.Context) Reason {
	st.rests(true)
	defer st.rests(false)
	early := false // woken before the next send is allowed
	for {
		until := st.beatAt(st.sock.last.Add(st.o.Heartbeat))
		if early && st.after.Before(until) {
			until = st.after
		}
		switch st.sock.line.rest(until) {
		case woken:
			if !time.Now().Before(st.after) || st.over(ctx) != "" {
				return ""
			}
			early = true
			st.sock.line.awake() // the read comes after this
		case gone:
			return ClientGone
		case silent:
			if early && !time.Now().Before(st.after) {
				return ""
			}
			if st.beat() != nil {
				return st.broken()
			}
		}
	}
}

func (st *stream) rests(resting bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.resting, st.restAt = resting, st.source.at()
}

// restsAt returns the place of a resting stream.
func (st *stream) restsAt() (at position, resting bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.restAt, st.resting
}

// over says why the stream must end, whatever is left to send. It is "" if the stream goes
// on.
func (st *stream) over(ctx context.Context) Reason {
	select {
	case <-st.shutdown:
		return Shutdown
	case <-st.may.done():
		return Revoked
	case <-ctx.Done():
		return ClientGone
	default:
		return ""
	}
}

// sendPages sends everything after the place, page by page. found says whether there was
// anything. A reason or an error ends the stream.
func (st *stream) sendPages(ctx context.Context) (found bool, reason Reason, err error) {
	for {
		if reason := st.over(ctx); reason != "" {
			return found, reason, nil
		}
		buffered := st.sock.buffered()
		p, err := st.source.next(ctx)
		if err == nil && st.may.revoked() { // the read may include commits after the end of the permission
			reason = Revoked
		}
		if err != nil || reason != "" {
			st.sock.cut(buffered)
			return found, reason, err
		}
		found = found || p.found
		if err := st.send(p); err != nil {
			return found, "", err
		}
		if st.sock.silentFor(st.o.Heartbeat) { // few events match the filter
			if err := st.beat(); err != nil {
				return found, "", err
			}
		}
		if !p.more {
			return found, p.ends, nil
		}
	}
}

// send sends what is buffered, then the text of a part. If more follows, the next part is
// read while the buffer is being written.
func (st *stream) send(p part) error {
	if err := st.settle(); err != nil {
		return err
	}
	if p.more && p.text == nil {
		st.behind = p.batch
		st.sock.flushBehind()
		return nil
	}
	if err := st.sock.sendAfter(p.text); err != nil {
		return err
	}
	st.tell(&p.batch)
	return nil
}

// settle waits for flushBehind.
func (st *stream) settle() error {
	if err := st.sock.settle(); err != nil {
		return err
	}
	st.tell(&st.behind)
	return nil
}

// tell calls the trace for events that were sent.
func (st *stream) tell(b *batch) {
	if st.trace.Sent != nil {
		if b.replayed > 0 {
			st.trace.Sent(false, b.replayed)
		}
		if b.live > 0 {
			st.trace.Sent(true, b.live)
		}
	}
	if st.trace.Delivered != nil {
		for _, at := range b.commits {
			if !at.IsZero() { // else another process committed it, or an earlier one
				st.trace.Delivered(st.sock.last.Sub(at))
			}
		}
	}
	*b = batch{}
}

// beat sends a heartbeat.
func (st *stream) beat() error {
	if err := st.sock.beat(); err != nil {
		return err
	}
	if st.trace.Heartbeat != nil {
		st.trace.Heartbeat()
	}
	return nil
}

// broken says why a write failed.
func (st *stream) broken() Reason {
	if st.sock.stalled {
		return WriteTimeout
	}
	return ClientGone
}

// failed says why a read failed.
func (st *stream) failed(ctx context.Context, err error) Reason {
	switch {
	case ctx.Err() != nil:
		return ClientGone
	case errors.Is(err, eventlog.ErrSessionNotFound), errors.Is(err, eventlog.ErrTaskNotFound):
		return Deleted
	case errors.Is(err, eventlog.ErrClosed):
		return Shutdown
	}
	at := st.source.at()
	st.o.Logger.Error("stream cannot read the log", "task", st.task, "session", at.Session, "sequence", at.Sequence, "error", err)
	return Failed
}
