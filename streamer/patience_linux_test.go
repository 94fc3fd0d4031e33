package streamer_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"jrweb/streamer"
)

// slowLine is a connection that delivers little at a time, like a slow line.
type slowLine struct {
	net.Conn
	ticks <-chan time.Time
}

// Read reads at most 4 KiB at each tick.
func (l slowLine) Read(p []byte) (int, error) {
	<-l.ticks
	return l.Conn.Read(p[:min(len(p), 4<<10)])
}

// A line of 55 KB/s needs longer than the write time-out until a third of the kernel's
// buffer is free. Before that, the kernel takes nothing more. The client is slow in real
// time, so the time-out is one that a busy machine does not reach by itself.
func TestASlowLineIsNotCut(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){
		"HTTP/1.1, taken over": (*httptest.Server).Start,
		"HTTP/1.1 over TLS":    (*httptest.Server).StartTLS,
		"HTTP/2":               func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, ticker := newLog(t), time.NewTicker(75*time.Millisecond)
			defer ticker.Stop()
			s := startBig(t, log, 600<<10)
			trace, closed := closing()
			server := serveWith(t, log, &streamer.Options{Trace: trace, WriteTimeout: 1500 * time.Millisecond}, start)
			server.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := (&net.Dialer{Control: smallReadBuffer}).DialContext(ctx, network, address)
				return slowLine{c, ticker.C}, err
			}
			r := server.open(t, "")
			r.wantEvents(at(s, 0), 2)
			r.wantEnd()
			if reason := <-closed; reason != streamer.Complete {
				t.Errorf("reason %q", reason)
			}
		})
	}
}

// smallReadBuffer limits what the client's kernel takes before the client has read it.
func smallReadBuffer(_, _ string, c syscall.RawConn) (err error) {
	return errors.Join(c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 32<<10)
	}), err)
}
