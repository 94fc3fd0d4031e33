package streamer_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/streamer"
)

// sink is a response that is counted and discarded.
type sink struct {
	header http.Header
	bytes  int
}

func (s *sink) Header() http.Header              { return s.header }
func (s *sink) WriteHeader(int)                  {}
func (s *sink) Write(p []byte) (int, error)      { s.bytes += len(p); return len(p), nil }
func (s *sink) FlushError() error                { return nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }

// One operation is a stream of 10,000 events of 300 bytes, a whole session, without disk
// and network.
func BenchmarkReplay(b *testing.B) {
	const events = 10_000
	log := newLog(b)
	s := start(b, log)
	batch := make([]eventlog.Event, events)
	for i := range batch {
		batch[i] = eventlog.Event{Type: eventlog.TypeAssistant, Data: fmt.Appendf(nil, `{"content":"%s"}`, bytes.Repeat([]byte("x"), 286))}
	}
	if _, err := s.Append(b.Context(), batch...); err != nil {
		b.Fatal(err)
	}
	if err := s.Complete(b.Context(), eventlog.Succeeded, ""); err != nil {
		b.Fatal(err)
	}
	handler := streamer.New(log, nil).Handler(func(*http.Request) string { return task })
	for _, format := range []string{"json", "envelope"} {
		b.Run("format="+format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				to := &sink{header: http.Header{}}
				handler.ServeHTTP(to, httptest.NewRequest(http.MethodGet, "/?format="+format, nil))
				if to.bytes < events*300 {
					b.Fatalf("the stream has %d bytes", to.bytes)
				}
				b.SetBytes(int64(to.bytes))
			}
		})
	}
}
