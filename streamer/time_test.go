package streamer_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
	"jrweb/streamer"
)

// wantAfter checks how long the next frame takes, and its bytes.
func (r *reader) wantAfter(d time.Duration, raw string) {
	r.t.Helper()
	begin := time.Now()
	r.want(raw)
	if took := time.Since(begin); took != d {
		r.t.Fatalf("%q came after %v, not %v", raw, took, d)
	}
}

const beat = ": heartbeat\n\n"

func TestHeartbeats(t *testing.T) {
	bubble(t, "come after every 15 s of silence, and not otherwise", func(t *testing.T) {
		log := newLog(t)
		s := start(t, log)
		server := servePipe(t, log, nil, nil)
		r := server.open(t, "")
		r.wantAfter(15*time.Second, beat)
		r.wantAfter(15*time.Second, beat)
		for i := range uint64(4) {
			time.Sleep(10 * time.Second)
			put(t, s, 1)
			r.wantEvents(at(s, i), 1)
		}
		r.wantAfter(15*time.Second, beat)
	})
	bubble(t, "come while all events are of hidden types", func(t *testing.T) {
		log := newLog(t)
		s := start(t, log)
		r := servePipe(t, log, nil, nil).open(t, "types=thought")
		for range 3 {
			time.Sleep(4 * time.Second)
			put(t, s, 1)
		}
		r.wantAfter(3*time.Second, beat)
	})
	bubble(t, "come while there is no session", func(t *testing.T) {
		log := newLog(t)
		if _, _, err := log.PutTask(t.Context(), task, eventlog.TaskChange{}); err != nil {
			t.Fatal(err)
		}
		r := servePipe(t, log, nil, nil).open(t, "")
		r.wantAfter(15*time.Second, beat)
	})
	bubble(t, "come as often as the options say", func(t *testing.T) {
		log := newLog(t)
		start(t, log)
		r := servePipe(t, log, &streamer.Options{Heartbeat: 3 * time.Second}, nil).open(t, "control=true")
		r.next()
		r.wantAfter(3*time.Second, beat)
	})
	bubble(t, "come together, if they are due at about the same time", func(t *testing.T) {
		log := newLog(t)
		start(t, log)
		server := servePipe(t, log, nil, nil)
		begin := time.Now()
		var readers []*reader
		for range 4 { // after 10, 20, 30 and 40 ms
			time.Sleep(10 * time.Millisecond)
			readers = append(readers, server.open(t, ""))
		}
		for _, r := range readers {
			r.want(beat)
			if took := time.Since(begin); took != 15*time.Second+100*time.Millisecond {
				t.Errorf("a heartbeat came after %v", took)
			}
		}
	})
	bubble(t, "come for lists of tasks", func(t *testing.T) {
		log := newLog(t)
		server := servePipe(t, log, nil, nil)
		r := newReader(t, server.request(t, "GET", "/stream"))
		r.wantAfter(15*time.Second, beat)
		start(t, log)
		r.next()
		r.wantAfter(15*time.Second, beat)
	})
}

func TestTheServersOwnTimeoutsDoNotEndAStream(t *testing.T) {
	for name, setup := range everyKind {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			s := start(t, log)
			server := servePipe(t, log, nil, func(s *pipeServer) {
				setup(s)
				s.config.ReadTimeout, s.config.WriteTimeout = 4*time.Second, 4*time.Second
				s.config.ReadHeaderTimeout, s.config.IdleTimeout = 4*time.Second, 4*time.Second
			})
			r := server.open(t, "")
			r.wantAfter(15*time.Second, beat)
			put(t, s, 1)
			r.wantEvents(at(s, 0), 1)
			r.wantAfter(15*time.Second, beat)
		})
	}
}

func TestNewEventsLeaveWhenTheyCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		s := start(t, log)
		r := servePipe(t, log, nil, nil).open(t, "")
		for i := range uint64(5) {
			time.Sleep(123 * time.Millisecond) // between two ticks
			begin := time.Now()
			put(t, s, 1)
			r.wantEvents(at(s, i), 1)
			if took := time.Since(begin); took != 0 {
				t.Errorf("an event took %v", took)
			}
		}
	})
}

// With a store that cannot notify, the ticker alone must work.

func TestAnIdleStreamReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &countingStore{Store: eventlogtest.NewStore()}
		log := logOn(t, store, nil)
		other, err := log.Start(t.Context(), "other", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := log.PutTask(t.Context(), "empty", eventlog.TaskChange{}); err != nil {
			t.Fatal(err)
		}
		sealed := start(t, log)
		put(t, sealed, 5)
		seal(t, sealed)
		var polls atomic.Int64
		server := servePipe(t, log, &streamer.Options{Heartbeat: time.Hour, Trace: &streamer.Trace{Polled: func(found bool) {
			polls.Add(1)
			if found {
				t.Error("a poll found something")
			}
		}}}, nil)
		server.open(t, "sessions=all").wantEvents(at(sealed, 0), 6) // waits for the next session
		newReader(t, server.request(t, "GET", "/tasks/empty/events/stream"))
		newReader(t, server.request(t, "GET", "/tasks/other/events/stream"))
		newReader(t, server.request(t, "GET", "/stream")).next()
		time.Sleep(time.Second) // so that everything that happens only once has happened
		synctest.Wait()
		views, updates := store.views.Load(), store.updates.Load()
		polls.Store(0)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if v, u := store.views.Load()-views, store.updates.Load()-updates; v != 0 || u != 0 {
			t.Errorf("in five minutes of idling: %d views, %d updates", v, u)
		}
		if n := polls.Load(); n != 3*2*60*5 {
			t.Errorf("%d polls", n)
		}
		put(t, other, 1) // the control: the counter does count
		if store.updates.Load() == updates {
			t.Error("an append was not counted")
		}
	})
}

func TestShutdownEndsEveryStreamAtAFrameBoundary(t *testing.T) {
	for name, setup := range everyKind {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			if _, _, err := log.PutTask(t.Context(), "empty", eventlog.TaskChange{}); err != nil {
				t.Fatal(err)
			}
			s := start(t, log)
			put(t, s, 10_000)
			closed := make(chan streamer.Reason, 10)
			server := servePipe(t, log, &streamer.Options{Trace: &streamer.Trace{Closed: func(r streamer.Reason) { closed <- r }}}, setup)
			idle, waiting := server.resume(t, "", at(s, 10_000)), newReader(t, server.request(t, "GET", "/tasks/empty/events/stream"))
			tasks := newReader(t, server.request(t, "GET", "/stream"))
			tasks.next()
			tasks.next()
			replaying := server.open(t, "") // most of its events are still to come
			replaying.wantEvents(at(s, 0), 10)

			done := make(chan error)
			go func() { done <- server.config.Shutdown(context.Background()) }()
			for _, r := range []*reader{idle, waiting, tasks} {
				r.wantRetry(1000, 3000)
				r.wantEnd()
			}
			w := follower{eventlog.Cursor{Session: s.ID(), Sequence: 10}}
			f := replaying.next()
			for f.isEvent() {
				if err := w.take(f); err != nil {
					t.Fatal(err)
				}
				f = replaying.next()
			}
			if f.retry == "" || w.at.Sequence >= 10_000 {
				t.Errorf("after event %d comes %q", w.at.Sequence, f.raw)
			}
			replaying.wantEnd()
			if err := <-done; err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			for range 3 {
				if reason := <-closed; reason != streamer.Shutdown {
					t.Errorf("reason %q", reason)
				}
			}
		})
	}
}

func TestAStreamThatComesAfterShutdownIsSentAwayGently(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	put(t, s, 5)
	server := serve(t, log, nil)
	server.streams.Shutdown()
	server.streams.Shutdown() // a second call does nothing
	r := server.open(t, "")
	r.wantRetry(1000, 3000)
	r.wantEnd()
}

func TestAClosedLogEndsItsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, err := eventlog.New(eventlogtest.NewStore(), nil)
		if err != nil {
			t.Fatal(err)
		}
		s := start(t, log)
		closed := make(chan streamer.Reason, 1)
		server := servePipe(t, log, &streamer.Options{Trace: &streamer.Trace{Closed: func(r streamer.Reason) { closed <- r }}}, nil)
		r := server.resume(t, "", at(s, 0))
		tasks := newReader(t, server.request(t, "GET", "/stream"))
		tasks.next()
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*reader{r, tasks} {
			r.wantRetry(1000, 3000)
			r.wantEnd()
		}
		if reason := <-closed; reason != streamer.Shutdown {
			t.Errorf("reason %q", reason)
		}
		if res := server.get(t, ""); res.StatusCode != http.StatusInternalServerError {
			body, err := io.ReadAll(res.Body)
			t.Errorf("a stream of a closed log: %s %s %v", res.Status, body, err)
		}
	})
}

// slowStore delays each read.
type slowStore struct {
	store.Store
	takes time.Duration
}

func (s slowStore) View(ctx context.Context, fn func(store.Reader) error) error {
	time.Sleep(s.takes)
	return s.Store.View(ctx, fn)
}

// The time-out is for a write, not for what the stream does between two writes.
func TestAStreamThatReadsForLongIsNotTakenForAClientThatTakesNothing(t *testing.T) {
	for name, setup := range everyKind {
		bubble(t, name, func(t *testing.T) {
			log := logOn(t, slowStore{eventlogtest.NewStore(), 3 * time.Second}, nil)
			s := start(t, log)
			put(t, s, 3000) // several pages of events that the filter hides
			if _, err := s.Append(t.Context(), eventlog.Event{Type: eventlog.TypeThought, Data: []byte(`{"content":"x"}`)}); err != nil {
				t.Fatal(err)
			}
			r := servePipe(t, log, &streamer.Options{WriteTimeout: 2 * time.Second, Heartbeat: time.Hour}, setup).open(t, "types=thought")
			r.wantEvents(at(s, 3000), 1)
		})
	}
}
