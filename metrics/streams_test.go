package metrics_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jrweb/eventlog"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
	"jrweb/streamer"
)

// world is a log with one task and an open session of one event, and a measured streamer.
type world struct {
	t       *testing.T
	reg     *prometheus.Registry
	log     *eventlog.Log
	broken  *atomic.Bool // makes the store unreadable
	session *eventlog.Session
	streams *streamer.Streamer
}

// TestStreamsAreCounted runs real streams on a fake clock.
func TestStreamsAreCounted(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(w *world)
		want series
	}{
		"one that is open": {
			do: func(w *world) { w.open("") },
			want: series{
				"streams_active": 1, `streams_opened_total{resumed="false"}`: 1,
				`stream_events_sent_total{phase="replay"}`: 1,
			},
		},
		"one that ends with its session": {
			do: func(w *world) { w.open(""); w.append(thought(), event("complete", `{}`)) },
			want: series{
				`streams_opened_total{resumed="false"}`:       1,
				`stream_disconnects_total{reason="complete"}`: 1,
				`stream_events_sent_total{phase="replay"}`:    1,
				`stream_events_sent_total{phase="live"}`:      2,
				"stream_delivery_seconds":                     2,
			},
		},
		"one whose client leaves": {
			do: func(w *world) { w.open("").leave() },
			want: series{
				`streams_opened_total{resumed="false"}`:          1,
				`stream_disconnects_total{reason="client_gone"}`: 1,
				`stream_events_sent_total{phase="replay"}`:       1,
			},
		},
		"one whose client takes nothing": {
			do: func(w *world) { c := w.open(""); c.stalled.Store(true); w.append(thought()); w.pass(11 * time.Second) },
			want: series{
				`streams_opened_total{resumed="false"}`:            1,
				`stream_disconnects_total{reason="write_timeout"}`: 1,
				`stream_events_sent_total{phase="replay"}`:         1,
			},
		},
		"one that the server ends": {
			do: func(w *world) { w.open(""); w.streams.Shutdown() },
			want: series{
				`streams_opened_total{resumed="false"}`:       1,
				`stream_disconnects_total{reason="shutdown"}`: 1,
				`stream_events_sent_total{phase="replay"}`:    1,
			},
		},
		"one whose task is deleted": {
			do: func(w *world) { w.open(""); w.must(w.log.DeleteTask(w.t.Context(), "t-1")) },
			want: series{
				`streams_opened_total{resumed="false"}`:      1,
				`stream_disconnects_total{reason="deleted"}`: 1,
				`stream_events_sent_total{phase="replay"}`:   1,
			},
		},
		"one that cannot read the log": {
			// What is larger than the memory of the newest events is read from the store.
			do: func(w *world) {
				w.open("")
				w.broken.Store(true)
				w.append(event("thought", `{"content":"`+strings.Repeat("m", 1<<20)+`"}`))
			},
			want: series{
				`streams_opened_total{resumed="false"}`:    1,
				`stream_disconnects_total{reason="error"}`: 1,
				`stream_events_sent_total{phase="replay"}`: 1,
			},
		},
		"one turned away at the limit is rejected and was never open": {
			do: func(w *world) { w.open(""); w.open(""); w.open("") },
			want: series{
				"streams_active": 2, `streams_opened_total{resumed="false"}`: 2,
				`stream_disconnects_total{reason="rejected"}`: 1,
				`stream_events_sent_total{phase="replay"}`:    2,
			},
		},
		"one that resumes": {
			do:   func(w *world) { w.open(w.session.ID().String() + ":1") },
			want: series{"streams_active": 1, `streams_opened_total{resumed="true"}`: 1},
		},
		"a cursor that is malformed": {
			do: func(w *world) { w.open("%00") },
			want: series{
				"streams_active": 1, `streams_opened_total{resumed="false"}`: 1,
				`stream_resets_total{reason="malformed"}`:  1,
				`stream_events_sent_total{phase="replay"}`: 1,
			},
		},
		"a cursor of another task's session": {
			do: func(w *world) { w.open(start(w.t, w.log, "t-2").ID().String() + ":1") },
			want: series{
				"streams_active": 1, `streams_opened_total{resumed="false"}`: 1,
				`stream_resets_total{reason="unknown"}`:    1,
				`stream_events_sent_total{phase="replay"}`: 1,
			},
		},
		"a cursor ahead of the head": {
			do: func(w *world) { w.open(w.session.ID().String() + ":2") },
			want: series{
				"streams_active": 1, `streams_opened_total{resumed="false"}`: 1,
				`stream_resets_total{reason="ahead"}`:      1,
				`stream_events_sent_total{phase="replay"}`: 1,
			},
		},
		"heartbeats, and looks at the log that find nothing": {
			do: func(w *world) { w.open(""); w.pass(15100 * time.Millisecond) },
			want: series{
				"streams_active": 1, `streams_opened_total{resumed="false"}`: 1,
				`stream_events_sent_total{phase="replay"}`: 1,
				`stream_heartbeats_total`:                  1,
				`stream_polls_total{result="idle"}`:        30,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				before := scrape(t, w.reg)
				test.do(w)
				synctest.Wait()
				got := scrape(t, w.reg).since(before)
				delete(got, "stream_bytes_sent_total") // retry: has a random length; see below
				for _, appended := range []string{"append_seconds", "append_batch_events", `events_appended_total{type="thought"}`, `events_appended_total{type="complete"}`, `sessions_sealed_total{status="succeeded"}`, "sessions_open"} {
					delete(got, appended) // log_test.go checks these
				}
				expect(t, got, test.want)
			})
		})
	}
}

func TestBytesOfStreamsAreThoseOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open("")
		w.append(thought(), event("complete", `{}`))
		synctest.Wait()
		sent := value(gather(t, w.reg)["jrweb_stream_bytes_sent_total"].GetMetric()[0])
		if got := c.received(); got == 0 || sent != float64(got) {
			t.Errorf("counted %v bytes, the client has %d", sent, got)
		}
	})
}

// newWorld must be called in a synctest bubble.
func newWorld(t *testing.T) *world {
	m, reg := newMetrics(t)
	w := &world{t: t, reg: reg, broken: new(atomic.Bool)}
	bolt, err := filestore.Open(t.TempDir()+"/jr.db", nil)
	w.must(err)
	w.log, err = eventlog.New(brokenStore{bolt, w.broken}, &eventlog.Options{KeepOpen: true, Trace: m.LogTrace()})
	w.must(err)
	t.Cleanup(func() { w.log.Close() })
	m.CollectLog(w.log)
	w.session = start(t, w.log, "t-1")
	w.append(thought())
	w.streams = streamer.New(w.log, &streamer.Options{Trace: m.StreamTrace(), MaxStreams: 2})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) append(events ...eventlog.Event) { w.t.Helper(); appendTo(w.t, w.session, events...) }

// pass lets time pass, until everything that is due has happened.
func (w *world) pass(d time.Duration) { time.Sleep(d); synctest.Wait() }

// open opens a stream, until the end of the test, and waits until it is idle.
func (w *world) open(cursor string) *client {
	ctx, leave := context.WithCancel(w.t.Context())
	c := &client{header: http.Header{}}
	r := httptest.NewRequestWithContext(ctx, "GET", "/?last_event_id="+cursor, nil)
	var done sync.WaitGroup
	done.Go(func() {
		w.streams.Handler(func(*http.Request) string { return "t-1" }).ServeHTTP(c, r)
	})
	c.leave = func() { leave(); done.Wait() }
	w.t.Cleanup(c.leave)
	synctest.Wait()
	return c
}

// client is the connection of a client, which may stop taking anything.
type client struct {
	header   http.Header
	leave    func()
	stalled  atomic.Bool
	mu       sync.Mutex
	deadline time.Time
	body     bytes.Buffer
}

func (c *client) Header() http.Header { return c.header }
func (c *client) WriteHeader(int)     {}
func (c *client) Flush()              {}

func (c *client) SetWriteDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = at
	return nil
}

func (c *client) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stalled.Load() {
		time.Sleep(time.Until(c.deadline))
		return 0, os.ErrDeadlineExceeded
	}
	return c.body.Write(p)
}

func (c *client) received() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.body.Len()
}

// brokenStore is a store that can become unreadable.
type brokenStore struct {
	store.Store
	broken *atomic.Bool
}

func (s brokenStore) View(ctx context.Context, fn func(store.Reader) error) error {
	if s.broken.Load() {
		return errors.New("the disk is gone")
	}
	return s.Store.View(ctx, fn)
}
