package router_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"jrweb/router"
)

// traced records the calls of a trace.
type traced struct {
	mu   sync.Mutex
	told []string
}

func (tr *traced) trace() *router.Trace {
	return &router.Trace{Answered: func(route, method string, status int, took time.Duration) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if took < 0 {
			route += " before it began"
		}
		tr.told = append(tr.told, fmt.Sprint(route, " ", method, " ", status))
	}}
}

// take returns the calls since the last take.
func (tr *traced) take() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	told := strings.Join(tr.told, ", ")
	tr.told = nil
	return told
}

func TestTheTraceIsToldOfEveryRequestButStreams(t *testing.T) {
	for _, r := range routes {
		t.Run(r.method+" "+r.pattern, func(t *testing.T) {
			tr := &traced{}
			s, fill := serveRoutes(t, options{router: router.Options{Trace: tr.trace()}})
			tr.take()
			// The trace is called before an answer ends, except for streams: closing the
			// server waits for all of them.
			s.do(r.method, fill(r.path), bodyOf(r.body)).is(r.status)
			s.restart()
			want := fmt.Sprint(r.pattern, " ", r.method, " ", r.status)
			if r.contentType == sseType {
				want = ""
			}
			if got := tr.take(); got != want {
				t.Errorf("the trace was told %q, not %q", got, want)
			}
		})
	}
}

func TestTheTraceIsToldOfRefusals(t *testing.T) {
	tr := &traced{}
	s, _ := serveRoutes(t, options{prefix: "/jr", router: router.Options{Trace: tr.trace()}})
	for _, c := range []struct {
		method, path, header, want string
	}{
		{"GET", "", "X-Nothing: ", "none GET 301"},
		{"GET", "/nothing", "X-Nothing: ", "none GET 404"},
		{"GET", "/tasks/t%2F1", "X-Nothing: ", "none GET 404"},
		{"GET", "/tasks//events", "X-Nothing: ", "none GET 404"},
		{"BREW", "/tasks", "X-Nothing: ", "none BREW 405"},
		{"GET", "/tasks", "Host: evil.com", "none GET 421"},
		{"PUT", "/tasks/t-1", "Origin: null", "none PUT 403"},
		{"GET", "/tasks/nobody", "X-Nothing: ", "/tasks/:task GET 404"},
		{"GET", "/tasks/..", "X-Nothing: ", "/tasks/:task GET 404"},
		{"GET", "/tasks?x=1", "X-Nothing: ", "/tasks GET 400"},
		{"HEAD", "/tasks", "X-Nothing: ", "/tasks HEAD 200"},
		{"GET", "/tasks/nobody/events/stream", "X-Nothing: ", "/tasks/:task/events/stream GET 404"},
		{"GET", "/stream?x=1", "X-Nothing: ", "/stream GET 400"},
		{"GET", "/assets/nothing", "X-Nothing: ", "/assets/*file GET 404"},
	} {
		tr.take()
		s.do(c.method, c.path, nil, c.header)
		s.restart()
		if got := tr.take(); got != c.want {
			t.Errorf("of %s %s %s the trace was told %q, not %q", c.method, c.path, c.header, got, c.want)
		}
	}
}

func TestTheLoggerGetsTheServersFailuresOnly(t *testing.T) {
	var text bytes.Buffer
	s := serveWith(t, options{router: router.Options{Logger: slog.New(slog.NewTextHandler(&text, nil))}})
	s.get("/tasks/nobody").problem(404, "")
	s.post("/tasks/t-1/events", "{").problem(400, "")
	s.get("/tasks", "Host: evil.com").problem(421, "")
	if text.Len() != 0 {
		t.Errorf("the faults of clients are logged: %s", text.String())
	}
	s.store.broken.Store(true)
	s.post("/tasks/t-1/events", say("x")).problem(503, "")
	s.restart()
	if got := text.String(); !strings.Contains(got, errBroken.Error()) || !strings.Contains(got, "path=/tasks/t-1/events") {
		t.Errorf("a failure is logged as %q", got)
	}
}

// Each request is a line, whatever its answer, and no line has a query or a line break from
// a client in it.
func TestEachRequestIsALineOfTheLog(t *testing.T) {
	for _, r := range routes {
		var said bytes.Buffer
		var mu sync.Mutex
		logger := slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return said.Write(p)
		}), &slog.HandlerOptions{Level: slog.LevelDebug}))
		s, fill := serveRoutes(t, options{router: router.Options{Requests: logger, Authorize: func(router.Access) (router.Grant, error) {
			return router.Grant{Name: "ann\nbob", Role: router.RoleRead}, nil
		}}})
		mu.Lock()
		said.Reset()
		mu.Unlock()
		s.do(r.method, fill(r.path), bodyOf(r.body))
		s.restart() // all requests have ended
		mu.Lock()
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		mu.Unlock()
		if len(lines) != 1 || !strings.Contains(lines[0], "route="+r.pattern) || !strings.Contains(lines[0], fmt.Sprintf("status=%d", r.status)) || strings.Contains(lines[0], "?") {
			t.Errorf("%s %s: %q", r.method, r.pattern, lines)
		}
	}
	var said bytes.Buffer
	s := serveWith(t, options{router: router.Options{Requests: slog.New(slog.NewTextHandler(&said, nil))}})
	s.get("/tasks/%1b%5b31m%0ax?secret=1").problem(404, "")
	s.restart()
	if got := said.String(); strings.Contains(got, "secret") || strings.ContainsAny(got, "\x1b") || strings.Count(got, "\n") != 1 {
		t.Errorf("%q", got)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
