package streamer_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"jrweb/streamer"
)

func TestConnContextPreparesTheSocket(t *testing.T) {
	for name, o := range map[string]struct {
		writeTimeout time.Duration
		userTimeout  int // ms
	}{
		"by default":             {0, 30_000},
		"for impatient servers":  {time.Second, 30_000},
		"for patient servers":    {time.Minute, 180_000}, // or the kernel would end what the server still waits for
		"for boundless patience": {1 << 62, 86_400_000},
	} {
		t.Run(name, func(t *testing.T) {
			prepares(t, streamer.New(newLog(t), &streamer.Options{WriteTimeout: o.writeTimeout}), o.userTimeout)
		})
	}
}

func prepares(t *testing.T, streams *streamer.Streamer, userTimeout int) {
	for name, start := range map[string]func(*httptest.Server){"TCP": (*httptest.Server).Start, "TLS": (*httptest.Server).StartTLS} {
		type options struct{ before, after, timeout int }
		seen := make(chan options, 1)
		h := httptest.NewUnstartedServer(http.NotFoundHandler())
		h.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			socket := c
			if t, ok := c.(*tls.Conn); ok {
				socket = t.NetConn()
			}
			var o options
			o.before = socketOption(t, socket, unix.SOL_SOCKET, unix.SO_SNDBUF)
			ctx = streams.ConnContext(ctx, c)
			o.after = socketOption(t, socket, unix.SOL_SOCKET, unix.SO_SNDBUF)
			o.timeout = socketOption(t, socket, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
			seen <- o
			return ctx
		}
		start(h)
		res, err := h.Client().Get(h.URL)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		// Linux reports twice the size that was set: half of it is for the kernel itself.
		if o := <-seen; o.after != 2*256<<10 || o.before == o.after || o.timeout != userTimeout {
			t.Errorf("%s: write buffer %d, then %d; user timeout %d ms", name, o.before, o.after, o.timeout)
		}
		h.Close()
	}
}

func socketOption(t *testing.T, c net.Conn, level, option int) int {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Error(err)
		return 0
	}
	value := 0
	var getErr error
	if err := raw.Control(func(fd uintptr) { value, getErr = unix.GetsockoptInt(int(fd), level, option) }); err != nil || getErr != nil {
		t.Error(err, getErr)
	}
	return value
}
