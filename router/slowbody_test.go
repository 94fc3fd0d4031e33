package router_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog/eventlogtest"
)

// oneConnection is a listener with one connection.
type oneConnection struct {
	net.Conn // the client's end
	conns    chan net.Conn
	once     sync.Once
}

func listenOnce() *oneConnection {
	client, server := net.Pipe()
	l := &oneConnection{Conn: client, conns: make(chan net.Conn, 1)}
	l.conns <- server
	return l
}

func (l *oneConnection) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l *oneConnection) Close() error {
	l.once.Do(func() { close(l.conns) })
	return l.Conn.Close()
}

func (l *oneConnection) Addr() net.Addr { return l.LocalAddr() }

func TestABodyMayComeSlowlyButMustCome(t *testing.T) {
	for _, c := range []struct {
		name   string
		pause  time.Duration // between two bytes
		bytes  int           // that come
		status int
	}{
		{"a byte every 20 seconds is slow", 20 * time.Second, len(complete), 200},
		{"half a body is none", time.Second, len(complete) / 2, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, log := handler(t, eventlogtest.NewStore())
				defer log.Close()
				l := listenOnce()
				server := &http.Server{Handler: h}
				served := make(chan error, 1)
				go func() { served <- server.Serve(l) }()

				head := fmt.Sprintf("POST /tasks/t-1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", len(complete))
				if _, err := l.Write([]byte(head)); err != nil {
					t.Fatal(err)
				}
				go func() {
					for i := range c.bytes {
						time.Sleep(c.pause)
						if _, err := l.Write([]byte{complete[i]}); err != nil {
							t.Error(err)
						}
					}
				}()
				begin := time.Now()
				res, err := http.ReadResponse(bufio.NewReader(l), nil)
				if err != nil {
					t.Fatal(err)
				}
				if res.StatusCode != c.status {
					t.Errorf("answered %s", res.Status)
				}
				took := time.Since(begin)
				if want := time.Duration(c.bytes)*c.pause + 30*time.Second; c.status != 200 && took != want {
					t.Errorf("what stopped after %d bytes was answered after %s, not %s", c.bytes, took, want)
				}
				server.Close() // and the listener
				if err := <-served; !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
			})
		})
	}
}

// net/http reads the rest of a body that a handler has left before it answers.
func TestABodyThatNeverComesHoldsNoConnection(t *testing.T) {
	for _, c := range []struct {
		request string
		status  int
	}{
		{"POST /tasks/t-1/events HTTP/1.1\r\nHost: evil.example\r\n", 421},
		{"POST /tasks/t-1/events HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n", 403},
		{"POST /nothing HTTP/1.1\r\nHost: localhost\r\n", 404},
		{"PATCH /tasks HTTP/1.1\r\nHost: localhost\r\n", 405},
		{"GET /tasks HTTP/1.1\r\nHost: localhost\r\n", 200},
		{"POST /tasks/t-1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/html\r\n", 415},
	} {
		for _, rest := range []string{"Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n5\r\n{"} {
			synctest.Test(t, func(t *testing.T) {
				h, log := handler(t, eventlogtest.NewStore())
				defer log.Close()
				l := listenOnce()
				server := &http.Server{Handler: h}
				served := make(chan error, 1)
				go func() { served <- server.Serve(l) }()
				begin := time.Now()
				if _, err := l.Write([]byte(c.request + rest)); err != nil {
					t.Fatal(err)
				}
				in := bufio.NewReader(l)
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatalf("%q: %v", c.request, err)
				}
				if _, err = io.Copy(io.Discard, res.Body); err == nil {
					_, err = in.ReadByte()
				}
				if took := time.Since(begin); res.StatusCode != c.status || !errors.Is(err, io.EOF) || took != 30*time.Second {
					t.Errorf("%q is answered %s, and the connection ends after %v with %v", c.request, res.Status, took, err)
				}
				server.Close()
				if err := <-served; !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
			})
		}
	}
}
