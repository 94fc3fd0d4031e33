package streamer_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"jrweb/streamer"
)

// permitted limits the permission of a server's requests by ctx.
func permitted(ctx context.Context, setup func(*pipeServer)) func(*pipeServer) {
	return func(s *pipeServer) {
		setup(s)
		next := s.config.Handler
		s.config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, streamer.Until(r, ctx))
		})
	}
}

func TestAStreamEndsWithItsPermission(t *testing.T) {
	for name, setup := range everyKind {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			s := start(t, log)
			put(t, s, 3)
			trace, closed := closing()
			ctx, revoke := context.WithCancel(t.Context())
			server := servePipe(t, log, &streamer.Options{Trace: trace}, permitted(ctx, setup))
			r := server.open(t, "")
			r.wantEvents(at(s, 0), 3)
			put(t, s, 1)
			r.wantEvents(at(s, 3), 1) // live, from shared frames
			revoke()
			put(t, s, 1) // no client gets what commits now
			r.wantEnd()
			if reason := <-closed; reason != streamer.Revoked {
				t.Errorf("reason %q", reason)
			}
		})
	}
}

// Nothing that commits after the end of the permission is sent, even while the stream
// replays older events.
func TestNothingIsSentAfterThePermissionHasEnded(t *testing.T) {
	for name, setup := range everyKind {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			s := start(t, log)
			put(t, s, 3)
			trace, closed := closing()
			ctx, revoke := context.WithCancel(t.Context())
			revoke()
			server := servePipe(t, log, &streamer.Options{Trace: trace}, permitted(ctx, setup))
			r := server.open(t, "")
			r.wantEnd()
			if reason := <-closed; reason != streamer.Revoked {
				t.Errorf("reason %q", reason)
			}
		})
	}
}

func TestTheStreamOfTasksEndsWithItsPermission(t *testing.T) {
	for name, setup := range everyKind {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			start(t, log)
			ctx, revoke := context.WithCancel(t.Context())
			server := servePipe(t, log, nil, permitted(ctx, setup))
			r := newReader(t, server.request(t, http.MethodGet, "/stream"))
			r.next()
			synctest.Wait()
			revoke()
			if _, err := log.Start(t.Context(), "t-2", nil); err != nil {
				t.Fatal(err)
			}
			r.wantEnd()
		})
	}
}
