package streamer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog"
)

// stream is one client's stream. What it knows of the client is a cursor.
type stream struct {
	*Streamer
	query
	task string
	hub  *hub
	sock *socket

	may     permission
	unwatch func() // ends the watch of the permission

	place  int         // among the hub's streams; guarded by hub.mu
	polled atomic.Bool // the ticker has woken it

	mu      sync.Mutex
	resting bool
	restAt  eventlog.Cursor

	cursor eventlog.Cursor // zero session: waiting for the first one
	began  eventlog.Cursor // the last event that was there when the stream began
	reset  string          // why the client's cursor means nothing, "" if it does
	ended  bool            // the cursor is at the end of a sealed session
	from   source          // of the frames that it makes itself
	shared *frames         // nil until there is nothing more to replay

	caughtUp bool
	unsent   batch // what is in the buffer of the socket
	behind   batch // what it is sending while the next page is read, until settle
}

// batch is events that are being sent, for the trace.
type batch struct {
	replayed int
	live     int
	commits  []time.Time
}

// follow waits for more and sends it, until the stream ends. Replay and live tail
// are one: [stream.catchUp].
func (st *stream) follow(ctx context.Context) Reason {
	for {
		if reason := st.rest(); reason != "" {
			return reason
		}
		if reason := st.catchUp(ctx); reason != "" {
			return reason
		}
	}
}

// catchUp sends all that is there after the cursor. A reason ends the stream.
func (st *stream) catchUp(ctx context.Context) Reason {
	st.sock.line.awake() // before the read: what commits after it wakes us
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
	if st.flush() != nil {
		return st.broken()
	}
	return reason
}

// rest waits until there may be more to send. A reason ends the stream.
func (st *stream) rest() Reason {
	st.rests(true)
	defer st.rests(false)
	for {
		switch st.sock.line.rest(st.beatAt(st.sock.last.Add(st.o.Heartbeat))) {
		case woken:
			return ""
		case gone:
			return ClientGone
		case silent:
			if st.beat() != nil {
				return st.broken()
			}
		}
	}
}

func (st *stream) rests(resting bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.resting, st.restAt = resting, st.cursor
}

// restsAt returns the cursor of a stream that rests.
func (st *stream) restsAt() (at eventlog.Cursor, resting bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.restAt, st.resting
}

// sendPages sends what is there after the cursor, page by page. found says whether
// there was anything. A reason or an error ends the stream.
func (st *stream) sendPages(ctx context.Context) (found bool, reason Reason, err error) {
	for {
		select {
		case <-st.shutdown:
			return found, Shutdown, nil
		case <-st.may.done():
			return found, Revoked, nil
		case <-ctx.Done():
			return found, ClientGone, nil
		default:
		}
		if st.cursor.Session.IsZero() {
			next, err := st.nextSession(ctx)
			if err != nil || !next {
				return found, "", err
			}
		}
		before, buffered, unsent := st.cursor, st.sock.buffered(), st.unsent
		page, err := st.read(ctx)
		if err != nil {
			return found, "", err
		}
		if st.may.revoked() { // what was read may have come after that
			st.sock.cut(buffered)
			st.unsent = unsent
			return found, Revoked, nil
		}
		st.markCaughtUp(false)
		found = found || st.cursor != before
		more := st.cursor != before && st.cursor.Sequence < page.Head
		if more {
			err = st.flushBehind()
		} else {
			err = st.flush()
		}
		if err != nil {
			return found, "", err
		}
		if st.sock.silentFor(st.o.Heartbeat) { // the types that are asked for are rare
			if err := st.beat(); err != nil {
				return found, "", err
			}
		}
		switch {
		case st.cursor.Sequence < page.Head: // if nothing fitted behind what was buffered, now it does
			continue
		case !page.Sealed:
			if st.cursor != before {
				continue
			}
			st.markCaughtUp(true)
			st.share()
			return found, "", nil
		case !st.all:
			return found, Complete, nil
		}
		next, err := st.nextSession(ctx)
		if err != nil || !next {
			return found, "", err
		}
	}
}

// nextSession moves the cursor to the start of the session that started next, if
// there is one.
func (st *stream) nextSession(ctx context.Context) (bool, error) {
	next, ok, err := st.log.SessionAfter(ctx, st.task, st.cursor.Session)
	if err != nil {
		return false, err
	}
	if !ok {
		st.markCaughtUp(true)
		return false, nil
	}
	st.cursor = eventlog.Cursor{Session: next.ID}
	return true, nil
}

// markCaughtUp sends caught_up once: when all is sent that was there when the
// stream began, or when there is nothing to do but wait.
func (st *stream) markCaughtUp(waiting bool) {
	if !st.control || st.caughtUp || !waiting && compare(st.cursor, st.began) < 0 {
		return
	}
	st.caughtUp = true
	st.sock.control("caught_up", caughtUpData{st.cursor.Session, st.cursor.Sequence})
}

// compare orders the places in a task: by session, then by sequence.
func compare(a, b eventlog.Cursor) int {
	return cmp.Or(bytes.Compare(a.Session[:], b.Session[:]), cmp.Compare(a.Sequence, b.Sequence))
}

// flush sends what is buffered and tells the trace of it.
func (st *stream) flush() error {
	if err := st.settle(); err != nil {
		return err
	}
	if err := st.sock.flush(); err != nil {
		return err
	}
	st.tell(&st.unsent)
	return nil
}

// flushBehind sends what is buffered while the next page is being read.
func (st *stream) flushBehind() error {
	if err := st.settle(); err != nil {
		return err
	}
	st.behind, st.unsent = st.unsent, batch{}
	st.sock.flushBehind()
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

// tell tells the trace of events that were sent.
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
			if !at.IsZero() { // else it was not this process that committed it
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
	st.o.Logger.Error("stream cannot read the log", "task", st.task, "session", st.cursor.Session, "sequence", st.cursor.Sequence, "error", err)
	return Failed
}
