package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/router"
	"jrweb/router/client"
	"jrweb/streamer"
)

// world is a real server and a client of it, joined by pipes: inside a synctest
// bubble all time is fake. The server can be stopped and started.
type world struct {
	t     *testing.T
	path  string
	log   *eventlog.Log
	http  *http.Server
	ended chan error

	mu       sync.Mutex
	accept   chan net.Conn // nil while the server is stopped
	dials    int
	cutAfter func(dial int) int // how many bytes a connection delivers; nil or negative: all
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), "jr.db")}
	w.start()
	t.Cleanup(w.stop)
	return w
}

func (w *world) start() {
	w.t.Helper()
	var err error
	if w.log, err = eventlog.Open(w.path, &eventlog.Options{KeepOpen: true}); err != nil {
		w.t.Fatal(err)
	}
	s := streamer.New(w.log, nil)
	handler, err := router.New(w.log, s, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.http = &http.Server{Handler: handler}
	w.http.RegisterOnShutdown(s.Shutdown)
	conns := make(chan net.Conn)
	w.mu.Lock()
	w.accept = conns
	w.mu.Unlock()
	w.ended = make(chan error, 1)
	go func() { w.ended <- w.http.Serve(&pipes{conns: conns, closed: make(chan struct{})}) }()
}

func (w *world) stop() {
	w.t.Helper()
	w.mu.Lock()
	stopped := w.accept == nil
	w.accept = nil
	w.mu.Unlock()
	if stopped {
		return
	}
	if err := w.http.Shutdown(context.Background()); err != nil {
		w.t.Error(err)
	}
	if err := <-w.ended; !errors.Is(err, http.ErrServerClosed) {
		w.t.Error(err)
	}
	if err := w.log.Close(); err != nil {
		w.t.Error(err)
	}
}

// client returns a client of the server whose requests go through wrap, if it is
// not nil.
func (w *world) client(wrap func(http.RoundTripper) http.RoundTripper) *client.Client {
	w.t.Helper()
	transport := &http.Transport{DialContext: w.dial}
	w.t.Cleanup(transport.CloseIdleConnections)
	var rt http.RoundTripper = transport
	if wrap != nil {
		rt = wrap(transport)
	}
	c, err := client.New("http://localhost", &client.Options{Transport: rt})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w.mu.Lock()
	accept := w.accept
	w.dials++
	limit := -1
	if w.cutAfter != nil {
		limit = w.cutAfter(w.dials)
	}
	w.mu.Unlock()
	if accept == nil {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	ours, theirs := net.Pipe()
	select {
	case accept <- theirs:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if limit >= 0 {
		return &cutConn{Conn: ours, left: limit}, nil
	}
	return ours, nil
}

func (w *world) append(task string, events ...eventlog.Event) eventlog.Appended {
	w.t.Helper()
	answer, err := w.log.Append(context.Background(), &eventlog.Batch{Task: task, Events: events})
	if err != nil {
		w.t.Fatal(err)
	}
	return answer
}

func thought(n int) eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeThought, Data: fmt.Appendf(nil, `{"content":"%d"}`, n)}
}

func complete() eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeComplete, Data: []byte(`{"status":"succeeded"}`)}
}

// pipes is a listener of connections that are made in this process.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// cutConn breaks after a number of bytes from the server.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// transportFunc is a transport that is a function.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// wait lets time pass in the bubble.
func wait(d time.Duration) { time.Sleep(d) }
