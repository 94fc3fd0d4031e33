package streamer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
	"jrweb/streamer"
)

const task = "t-197.4"

// newLog returns a log in memory.
func newLog(t testing.TB) *eventlog.Log { return logOn(t, eventlogtest.NewStore(), nil) }

func logOn(t testing.TB, store store.Store, o *eventlog.Options) *eventlog.Log {
	t.Helper()
	log, err := eventlog.New(store, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

// start starts a session of the task. It supersedes the open one.
func start(t testing.TB, log *eventlog.Log) *eventlog.Session {
	t.Helper()
	s, err := log.Start(context.Background(), task, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put appends n events in one commit.
func put(t testing.TB, s *eventlog.Session, n int) {
	t.Helper()
	if _, err := s.Append(context.Background(), statuses(n)...); err != nil {
		t.Error(err)
	}
}

func statuses(n int) []eventlog.Event {
	events := make([]eventlog.Event, n)
	for i := range events {
		events[i] = eventlog.Event{Type: eventlog.TypeStatus, Data: fmt.Appendf(nil, `{"content":"%d"}`, i)}
	}
	return events
}

// seal ends a session: one more event.
func seal(t testing.TB, s *eventlog.Session) {
	t.Helper()
	if err := s.Complete(context.Background(), eventlog.Succeeded, ""); err != nil {
		t.Error(err)
	}
}

func at(s *eventlog.Session, sequence uint64) string {
	return eventlog.Cursor{Session: s.ID(), Sequence: sequence}.String()
}

// server is a real server of a log's streams.
type server struct {
	streams *streamer.Streamer
	http    *httptest.Server
	client  *http.Client
	url     string
}

// routes are the routes of every test server.
func routes(s *streamer.Streamer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /tasks/{task}/events/stream", s.Handler(func(r *http.Request) string { return r.PathValue("task") }))
	mux.HandleFunc("GET /stream", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Tasks(w, r, nil); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return mux
}

func serve(t testing.TB, log *eventlog.Log, o *streamer.Options) *server {
	t.Helper()
	return serveWith(t, log, o, (*httptest.Server).Start)
}

// wakeUps are options with which only a wake-up tells a stream of new events:
// the ticker would hide that one was missed.
var wakeUps = &streamer.Options{PollInterval: time.Hour}

func serveWith(t testing.TB, log *eventlog.Log, o *streamer.Options, start func(*httptest.Server)) *server {
	t.Helper()
	s := streamer.New(log, o)
	h := httptest.NewUnstartedServer(routes(s))
	h.Config.ConnContext = s.ConnContext
	h.Config.RegisterOnShutdown(s.Shutdown)
	start(h)
	t.Cleanup(func() {
		s.Shutdown()
		h.CloseClientConnections()
		h.Close()
	})
	client := h.Client()
	client.Timeout = 2 * time.Minute // an event that never comes fails one test, not all
	return &server{streams: s, http: h, client: client, url: h.URL}
}

// get requests the task's stream. A header is "Name: value".
func (s *server) get(t testing.TB, query string, header ...string) *http.Response {
	t.Helper()
	return s.request(t, http.MethodGet, "/tasks/"+task+"/events/stream?"+query, header...)
}

func (s *server) request(t testing.TB, method, path string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// reader is the client's end of a stream.
type reader struct {
	t    testing.TB
	body io.ReadCloser
	sse  *sseReader
}

// open opens the task's stream and reads its first frame, the retry.
func (s *server) open(t testing.TB, query string, header ...string) *reader {
	t.Helper()
	return newReader(t, s.get(t, query, header...))
}

// resume opens the stream like a browser that has seen an event.
func (s *server) resume(t testing.TB, query, cursor string) *reader {
	t.Helper()
	return s.open(t, query, "Last-Event-ID: "+cursor)
}

func newReader(t testing.TB, res *http.Response) *reader {
	t.Helper()
	if res.StatusCode != http.StatusOK {
		body, err := io.ReadAll(res.Body)
		t.Fatalf("%s: %s %s (%v)", res.Request.URL, res.Status, body, err)
	}
	r := &reader{t, res.Body, newSSEReader(res.Body)}
	r.wantRetry(1000, 3000)
	return r
}

func (r *reader) next() frame {
	r.t.Helper()
	f, err := r.sse.next()
	if err != nil {
		r.t.Fatalf("next frame: %v", err)
	}
	return f
}

func (r *reader) wantRetry(least, most int) {
	r.t.Helper()
	f := r.next()
	if ms, err := strconv.Atoi(f.retry); err != nil || ms < least || ms > most {
		r.t.Fatalf("got %q, not a retry from %d to %d", f.raw, least, most)
	}
}

// want checks the bytes of the next frames.
func (r *reader) want(raw ...string) {
	r.t.Helper()
	for _, want := range raw {
		if got := r.next().raw; got != want {
			r.t.Fatalf("frame\n%.2000q, not\n%.2000q", got, want)
		}
	}
}

// wantEvents checks that the next n frames are the events after a cursor, and
// returns the last.
func (r *reader) wantEvents(after string, n int) frame {
	r.t.Helper()
	c, err := eventlog.ParseCursor(after)
	if err != nil {
		r.t.Fatal(err)
	}
	w := follower{c}
	var f frame
	for range n {
		f = r.next()
		if err := w.take(f); err != nil {
			r.t.Fatalf("%v: %.200q", err, f.raw)
		}
	}
	return f
}

// wantEnd checks that the response ends here, without an error.
func (r *reader) wantEnd() {
	r.t.Helper()
	if f, err := r.sse.next(); !errors.Is(err, io.EOF) {
		r.t.Fatalf("instead of the end: %.200q %v", f.raw, err)
	}
}

func (r *reader) close() { r.body.Close() }

func caughtUp(session string, sequence uint64) string {
	return fmt.Sprintf("event: caught_up\ndata: {\"session\":%q,\"sequence\":%d}\n\n", session, sequence)
}

func reset(reason, lastEventID string) string {
	text, err := json.Marshal(lastEventID)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("event: reset\ndata: {\"reason\":%q,\"last_event_id\":%s}\n\n", reason, text)
}

// countingStore counts the transactions of a store.
type countingStore struct {
	store.Store
	views   atomic.Int64
	updates atomic.Int64
}

func (s *countingStore) View(ctx context.Context, fn func(store.Reader) error) error {
	s.views.Add(1)
	return s.Store.View(ctx, fn)
}

func (s *countingStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.updates.Add(1)
	return s.Store.Update(ctx, fn)
}
