package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"

	"jrweb/eventlog"
	"jrweb/router"
	"jrweb/streamer"
)

// server is jrweb on a database of its own, with the static pages beside it.
type server struct {
	url      string
	dir      string
	log      *eventlog.Log
	http     *http.Server
	done     chan error
	written  atomic.Int64
	requests atomic.Int64
	static   map[string][]byte // pages by their path
	idle     int               // tasks in which nothing happens
}

func startServer() (*server, error) {
	dir, err := os.MkdirTemp("", "jrweb-benchmark-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, done: make(chan error, 1), static: map[string][]byte{}}
	if s.log, err = eventlog.Open(filepath.Join(dir, "jr.db"), nil); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	streams := streamer.New(s.log, nil)
	pages, err := router.New(s.log, streams, nil)
	if err != nil {
		return nil, errors.Join(err, s.log.Close(), os.RemoveAll(dir))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, s.log.Close(), os.RemoveAll(dir))
	}
	s.url = "http://" + listener.Addr().String()
	prepare := func(ctx context.Context, c net.Conn) context.Context {
		return streams.ConnContext(ctx, c.(countingConn).Conn)
	}
	s.http = &http.Server{ConnContext: prepare, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if html, ok := s.static[r.URL.Path]; ok {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(html) // the browser says what it got
			return
		}
		pages.ServeHTTP(w, r)
	})}
	s.http.RegisterOnShutdown(streams.Shutdown)
	go func() { s.done <- s.http.Serve(countingListener{listener, &s.written}) }()
	return s, nil
}

func (s *server) close() error {
	err := s.http.Shutdown(context.Background())
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, s.log.Close(), os.RemoveAll(s.dir))
}

// record makes a run of so many events, as agents make them, that goes on.
func (s *server) record(ctx context.Context, task string, events int) error {
	session, err := s.log.Start(ctx, task, &eventlog.StartOptions{Agent: "benchmark"})
	if err != nil {
		return err
	}
	for n := 0; n < events; {
		var batch []eventlog.Event
		for ; n < events && len(batch) < 5000; n++ {
			batch = append(batch, event(n))
		}
		if _, err := session.Append(ctx, batch...); err != nil {
			return err
		}
	}
	return nil
}

// event is what an agent does in its n-th step: it thinks, reads, hears, says, pays.
func event(n int) eventlog.Event {
	step := n / 5
	switch n % 5 {
	case 0:
		return data(eventlog.TypeThought, `{"content":"Step %d: the parser may stop too early, so I look at its loop first."}`, step)
	case 1:
		return data(eventlog.TypeToolCall, `{"tool":"read_file","args":{"path":"internal/parser/step_%d.go"},"call_id":"c%d"}`, step, step)
	case 2:
		return data(eventlog.TypeToolResult, `{"tool":"read_file","success":true,"output":"package parser\n\n// Step %d.\nfunc step() error {\n\treturn nil\n}\n","call_id":"c%d","duration_ms":12}`, step, step)
	case 3:
		return data(eventlog.TypeAssistant, "{\"content\":\"The loop of step %d ends **before** the last token:\\n\\n```go\\nfor i := 0; i < n-1; i++ {\\n}\\n```\"}", step)
	default:
		return data(eventlog.TypeCost, `{"usd":0.0012,"input_tokens":900,"output_tokens":%d}`, 40+step%10)
	}
}

func data(kind, format string, args ...any) eventlog.Event {
	return eventlog.Event{Type: kind, Data: fmt.Appendf(nil, format, args...)}
}

var (
	script = regexp.MustCompile(`<script [^>]*></script>|<link rel="modulepreload" [^>]*>`)
	assets = regexp.MustCompile(`"\.\./assets/`)
)

// keepStatic keeps the page of a task as it is now, without its script.
func (s *server) keepStatic(task string) error {
	req, err := http.NewRequest(http.MethodGet, s.url+"/tasks/"+task, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/html")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	html, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || !script.Match(html) {
		return fmt.Errorf("the page of %s: %s, without a script", task, res.Status)
	}
	s.static["/static/"+task] = assets.ReplaceAll(script.ReplaceAll(html, nil), []byte(`"/assets/`))
	return nil
}

// countingListener counts what its connections write.
type countingListener struct {
	net.Listener
	written *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c, l.written}, nil
}

type countingConn struct {
	net.Conn
	written *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}
