package streamer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"jrweb/eventlog"
)

// Events serves the stream of one task until it ends. A non-nil error means
// that nothing was written: the caller answers it. It is a [*QueryError],
// [eventlog.ErrTaskNotFound], [eventlog.ErrSessionNotFound], or a failure.
func (s *Streamer) Events(w http.ResponseWriter, r *http.Request, task string) error {
	q, err := parseQuery(r, s.html)
	if err != nil {
		return err
	}
	st := &stream{Streamer: s, task: task, query: q, watch: s.log.Watch(task)}
	defer st.watch.Close()
	if err := st.locate(r.Context()); err != nil {
		return err
	}
	if st.ended {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	sock, ok, err := s.begin(w, r)
	if !ok {
		if err == nil && s.trace.Rejected != nil && r.Method != http.MethodHead {
			s.trace.Rejected()
		}
		return err
	}
	defer s.end(sock)
	st.sock, sock.wrote = sock, s.trace.Wrote
	if s.trace.Opened != nil {
		s.trace.Opened(q.lastEventID != "" && st.reset == "")
	}
	reason := Failed // should the loop panic
	if s.trace.Closed != nil {
		defer func() { s.trace.Closed(reason) }()
	}
	reason = st.run(r.Context())
	return nil
}

// stream is one client's stream. What it knows of the client is a cursor.
type stream struct {
	*Streamer
	query
	task  string
	watch *eventlog.Watch
	sock  *socket
	frame []byte // reused between the events of one catchUp

	cursor eventlog.Cursor // zero session: waiting for the first one
	began  eventlog.Cursor // the last event that was there when the stream began
	reset  string          // why the client's cursor means nothing, "" if it does
	ended  bool            // the cursor is at the end of a sealed session

	caughtUp bool
	unsent   batch
}

// batch is the events in the buffer, for the trace.
type batch struct {
	replayed int
	live     int
	commits  []time.Time
}

// locate finds where the stream begins. The watch has begun before, so nothing
// that commits from here on can be missed.
func (st *stream) locate(ctx context.Context) error {
	latest, err := st.latest(ctx)
	if err != nil {
		return err
	}
	start := latest // of a stream without a cursor
	switch {
	case !st.session.IsZero():
		if start, err = st.info(ctx, st.session); err != nil {
			return err
		}
	case st.all:
		if start, _, err = st.log.SessionAfter(ctx, st.task, eventlog.SessionID{}); err != nil {
			return err
		}
	}

	at := start
	st.cursor = eventlog.Cursor{Session: start.ID}
	if st.lastEventID != "" {
		cursor, session, reset, err := st.honour(ctx)
		if err != nil {
			return err
		}
		if st.reset = reset; reset == "" {
			st.cursor, at = cursor, session
		}
	}
	st.ended = !st.all && at.Sealed() && st.cursor.Sequence == at.Head && at.Head > 0
	st.began = eventlog.Cursor{Session: at.ID, Sequence: at.Head}
	if st.all {
		st.began = eventlog.Cursor{Session: latest.ID, Sequence: latest.Head}
	}
	return nil
}

// latest returns the latest session of the task, the zero one if there is none.
func (st *stream) latest(ctx context.Context) (eventlog.SessionInfo, error) {
	newest, err := st.log.Sessions(ctx, st.task, eventlog.SessionID{}, 1)
	if err != nil || len(newest) == 0 {
		return eventlog.SessionInfo{}, err
	}
	return newest[0], nil
}

// info returns a session of the task.
func (st *stream) info(ctx context.Context, id eventlog.SessionID) (eventlog.SessionInfo, error) {
	return st.log.Session(st.task, id).Info(ctx)
}

// honour reads the cursor that the client sent. reset says why it means nothing.
func (st *stream) honour(ctx context.Context) (c eventlog.Cursor, session eventlog.SessionInfo, reset string, err error) {
	c, err = eventlog.ParseCursor(st.lastEventID)
	switch {
	case st.twice, errors.Is(err, eventlog.ErrMalformed):
		return c, session, "malformed", nil
	case err != nil:
		return c, session, "unknown", nil
	}
	if !st.session.IsZero() && c.Session != st.session {
		return c, session, "unknown", nil
	}
	session, err = st.info(ctx, c.Session)
	switch {
	case errors.Is(err, eventlog.ErrSessionNotFound):
		return c, session, "unknown", nil
	case err == nil && c.Sequence > session.Head:
		return c, session, "ahead", nil
	}
	return c, session, "", err
}

// run is the one loop of replay and live tail: read after the cursor, write, and
// if nothing was there, wait.
func (st *stream) run(ctx context.Context) Reason {
	tick := time.NewTicker(st.o.PollInterval)
	defer tick.Stop()

	if st.reset != "" {
		st.sock.control("reset", resetData{st.reset, clip(st.lastEventID, maxLastEventID)})
		if st.trace.Reset != nil {
			st.trace.Reset(st.reset)
		}
	}
	for polled := false; ; {
		changed := st.watch.Changed() // before the read: what commits after it wakes us
		found, reason, err := st.catchUp(ctx)
		if polled && st.trace.Polled != nil {
			st.trace.Polled(found)
		}
		polled = false
		if err != nil && st.sock.err == nil {
			reason = st.failed(ctx, err)
		}
		if reason == Shutdown {
			st.sock.retry()
		}
		if st.flush() != nil {
			return st.broken()
		}
		if reason != "" {
			return reason
		}
		st.frame = nil // an idle stream holds no memory but its own

		for wait := true; wait; {
			wait = false
			select {
			case <-changed:
			case <-tick.C:
				if polled = st.watch.Behind(st.cursor); !polled {
					if st.trace.Polled != nil {
						st.trace.Polled(false)
					}
					wait = true
				}
			case <-st.sock.silence.C:
				if st.beat() != nil {
					return st.broken()
				}
				wait = true
			case <-st.shutdown:
			case <-st.log.Done():
			case <-ctx.Done():
				return ClientGone
			}
		}
	}
}

// catchUp sends what is there after the cursor, page by page. found says whether
// there was anything. A reason or an error ends the stream.
func (st *stream) catchUp(ctx context.Context) (found bool, reason Reason, err error) {
	for {
		select {
		case <-st.shutdown:
			return found, Shutdown, nil
		case <-ctx.Done():
			return found, ClientGone, nil
		case <-st.sock.silence.C: // the types that are asked for are rare
			if err := st.beat(); err != nil {
				return found, "", err
			}
		default:
		}
		if st.cursor.Session.IsZero() {
			next, err := st.nextSession(ctx)
			if err != nil || !next {
				return found, "", err
			}
		}
		page, err := st.watch.Read(ctx, st.cursor.Session, st.cursor.Sequence)
		if err != nil {
			return found, "", err
		}
		if page.Gap(st.cursor.Sequence) {
			st.sock.control("gap", gapData{st.cursor.Session, st.cursor.Sequence, page.First})
			st.cursor.Sequence = page.First - 1
			found = true
		}
		st.markCaughtUp(false)
		found = found || len(page.Events) > 0
		for i := range page.Events {
			st.send(&page.Events[i])
		}
		if st.flush() != nil {
			return found, "", st.sock.err
		}
		if !page.Sealed || st.cursor.Sequence < page.Head {
			if len(page.Events) > 0 {
				continue
			}
			st.markCaughtUp(true)
			return found, "", nil
		}
		if !st.all {
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

// send puts an event's frame into the buffer and moves the cursor.
func (st *stream) send(e *eventlog.Event) {
	live := compare(eventlog.Cursor{Session: st.cursor.Session, Sequence: e.Sequence}, st.began) > 0
	if st.types.Show(e) {
		st.frame = st.format(st.frame[:0], st.task, st.cursor.Session, e)
		st.sock.write(st.frame)
		if cap(st.frame) > writeSize {
			st.frame = nil // one large event must not cost memory for ever
		}
		if live {
			st.unsent.live++
			if at := e.Committed(); !at.IsZero() && st.trace.Delivered != nil {
				st.unsent.commits = append(st.unsent.commits, at)
			}
		} else {
			st.unsent.replayed++
		}
	}
	st.cursor.Sequence = e.Sequence
	st.markCaughtUp(false)
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
	if err := st.sock.flush(); err != nil {
		return err
	}
	b := &st.unsent
	if st.trace.Sent != nil {
		if b.replayed > 0 {
			st.trace.Sent(false, b.replayed)
		}
		if b.live > 0 {
			st.trace.Sent(true, b.live)
		}
	}
	for _, at := range b.commits {
		st.trace.Delivered(time.Since(at))
	}
	*b = batch{}
	return nil
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
