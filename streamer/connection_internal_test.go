package streamer

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// hooked is a connection that calls a function once, directly before a deadline is set or
// before a read.
type hooked struct {
	net.Conn
	beforeDeadline, beforeRead func()
}

func once(hook *func()) {
	if f := *hook; f != nil {
		*hook = nil
		f()
	}
}

func (c *hooked) SetReadDeadline(t time.Time) error {
	once(&c.beforeDeadline)
	return c.Conn.SetReadDeadline(t)
}

func (c *hooked) Read(p []byte) (int, error) {
	once(&c.beforeRead)
	return c.Conn.Read(p)
}

// A wake ends the running rest or the next one, whenever it comes.
func TestAWakeIsNeverLost(t *testing.T) {
	const hour = time.Hour
	for name, c := range map[string]struct {
		begin func(*connection, *hooked, net.Conn)
		want  waking
		after time.Duration
	}{
		"before the rest":            {func(l *connection, _ *hooked, _ net.Conn) { l.wake() }, woken, 0},
		"before the deadline is set": {func(l *connection, c *hooked, _ net.Conn) { c.beforeDeadline = l.wake }, woken, 0},
		"before the read":            {func(l *connection, c *hooked, _ net.Conn) { c.beforeRead = l.wake }, woken, 0},
		"during the read": {func(l *connection, _ *hooked, _ net.Conn) {
			time.AfterFunc(time.Minute, l.wake)
		}, woken, time.Minute},
		"never, control": {func(*connection, *hooked, net.Conn) {}, silent, hour},
		"before the last awake": {func(l *connection, _ *hooked, _ net.Conn) {
			l.wake()
			l.awake()
		}, silent, hour},
		"late, from an earlier rest": {func(l *connection, c *hooked, _ net.Conn) {
			c.beforeRead = func() { _ = c.Conn.SetReadDeadline(past) }
		}, silent, hour},
		"and the client goes": {func(_ *connection, _ *hooked, client net.Conn) {
			time.AfterFunc(time.Minute, func() { client.Close() })
		}, gone, time.Minute},
		"and the client speaks": {func(_ *connection, _ *hooked, client net.Conn) {
			go func() { _, _ = client.Write(make([]byte, 1000)) }()
		}, silent, hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := net.Pipe()
				defer client.Close()
				defer server.Close()
				conn := &hooked{Conn: server}
				l := &connection{conn: conn, try: newTry(conn)}
				c.begin(l, conn, client)
				begin := time.Now()
				if got := l.rest(begin.Add(hour)); got != c.want || time.Since(begin) != c.after {
					t.Errorf("waking %d after %v, not %d after %v", got, time.Since(begin), c.want, c.after)
				}
			})
		})
	}
}
