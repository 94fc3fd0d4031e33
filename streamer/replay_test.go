package streamer_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/streamer"
)

func TestHistoryComesFirstThenLiveEventsThenTheEnd(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	put(t, s, 3)
	server := serve(t, log, nil)
	r := server.open(t, "")
	r.wantEvents(at(s, 0), 3)
	put(t, s, 1)
	r.wantEvents(at(s, 3), 1)
	put(t, s, 5)
	r.wantEvents(at(s, 4), 5)
	seal(t, s)
	if f := r.wantEvents(at(s, 9), 1); f.event != "complete" {
		t.Errorf("last event is %q", f.event)
	}
	r.wantEnd()

	// The client has seen everything: with any other status than 204, or with an empty 200,
	// a browser would come back for ever.
	for _, method := range []string{"GET", "HEAD"} {
		for _, query := range []string{"", "session=" + s.ID().String(), "types=thought", "control=true", "format=envelope"} {
			res := server.request(t, method, "/tasks/"+task+"/events/stream?"+query, "Last-Event-ID: "+at(s, 10))
			body, err := io.ReadAll(res.Body)
			if res.StatusCode != http.StatusNoContent || len(body) > 0 || err != nil {
				t.Errorf("%s ?%s after the end: %s %q %v", method, query, res.Status, body, err)
			}
		}
	}
	if res := server.get(t, "last_event_id="+at(s, 10)); res.StatusCode != http.StatusNoContent {
		t.Errorf("after the end, with the cursor in the query: %s", res.Status)
	}
	server.resume(t, "", at(s, 9)).wantEvents(at(s, 9), 1) // one before the end is not the end
}

func TestHeaders(t *testing.T) {
	log := newLog(t)
	put(t, start(t, log), 1)
	server := serve(t, log, nil)
	for _, path := range []string{"/tasks/" + task + "/events/stream", "/stream"} {
		for _, method := range []string{"GET", "HEAD"} {
			res := server.request(t, method, path)
			for name, want := range map[string]string{
				"Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no",
				"Content-Length": "", "Content-Encoding": "",
			} {
				if got := res.Header.Get(name); res.StatusCode != 200 || got != want {
					t.Errorf("%s %s: %s, %s: %q, not %q", method, path, res.Status, name, got, want)
				}
			}
			if method == "HEAD" {
				if body, err := io.ReadAll(res.Body); len(body) > 0 || err != nil {
					t.Errorf("HEAD %s has a body: %q %v", path, body, err)
				}
			} else {
				newReader(t, res)
			}
		}
	}
}

func TestRetryIsJittered(t *testing.T) {
	log := newLog(t)
	start(t, log)
	server := serve(t, log, nil)
	seen := map[string]bool{}
	for range 20 {
		res := server.get(t, "")
		f, err := newSSEReader(res.Body).next()
		if err != nil {
			t.Fatal(err)
		}
		seen[f.retry] = true
		res.Body.Close()
	}
	if len(seen) < 2 {
		t.Errorf("20 streams got the same retry: %v", seen)
	}
}

func TestWithoutASessionTheStreamWaitsForTheFirst(t *testing.T) {
	for _, query := range []string{"", "sessions=all"} {
		log := newLog(t)
		if _, _, err := log.PutTask(t.Context(), task, eventlog.TaskChange{}); err != nil {
			t.Fatal(err)
		}
		server := serve(t, log, nil)
		r := server.open(t, query)
		s := start(t, log)
		put(t, s, 2)
		r.wantEvents(at(s, 0), 2)
		seal(t, s)
		r.wantEvents(at(s, 2), 1)
		if query == "" {
			r.wantEnd()
		}
	}
}

func TestATaskThatIsDeletedWhileAStreamWaitsForItsFirstSession(t *testing.T) {
	log := newLog(t)
	if _, _, err := log.PutTask(t.Context(), task, eventlog.TaskChange{}); err != nil {
		t.Fatal(err)
	}
	r := serve(t, log, nil).open(t, "")
	if err := log.DeleteTask(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	r.wantEnd()
}

func TestTypesFilterNeverHidesComplete(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	_, err := s.Append(t.Context(),
		eventlog.Event{Type: "thought", Data: []byte(`{"content":"a"}`)},
		eventlog.Event{Type: "status", Data: []byte(`{"content":"b"}`)},
		eventlog.Event{Type: "user", Data: []byte(`{"content":"c"}`)},
		eventlog.Event{Type: "complete", Data: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, log, nil)
	for types, want := range map[string]string{
		"status":          "2 4",
		"status,user":     "2 3 4",
		"user,status":     "2 3 4",
		"complete":        "4",
		"never_seen":      "4",
		"thought,thought": "1 4",
	} {
		r := server.open(t, "types="+types)
		var got []string
		for {
			f, err := r.sse.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.TrimPrefix(f.id, s.ID().String()+":"))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("types=%s: events %s, not %s", types, got, want)
		}
	}
}

func TestASessionDeletedDuringItsStreamEndsItWithoutComplete(t *testing.T) {
	for name, deletion := range map[string]func(*eventlog.Log, *eventlog.Session) error{
		"session": func(log *eventlog.Log, s *eventlog.Session) error {
			return log.DeleteSession(context.Background(), task, s.ID())
		},
		"task": func(log *eventlog.Log, _ *eventlog.Session) error { return log.DeleteTask(context.Background(), task) },
	} {
		for _, query := range []string{"", "sessions=all", "types=thought"} {
			t.Run(name+" "+query, func(t *testing.T) {
				log := newLog(t)
				s := start(t, log)
				put(t, s, 2)
				closed := make(chan streamer.Reason, 1)
				server := serve(t, log, &streamer.Options{Trace: &streamer.Trace{Closed: func(r streamer.Reason) { closed <- r }}})
				r := server.open(t, query)
				if query != "types=thought" {
					r.wantEvents(at(s, 0), 2)
				}
				if err := deletion(log, s); err != nil {
					t.Fatal(err)
				}
				if name == "session" && query == "sessions=all" { // it goes on with the others
					next := start(t, log)
					put(t, next, 1)
					r.wantEvents(at(next, 0), 1)
					return
				}
				r.wantEnd()
				if reason := <-closed; reason != streamer.Deleted {
					t.Errorf("reason %q", reason)
				}
			})
		}
	}
}

func TestWhatDoesNotExistIsRefusedBeforeTheFirstByte(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	gone := start(t, log)
	if err := log.DeleteSession(t.Context(), task, gone.ID()); err != nil {
		t.Fatal(err)
	}
	other, err := log.Start(t.Context(), "other", nil)
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, log, nil)
	for name, path := range map[string]string{
		"unknown task":                  "/tasks/unknown/events/stream",
		"unknown task, all":             "/tasks/unknown/events/stream?sessions=all",
		"unknown task, known session":   "/tasks/unknown/events/stream?session=" + s.ID().String(),
		"unknown session":               "/tasks/" + task + "/events/stream?session=00000000000000000000000004",
		"deleted session":               "/tasks/" + task + "/events/stream?session=" + gone.ID().String(),
		"session of another task":       "/tasks/" + task + "/events/stream?session=" + other.ID().String(),
		"session that is none":          "/tasks/" + task + "/events/stream?session=x",
		"session that is empty":         "/tasks/" + task + "/events/stream?session=",
		"session in lower case":         "/tasks/" + task + "/events/stream?session=" + strings.ToLower(s.ID().String()),
		"session with a cursor's colon": "/tasks/" + task + "/events/stream?session=" + s.ID().String() + ":0",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			res := server.request(t, method, path)
			if res.StatusCode != http.StatusNotFound || strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
				t.Errorf("%s: %s: %s %v", name, method, res.Status, res.Header)
			}
		}
	}
}

func TestABadQueryNamesItsField(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	streams := streamer.New(log, nil)
	id := s.ID().String()
	for query, field := range map[string]string{
		"sessions=one":                "sessions",
		"sessions=":                   "sessions",
		"sessions=ALL":                "sessions",
		"sessions=all&session=" + id:  "sessions",
		"sessions=all&sessions=all":   "sessions",
		"session=" + id + "&session=": "session",
		"types=":                      "types",
		"types=a,":                    "types",
		"types=a,,b":                  "types",
		"types=A":                     "types",
		"types=a%20b":                 "types",
		"types=a&types=b":             "types",
		"types=%00":                   "types",
		"format=":                     "format",
		"format=xml":                  "format",
		"format=JSON":                 "format",
		"format=json&format=json":     "format",
		"control=":                    "control",
		"control=1":                   "control",
		"control=TRUE":                "control",
		"cursor=" + id + ":0":         "cursor",
		"Session=" + id:               "Session",
		"z=1&a=1":                     "a",
		"=1":                          "query",
		strings.Repeat("a", 100):      strings.Repeat("a", 64),
		"a;b":                         "query",
		"%zz=1":                       "query",
	} {
		w := httptest.NewRecorder()
		err := streams.Events(w, httptest.NewRequest("GET", "/?"+query, nil), task)
		if bad, ok := errors.AsType[*streamer.QueryError](err); !ok || bad.Field != field || bad.Reason == "" {
			t.Errorf("?%s: %v, not a QueryError of %s", query, err, field)
		}
		if w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("?%s: wrote %q", query, w.Body)
		}
	}
	res := serve(t, log, nil).get(t, "format=xml")
	body, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "format") || err != nil {
		t.Errorf("the handler answers %s %q %v", res.Status, body, err)
	}
}

// plainWriter is a ResponseWriter without flush and deadlines.
type plainWriter struct{ http.ResponseWriter }

// wrapper is middleware that wraps the writer, and says so.
type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestAWriterThatCannotStreamIsRefusedUnlessItUnwraps(t *testing.T) {
	log := newLog(t)
	seal(t, start(t, log))
	streams := streamer.New(log, nil)
	handler := streams.Handler(func(*http.Request) string { return task })

	hidden := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(plainWriter{w}, r) }))
	defer hidden.Close()
	res, err := http.Get(hidden.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusInternalServerError {
		t.Errorf("a writer that cannot flush: %s", res.Status)
	}

	wrapped := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(wrapper{wrapper{w}}, r) }))
	defer wrapped.Close()
	if res, err = http.Get(wrapped.URL); err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	r := newReader(t, res)
	r.next()
	r.wantEnd()
}
