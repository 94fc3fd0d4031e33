package streamer_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/streamer"
)

// rawAnswer sends a request over a real socket. It returns the connection, to read the
// answer from, and the head of the answer.
func rawAnswer(t *testing.T, address, request string) (net.Conn, *http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), httptest.NewRequest(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	return c, res
}

// handlers counts the running handlers.
type handlers struct {
	next    http.Handler
	running atomic.Int64
	ended   chan struct{}
}

func (h *handlers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.running.Add(1)
	defer func() {
		h.running.Add(-1)
		h.ended <- struct{}{}
	}()
	w.Header().Set("Strict-Transport-Security", "max-age=1")
	h.next.ServeHTTP(w, r)
}

func TestWhichConnectionsAreTakenOver(t *testing.T) {
	for name, c := range map[string]struct {
		proto    string
		prepared bool
		taken    bool
	}{
		"HTTP/1.1, prepared":     {"HTTP/1.1", true, true},
		"HTTP/1.1, not prepared": {"HTTP/1.1", false, false},
		"HTTP/1.0":               {"HTTP/1.0", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			log := newLog(t)
			s := start(t, log)
			put(t, s, 1)
			h := &handlers{ended: make(chan struct{}, 1)}
			server := serveWith(t, log, nil, func(server *httptest.Server) {
				h.next, server.Config.Handler = server.Config.Handler, h
				if !c.prepared {
					server.Config.ConnContext = nil
				}
				server.Start()
			})
			_, res := rawAnswer(t, server.http.Listener.Addr().String(), "GET /tasks/"+task+"/events/stream "+c.proto+"\r\nHost: x\r\n\r\n")
			r := newReader(t, res)
			r.wantEvents(at(s, 0), 1)
			if c.taken {
				<-h.ended // the handler returns while the stream goes on
				if len(res.TransferEncoding) != 0 || !res.Close {
					t.Errorf("transfer encoding %q, close %v", res.TransferEncoding, res.Close)
				}
			} else if h.running.Load() != 1 {
				t.Error("the handler has returned")
			}
			for _, header := range []string{"Date", "Strict-Transport-Security"} {
				if res.Header.Get(header) == "" {
					t.Errorf("no header %s in %v", header, res.Header)
				}
			}
			put(t, s, 2)
			r.wantEvents(at(s, 1), 2)
			seal(t, s)
			r.wantEvents(at(s, 3), 1)
			r.wantEnd()
			if !c.taken {
				<-h.ended
			}
		})
	}
}

func TestAClientThatGoesAwayIsNoticedAtOnce(t *testing.T) {
	for name, setup := range everyKind {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			s := start(t, log)
			put(t, s, 3)
			trace, closed := closing()
			server := servePipe(t, log, &streamer.Options{Trace: trace}, setup)
			r := server.open(t, "")
			r.wantEvents(at(s, 0), 3)
			synctest.Wait() // it waits
			begin := time.Now()
			r.body.Close()
			if reason := <-closed; reason != streamer.ClientGone || time.Since(begin) != 0 {
				t.Errorf("reason %q after %v", reason, time.Since(begin))
			}
		})
	}
}

// What a client sends during its stream is ignored. It must not prevent that the client
// gets the end: a socket that is closed with unread bytes is reset.
func TestWhatAClientSaysDuringItsStreamMeansNothing(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	server := serve(t, log, nil)
	c, res := rawAnswer(t, server.http.Listener.Addr().String(), "GET /tasks/"+task+"/events/stream HTTP/1.1\r\nHost: x\r\n\r\n")
	r := newReader(t, res)
	const rounds = 50
	for i := range uint64(rounds) {
		if _, err := c.Write([]byte(strings.Repeat("GET / HTTP/1.1\r\n\r\n", 100))); err != nil {
			t.Fatal(err)
		}
		put(t, s, 1)
		r.wantEvents(at(s, i), 1)
	}
	if _, err := c.Write([]byte(strings.Repeat("x", 100_000))); err != nil {
		t.Fatal(err)
	}
	put(t, s, 1000)
	seal(t, s)
	r.wantEvents(at(s, rounds), 1001)
	r.wantEnd()
}

func TestAClientThatNeverStopsTalkingIsCut(t *testing.T) {
	log := newLog(t)
	start(t, log)
	trace, closed := closing()
	server := serve(t, log, &streamer.Options{Trace: trace})
	c, _ := rawAnswer(t, server.http.Listener.Addr().String(), "GET /tasks/"+task+"/events/stream HTTP/1.1\r\nHost: x\r\n\r\n")
	for range 1000 {
		if _, err := c.Write(make([]byte, 4<<10)); err != nil {
			break // it was cut
		}
	}
	if reason := <-closed; reason != streamer.ClientGone {
		t.Errorf("reason %q", reason)
	}
}

// countedConn changes what is written, as connections do that throttle or record.
type countedConn struct {
	*net.TCPConn
	written *atomic.Int64
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

type countedListener struct {
	net.Listener
	written atomic.Int64
}

func (l *countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{c.(*net.TCPConn), &l.written}, nil
}

func TestAConnectionThatWrapsAnotherSeesEveryByte(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	put(t, s, 1000)
	seal(t, s)
	var listener countedListener
	server := serveWith(t, log, nil, func(server *httptest.Server) {
		listener.Listener, server.Listener = server.Listener, &listener
		server.Start()
	})
	body, err := io.ReadAll(server.get(t, "").Body)
	if err != nil {
		t.Fatal(err)
	}
	if n := int(listener.written.Load()); n < len(body) || len(body) == 0 {
		t.Errorf("%d of %d bytes went through the connection", n, len(body))
	}
}

func TestTheBaseContextEndsTheStreams(t *testing.T) {
	for name, setup := range everyKind {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			start(t, log)
			base, cancel := context.WithCancel(t.Context())
			defer cancel()
			trace, closed := closing()
			server := servePipe(t, log, &streamer.Options{Trace: trace}, func(s *pipeServer) {
				setup(s)
				s.config.BaseContext = func(net.Listener) context.Context { return base }
			})
			r := server.open(t, "")
			synctest.Wait()
			cancel()
			if reason := <-closed; reason != streamer.ClientGone {
				t.Errorf("reason %q", reason)
			}
			r.wantEnd()
		})
	}
}

// Wake-ups race with streams that are about to rest. The ticker is an hour, so the test
// hangs if one is lost.
func TestNoWakeUpIsLost(t *testing.T) {
	for name, prepared := range map[string]bool{"taken over": true, "left to net/http": false} {
		t.Run(name, func(t *testing.T) {
			const streams, events = 8, 2000
			log := newLog(t)
			s := start(t, log)
			server := serveWith(t, log, wakeUps, func(server *httptest.Server) {
				if !prepared {
					server.Config.ConnContext = nil
				}
				server.Start()
			})
			var readers sync.WaitGroup
			var seen [streams]atomic.Uint64
			for i := range streams {
				r := server.open(t, "")
				readers.Go(func() {
					for n := range uint64(events) {
						f, err := r.sse.next()
						if want := at(s, n+1); err != nil || f.id != want {
							t.Errorf("stream %d: %q (%v), not %q", i, f.id, err, want)
							return
						}
						seen[i].Store(n + 1)
					}
				})
			}
			for range events { // one after the other, so that each finds the streams in another state
				put(t, s, 1)
			}
			readers.Wait()
		})
	}
}

// countingRender renders events and counts how often.
type countingRender struct{ calls atomic.Int64 }

func (c *countingRender) render(dst []byte, _ string, _ eventlog.SessionID, e *eventlog.Event, _ bool) []byte {
	c.calls.Add(1)
	return fmt.Appendf(dst, "<p>%d</p>", e.Sequence)
}

func TestWhatManyStreamsSendIsMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const streams, events = 20, 100
		log := newLog(t)
		s := start(t, log)
		put(t, s, 10)
		server := servePipe(t, log, nil, nil)
		var c countingRender
		server.streams.SetHTML(c.render)
		var readers []*reader
		for range streams {
			readers = append(readers, server.resume(t, "format=html", at(s, 10)))
		}
		synctest.Wait()
		if n := c.calls.Load(); n != 0 {
			t.Errorf("%d events were rendered for nobody", n)
		}
		var all sync.WaitGroup
		for _, r := range readers {
			all.Go(func() {
				for n := range uint64(events) {
					if f, err := r.sse.next(); err != nil || f.id != at(s, 11+n) || f.data != fmt.Sprintf("<p>%d</p>", 11+n) {
						t.Errorf("got %q (%v)", f.raw, err)
						return
					}
				}
			})
		}
		for range events {
			put(t, s, 1)
			synctest.Wait()
		}
		all.Wait()
		if n := c.calls.Load(); n != events {
			t.Errorf("%d events were rendered %d times", events, n)
		}
	})
}
