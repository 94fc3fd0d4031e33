package streamer_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/streamer"
)

var http2Kinds = map[string]func(*pipeServer){"TLS": overTLS, "h2c": h2c}

func TestHTTP2ReplaysFollowsAndEnds(t *testing.T) {
	for name, setup := range http2Kinds {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			s := start(t, log)
			put(t, s, 3000)
			server := servePipe(t, log, nil, setup)
			r := server.open(t, "control=true")
			r.wantEvents(at(s, 0), 3000)
			r.want(caughtUp(s.ID().String(), 3000))
			put(t, s, 2)
			r.wantEvents(at(s, 3000), 2)
			r.wantAfter(15*time.Second, beat) // much longer than a write may take
			r.wantAfter(15*time.Second, beat)
			seal(t, s)
			r.wantEvents(at(s, 3002), 1)
			r.wantEnd()
			res := server.get(t, "", "Last-Event-ID: "+at(s, 3003))
			if res.StatusCode != http.StatusNoContent || res.ProtoMajor != 2 {
				t.Errorf("after the end: %s %s", res.Proto, res.Status)
			}
			res = server.request(t, "HEAD", "/tasks/"+task+"/events/stream")
			if body, err := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || len(body) > 0 || err != nil {
				t.Errorf("HEAD: %s %q %v", res.Status, body, err)
			}
			two := server.get(t, "", "Last-Event-ID: "+at(s, 1), "Last-Event-ID: "+at(s, 2))
			r = newReader(t, two)
			r.want(reset("malformed", at(s, 1)))
		})
	}
}

func TestHTTP2OnRealSockets(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	put(t, s, 2000)
	server := serveWith(t, log, nil, func(h *httptest.Server) { h.EnableHTTP2 = true; h.StartTLS() })
	res := server.get(t, "")
	if res.ProtoMajor != 2 {
		t.Fatal(res.Proto)
	}
	r := newReader(t, res)
	r.wantEvents(at(s, 0), 2000)
	seal(t, s)
	r.wantEvents(at(s, 2000), 1)
	r.wantEnd()
}

func TestAStalledHTTP2StreamDoesNotStopItsNeighbours(t *testing.T) {
	for name, setup := range http2Kinds {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			s := start(t, log)
			trace, closed := closing()
			var connections atomic.Int64
			server := servePipe(t, log, &streamer.Options{Trace: trace}, func(s *pipeServer) {
				setup(s)
				s.config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
					connections.Add(1)
					return s.streams.ConnContext(ctx, c)
				}
			})
			stalled := server.open(t, "")
			synctest.Wait() // now the client knows that the connection can be shared
			neighbour := server.open(t, "")
			for range 5 {
				if _, err := s.Append(t.Context(), big(100<<10)); err != nil {
					t.Fatal(err)
				}
			}
			begin := time.Now()
			neighbour.wantEvents(at(s, 0), 5)
			put(t, s, 1)
			neighbour.wantEvents(at(s, 5), 1)
			if took := time.Since(begin); took != 0 || len(closed) > 0 {
				t.Errorf("beside a stalled stream its neighbour took %v", took)
			}
			if reason := <-closed; reason != streamer.WriteTimeout || time.Since(begin) != 10*time.Second {
				t.Errorf("the stalled stream ended by %q after %v", reason, time.Since(begin))
			}
			put(t, s, 1)
			neighbour.wantEvents(at(s, 6), 1)
			var err error
			for err == nil {
				_, err = stalled.sse.next()
			}
			if n := connections.Load(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// gatedConn is a client's connection that stops reading at all.
type gatedConn struct {
	net.Conn
	*gate
}

type gate struct {
	stop   atomic.Bool
	closed chan struct{}
}

func (c gatedConn) Read(p []byte) (int, error) {
	if c.stop.Load() {
		<-c.closed
		return 0, net.ErrClosed
	}
	return c.Conn.Read(p)
}

// When the whole connection stalls, none of its streams can be reset: the server must close
// the connection, which WriteByteTimeout does.
func TestAStalledHTTP2ConnectionIsClosed(t *testing.T) {
	for name, setup := range http2Kinds {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			s := start(t, log)
			trace, closed := closing()
			gate := &gate{closed: make(chan struct{})}
			defer close(gate.closed)
			server := servePipe(t, log, &streamer.Options{Trace: trace}, func(s *pipeServer) {
				setup(s)
				s.config.HTTP2 = &http.HTTP2Config{WriteByteTimeout: 10 * time.Second}
				s.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
					c, err := s.pipes.dial(ctx, network, address)
					return gatedConn{c, gate}, err
				}
			})
			for range 3 {
				server.open(t, "")
			}
			synctest.Wait()
			gate.stop.Store(true)
			put(t, s, 1) // what the blocked Read still takes
			synctest.Wait()
			begin := time.Now()
			for range 5 {
				if _, err := s.Append(t.Context(), big(100<<10)); err != nil {
					t.Fatal(err)
				}
			}
			for range 3 {
				if reason := <-closed; reason != streamer.WriteTimeout && reason != streamer.ClientGone {
					t.Errorf("reason %q", reason)
				}
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("closed after %v", took)
			}
		})
	}
}

func TestAnHTTP2ClientThatGoesAwayIsNoticedAtOnce(t *testing.T) {
	for name, setup := range http2Kinds {
		bubble(t, name, func(t *testing.T) {
			log := newLog(t)
			start(t, log)
			trace, closed := closing()
			server := servePipe(t, log, &streamer.Options{Trace: trace}, setup)
			r := server.open(t, "")
			begin := time.Now()
			r.close()
			if reason := <-closed; reason != streamer.ClientGone || time.Since(begin) != 0 {
				t.Errorf("reason %q after %v", reason, time.Since(begin))
			}
		})
	}
}
