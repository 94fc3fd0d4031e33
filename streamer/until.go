package streamer

import (
	"context"
	"net/http"
)

// Until returns the request with an end to what its client may see: when ctx ends, the
// stream does, reason [Revoked], whatever kind of connection it uses, and nothing that
// commits after that is sent. The request's own context does not do for this: over a
// connection that is taken over it ends early (see [Streamer.ConnContext]).
func Until(r *http.Request, ctx context.Context) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), untilKey{}, ctx))
}

type untilKey struct{}

// permission is for how long a client may watch. The zero value is for ever.
type permission struct {
	until context.Context // nil: for ever
}

func permissionOf(r *http.Request) permission {
	until, _ := r.Context().Value(untilKey{}).(context.Context)
	return permission{until}
}

// revoked reports whether the client may not watch any more.
func (p permission) revoked() bool { return p.until != nil && p.until.Err() != nil }

// done is closed when the client may not watch any more, nil if that never comes.
func (p permission) done() <-chan struct{} {
	if p.until == nil {
		return nil
	}
	return p.until.Done()
}

// whenRevoked calls f when it comes. The answer ends that.
func (p permission) whenRevoked(f func()) (stop func()) {
	if p.until == nil {
		return func() {}
	}
	cancel := context.AfterFunc(p.until, f)
	return func() { cancel() }
}
