package streamer

import (
	"context"
	"net/http"
	"runtime/debug"
)

// Events serves the stream of one task. A non-nil error means that nothing was
// written: the caller answers it. It is a [*QueryError],
// [eventlog.ErrTaskNotFound], [eventlog.ErrSessionNotFound], or a failure.
//
// It returns when the stream has ended, or while it goes on, if the connection was
// taken over: see [Streamer.ConnContext].
func (s *Streamer) Events(w http.ResponseWriter, r *http.Request, task string) error {
	q, err := parseQuery(r, s.html)
	if err != nil {
		return err
	}
	st := &stream{Streamer: s, task: task, query: q, may: permissionOf(r)}
	if err := st.locate(r.Context()); err != nil {
		return err
	}
	if st.ended {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	ok, err := s.begin(w, r)
	if !ok {
		if err == nil && s.trace.Rejected != nil && r.Method != http.MethodHead {
			s.trace.Rejected()
		}
		return err
	}
	if conn, ctx, ok := s.takeOver(w, r); ok {
		st.begin(conn)
		st.serve(ctx, true)
		return nil
	}
	st.begin(s.responseTo(r, w))
	st.serve(r.Context(), false)
	return nil
}

// begin makes the stream one of those that are open.
func (st *stream) begin(l line) {
	st.sock = newSocket(l, &st.o)
	st.sock.wrote = st.trace.Wrote
	st.hub = st.join(st)
	st.task = st.hub.task // what the request holds need not stay
	st.unwatch = st.may.whenRevoked(l.wake)
}

// serve runs the stream. If it may detach, it returns when there is nothing more
// to replay, and the stream goes on: a goroutine that only waits needs little of a
// stack, and this one's has grown.
func (st *stream) serve(ctx context.Context, detach bool) {
	detached := false
	reason := Failed // should something panic
	defer func() {
		if !detached {
			st.end(reason)
		}
	}()
	st.greet()
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
			if p := recover(); p != nil { // as net/http does on its own goroutines
				st.o.Logger.Error("stream panicked", "task", st.task, "panic", p, "stack", string(debug.Stack()))
			}
			st.end(reason)
		}()
		reason = st.follow(ctx)
	}()
}

// greet is what a client hears before the first event.
func (st *stream) greet() {
	if st.trace.Opened != nil {
		st.trace.Opened(st.lastEventID != "" && st.reset == "")
	}
	st.sock.retry()
	if st.reset != "" {
		st.sock.control("reset", resetData{st.reset, clip(st.lastEventID, maxLastEventID)})
		if st.trace.Reset != nil {
			st.trace.Reset(st.reset)
		}
	}
	st.lastEventID = ""
}

// end gives back what the stream has taken.
func (st *stream) end(reason Reason) {
	st.unwatch()
	if st.shared != nil {
		st.hub.release(st.shared)
	}
	st.hub.leave(st)
	st.open.Add(-1)
	if st.trace.Closed != nil {
		st.trace.Closed(reason)
	}
	st.sock.close()
}
