package streamer_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/streamer"
)

// net/http survives handlers that panic. So a stream that has outlived its handler must not
// end the program either.
func TestAPanicInAStreamThatWasTakenOverIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		s := start(t, log)
		var output strings.Builder
		closed := make(chan streamer.Reason, 1)
		server := servePipe(t, log, &streamer.Options{
			MaxStreams: 1, Logger: slog.New(slog.NewTextHandler(&output, nil)),
			Trace: &streamer.Trace{
				Heartbeat: func() { panic("in a hook") },
				Closed:    func(r streamer.Reason) { closed <- r },
			},
		}, nil)
		r := server.open(t, "")
		r.wantAfter(15*time.Second, beat)
		r.wantEnd()
		if reason := <-closed; reason != streamer.Failed {
			t.Errorf("reason %q", reason)
		}
		if text := output.String(); !strings.Contains(text, "in a hook") || !strings.Contains(text, task) {
			t.Errorf("logged %q", text)
		}
		put(t, s, 1)
		server.open(t, "").wantEvents(at(s, 0), 1) // its place is free
	})
}

// If a page is written in another goroutine, a panic there is raised on the stream's own
// goroutine, where net/http or the caller expects it.
func TestAPanicOfAResponseWriterReachesTheHandler(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	put(t, s, 10_000) // many pages
	for writes := range 5 {
		closed := make(chan streamer.Reason, 1)
		streams := streamer.New(log, &streamer.Options{Trace: &streamer.Trace{Closed: func(r streamer.Reason) { closed <- r }}})
		func() {
			defer func() {
				if p := recover(); p != panicked {
					t.Errorf("after %d writes: panicked with %v", writes, p)
				}
			}()
			w := &panicking{sink: sink{header: http.Header{}}, writes: writes}
			err := streams.Events(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), task)
			t.Errorf("after %d writes: no panic, error %v", writes, err)
		}()
		if reason := <-closed; reason != streamer.Failed {
			t.Errorf("after %d writes: reason %q", writes, reason)
		}
	}
}

const panicked = "in a ResponseWriter"

// panicking panics after a number of writes.
type panicking struct {
	sink
	writes int
}

func (w *panicking) Write(p []byte) (int, error) {
	if w.writes--; w.writes < 0 {
		panic(panicked)
	}
	return w.sink.Write(p)
}

func TestATraceThatPanicsAtATickStopsNoStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		s := start(t, log)
		panics := 0
		r := servePipe(t, log, &streamer.Options{Trace: &streamer.Trace{Polled: func(bool) {
			panics++
			panic("in a hook")
		}}}, nil).open(t, "")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if panics == 0 {
			t.Error("the hook was not called")
		}
		put(t, s, 3)
		r.wantEvents(at(s, 0), 3)
	})
}
