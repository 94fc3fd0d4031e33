package streamer

import (
	"context"
	"net/http"
)

// Until returns the request with a limited permission: when ctx ends, the stream ends with
// reason [Revoked], whatever kind of connection it uses, and sends nothing that commits
// after that. The request's own context cannot do this: when a connection is taken over, it
// ends early (see [Streamer.ConnContext]).
func Until(r *http.Request, ctx context.Context) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), untilKey{}, ctx))
}

type untilKey struct{}

// permission says how long a client may watch. The zero value is for ever.
type permission struct {
	until context.Context // nil: for ever
}

func permissionOf(r *http.Request) permission {
	until, _ := r.Context().Value(untilKey{}).(context.Context)
	return permission{until}
}

// revoked reports whether the permission has ended.
func (p permission) revoked() bool { return p.until != nil && p.until.Err() != nil }

// done is closed when the permission ends. It is nil if the permission never ends.
func (p permission) done() <-chan struct{} {
	if p.until == nil {
		return nil
	}
	return p.until.Done()
}

// whenRevoked calls f when the permission ends, unless stop is called first.
func (p permission) whenRevoked(f func()) (stop func()) {
	if p.until == nil {
		return func() {}
	}
	cancel := context.AfterFunc(p.until, f)
	return func() { cancel() }
}
