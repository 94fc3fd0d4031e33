package streamer

import (
	"context"
	"net/http"
	"time"
)

// response is the line through a ResponseWriter. It works with any net/http server, any
// version of HTTP and any middleware.
type response struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	ctx   context.Context // of the request: it ends when the client is gone
	woken chan struct{}   // has room for one token

	patience patience
}

func newResponse(ctx context.Context, w http.ResponseWriter) *response {
	return &response{w: w, rc: http.NewResponseController(w), ctx: ctx, woken: make(chan struct{}, 1)}
}

// responseTo is newResponse for a connection that [Streamer.ConnContext] may know.
func (s *Streamer) responseTo(r *http.Request, w http.ResponseWriter) *response {
	l := newResponse(r.Context(), w)
	if prep, ok := r.Context().Value(prepared{s}).(preparation); ok {
		l.patience = patience{acked: prep.acked, renew: l.rc.SetWriteDeadline}
	}
	return l
}

func (l *response) write(p []byte, deadline time.Time) (int, error) {
	if err := l.rc.SetWriteDeadline(deadline); err != nil {
		return 0, err
	}
	l.patience.begin(deadline)
	n, err := l.w.Write(p[:min(len(p), writeSize)])
	if err == nil {
		err = l.rc.Flush()
	}
	l.patience.end()
	if err == nil {
		// In HTTP/2 a deadline that passes resets the stream even if nothing is being
		// written.
		err = l.rc.SetWriteDeadline(time.Time{})
	}
	return n, err
}

func (l *response) rest(until time.Time) waking {
	silence := time.NewTimer(time.Until(until))
	defer silence.Stop()
	select {
	case <-l.woken:
		return woken
	case <-silence.C:
		return silent
	case <-l.ctx.Done():
		return gone
	}
}

func (l *response) awake() {
	select {
	case <-l.woken:
	default:
	}
}

func (l *response) wake() {
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

// hangUp leaves the end of the response to net/http, which writes it after the handler has
// returned.
func (l *response) hangUp(deadline time.Time) { _ = l.rc.SetWriteDeadline(deadline) } // fails if the client is gone
