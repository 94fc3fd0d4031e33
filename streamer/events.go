package streamer

import (
	"context"
	"errors"
	"net/http"

	"jrweb/eventlog"
)

// eventStream is a stream of the events of a task. A place is all that it knows of the
// client. In a stream of one session, its change is 0.
type eventStream struct {
	stream
	query

	place  eventlog.Place                // zero session: waiting for the first one
	began  eventlog.Place                // the last event that existed when the stream began
	reset  string                        // why the client's cursor cannot be used, "" if it can
	ended  bool                          // the cursor is at the end of a sealed session
	from   origin                        // of the frames that the stream makes itself
	shared *frames                       // nil until there is nothing more to replay
	sent   map[eventlog.SessionID]uint64 // of a stream of all sessions: the last event of each open one

	// What the current read has put into the buffer: the events, and where the first of
	// them begins.
	made  batch
	start int

	caughtUp bool
}

// Events serves the stream of one task. If it returns an error, it has written nothing, and
// the caller must answer the request. The error is a [*QueryError],
// [eventlog.ErrTaskNotFound], [eventlog.ErrSessionNotFound], or a failure.
//
// Events returns when the stream has ended. If the connection was taken over, it returns
// while the stream goes on: see [Streamer.ConnContext].
func (s *Streamer) Events(w http.ResponseWriter, r *http.Request, task string) error {
	q, err := parseQuery(r, s.html)
	if err != nil {
		return err
	}
	st := &eventStream{stream: stream{Streamer: s, trace: &s.trace, task: task, may: permissionOf(r)}, query: q}
	st.source = st
	err = st.locate(r.Context())
	switch {
	case errors.Is(err, eventlog.ErrUnsettled), errors.Is(err, eventlog.ErrNotCommitted):
		// A log of several machines cannot find out now whether the cursor, or the task, is one
		// that others have.
		return st.turnAway(w, r, 1000, 3000, ": the log does not answer, come back later\n\n")
	case err != nil:
		return err
	}
	if st.ended {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return st.answer(w, r)
}

// answer serves the stream as the answer to a request, or refuses the client.
func (st *stream) answer(w http.ResponseWriter, r *http.Request) error {
	ok, err := st.accept(w, r)
	if !ok {
		if err == nil && st.trace.Rejected != nil && r.Method != http.MethodHead {
			st.trace.Rejected()
		}
		return err
	}
	if conn, ctx, ok := st.takeOver(w, r); ok {
		st.begin(conn)
		st.serve(ctx, true)
		return nil
	}
	st.begin(st.responseTo(r, w))
	st.serve(r.Context(), false)
	return nil
}

// greet implements source. It sends a reset if the client's cursor cannot be used.
func (st *eventStream) greet() {
	if st.trace.Opened != nil {
		st.trace.Opened(st.lastEventID != "" && st.reset == "")
	}
	if st.reset != "" {
		st.sock.control("reset", resetData{st.reset, clip(st.lastEventID, maxLastEventID)})
		if st.trace.Reset != nil {
			st.trace.Reset(st.reset)
		}
	}
	st.lastEventID = ""
}

// at implements source.
func (st *eventStream) at() position { return position{st.place, st.all} }

// leave implements source.
func (st *eventStream) leave() {
	if st.shared != nil {
		st.hub.release(st.shared)
	}
}

// next implements source.
func (st *eventStream) next(ctx context.Context) (part, error) {
	st.made, st.start = batch{}, st.sock.buffered()
	if st.all {
		return st.readAll(ctx)
	}
	if st.place.Session.IsZero() {
		if some, err := st.firstSession(ctx); err != nil || !some {
			return part{}, err
		}
	}
	before := st.place
	p, err := st.read(ctx)
	if err != nil {
		return part{}, err
	}
	p.found, p.more = st.place != before, st.place.Sequence < p.page.Head
	switch {
	case !p.more && p.page.Sealed:
		st.markCaughtUp(false)
		p.ends = Complete
	case !p.more: // what commits from now on wakes the stream
		st.markCaughtUp(true)
		st.share()
	}
	return p, nil
}

// firstSession moves the place to the start of the first session, if there is one.
func (st *eventStream) firstSession(ctx context.Context) (bool, error) {
	first, ok, err := st.log.SessionAfter(ctx, st.task, eventlog.SessionID{})
	if err != nil {
		return false, err
	}
	if !ok {
		st.markCaughtUp(true)
		return false, nil
	}
	st.place.Session = first.ID
	return true, nil
}

// markCaughtUp sends caught_up once: when everything is sent that existed when the stream
// began, or when the stream can only wait.
func (st *eventStream) markCaughtUp(waiting bool) {
	if !st.control || st.caughtUp || !waiting && st.place.Before(st.began) {
		return
	}
	st.caughtUp = true
	st.sock.control("caught_up", caughtUpData{st.place.Session, st.place.Sequence})
}
