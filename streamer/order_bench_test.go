package streamer_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/filestore"
	"jrweb/streamer"
)

// untilSink ends a request once a text was written.
type untilSink struct {
	sink
	until []byte
	end   context.CancelFunc
}

func (s *untilSink) Write(p []byte) (int, error) {
	if bytes.Contains(p, s.until) {
		s.end()
	}
	return s.sink.Write(p)
}

// One operation is a stream of all sessions of a task, which follow each other or run beside
// one that stays open: all of it, or its last event.
func BenchmarkAllSessions(b *testing.B) {
	for _, sessions := range []int{1000, 10_000} {
		for _, beside := range []bool{false, true} {
			db, err := filestore.Open(filepath.Join(b.TempDir(), "jr.db"), nil)
			if err != nil {
				b.Fatal(err)
			}
			log := logOn(b, db, nil)
			var long *eventlog.Session
			if beside {
				long = start(b, log)
			}
			previous, last := "", ""
			for range sessions {
				s, err := log.Start(b.Context(), task, &eventlog.StartOptions{Concurrent: true})
				if err != nil {
					b.Fatal(err)
				}
				if beside {
					put(b, long, 1)
				}
				put(b, s, 9)
				seal(b, s)
				previous, last = at(s, 9), at(s, 10)
			}
			handler := streamer.New(log, nil).Handler(func(*http.Request) string { return task })
			for _, c := range []struct{ name, after string }{{"replay", ""}, {"resume", previous}} {
				b.Run(fmt.Sprintf("%s/sessions=%d/beside=%v", c.name, sessions, beside), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						ctx, end := context.WithCancel(b.Context())
						to := &untilSink{sink{header: http.Header{}}, []byte("id: " + last + "\n"), end}
						handler.ServeHTTP(to, httptest.NewRequestWithContext(ctx, http.MethodGet, "/?sessions=all&last_event_id="+c.after, nil))
					}
				})
			}
		}
	}
}
