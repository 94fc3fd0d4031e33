package streamer

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// connection is an HTTP/1.1 connection that was taken over from net/http, whose two
// goroutines and buffers are most of the cost of an idle stream. One goroutine is left. It
// waits in a read until the client goes away. To wake it, move the deadline of that read
// into the past.
type connection struct {
	conn     net.Conn
	among    *connections
	forget   func() bool // ends the watch of the base context; nil if that context never ends
	try      *try
	patience patience
	head     []byte // of the response; it is sent with the first write
	woken    atomic.Bool
	resting  atomic.Bool
	scrap    [64]byte // what a client sends during its stream is ignored
	said     int      // number of these bytes
}

// maxSaid is how many bytes a client may send during its stream. Otherwise a client could
// make the server read for ever.
const maxSaid = 1 << 20

// prepared is the context key of a connection that [Streamer.ConnContext] of this Streamer
// has prepared. Its value is a preparation.
type prepared struct{ *Streamer }

// preparation is what is known of a connection: its context, and a function that tells how
// many bytes the client has acknowledged, or nil.
type preparation struct {
	ctx   context.Context
	acked func() (bytes uint64, ok bool)
}

// takeOver takes the connection of a request, if possible: ok tells. The response then ends
// with the connection, as RFC 9112, section 6.3 allows. ctx ends with the server's base
// context, because the request's own context ends with its handler.
func (s *Streamer) takeOver(w http.ResponseWriter, r *http.Request) (l *connection, ctx context.Context, ok bool) {
	prep, ok := r.Context().Value(prepared{s}).(preparation)
	if !ok || r.ProtoMajor != 1 || r.ProtoMinor < 1 {
		return nil, nil, false
	}
	// After the hijack the server no longer knows the connection, so Drain must know it
	// before.
	l = &connection{among: &s.taken}
	s.taken.add(l)
	defer func() {
		if !ok { // also if a ResponseWriter panics
			s.taken.remove(l)
		}
	}()
	ok = false
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, false
	}
	header := w.Header().Clone()
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	header.Set("Connection", "close")
	for _, name := range []string{"Content-Length", "Transfer-Encoding", "Trailer"} {
		header.Del(name) // net/http would not send them as they are either
	}
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 200 OK\r\n")
	_ = header.Write(&head) // to memory
	head.WriteString("\r\n")
	l.try, l.head = newTry(conn), head.Bytes()
	l.patience = patience{acked: prep.acked, renew: conn.SetWriteDeadline}
	s.taken.took(l, conn)
	if prep.ctx.Done() != nil {
		l.forget = context.AfterFunc(prep.ctx, l.wake)
	}
	return l, prep.ctx, true
}

func (l *connection) write(p []byte, deadline time.Time) (int, error) {
	if l.head == nil {
		return l.send(p, deadline)
	}
	first := l.head
	if len(first)+len(p) <= writeSize {
		first = append(first, p...)
	}
	n, err := l.send(first, deadline)
	if n < len(l.head) {
		l.head = l.head[n:]
		return 0, err
	}
	n -= len(l.head)
	l.head = nil
	return n, err
}

// send writes the beginning of p: what the kernel takes at once, or else at most writeSize
// bytes by the deadline.
func (l *connection) send(p []byte, deadline time.Time) (int, error) {
	if n, err := l.try.write(p); err != nil || n > 0 {
		return n, err
	}
	if err := l.conn.SetWriteDeadline(deadline); err != nil {
		return 0, err
	}
	l.patience.begin(deadline)
	n, err := l.conn.Write(p[:min(len(p), writeSize)])
	l.patience.end()
	if err == nil {
		err = l.conn.SetWriteDeadline(time.Time{})
	}
	return n, err
}

// past is before any deadline.
var past = time.Unix(1, 0)

func (l *connection) rest(until time.Time) waking {
	l.resting.Store(true)
	defer l.resting.Store(false)
	for {
		if l.conn.SetReadDeadline(until) != nil {
			return gone
		}
		// A wake that comes after this sees that the connection rests, and moves the
		// deadline.
		if l.woken.Load() {
			return woken
		}
		n, err := l.conn.Read(l.scrap[:])
		l.said += n
		switch {
		case l.said > maxSaid:
			return gone
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return gone
		case !l.woken.Load() && !time.Now().Before(until):
			return silent
		}
	}
}

func (l *connection) awake() { l.woken.Store(false) }

func (l *connection) wake() {
	if !l.woken.Swap(true) && l.resting.Load() {
		_ = l.conn.SetReadDeadline(past) // if it fails, the read has ended already
	}
}

// lingering is how long a connection waits for its client to close it too. If the server
// closed it while bytes from the client are unread, the kernel would discard what the
// client has not received yet.
const lingering = 500 * time.Millisecond

func (l *connection) hangUp(deadline time.Time) {
	defer l.among.remove(l)
	if l.forget != nil {
		l.forget()
	}
	l.linger(deadline)
	_ = l.conn.Close() // no caller is left that could use an error
}

// linger waits until the client has closed the connection, too.
func (l *connection) linger(deadline time.Time) {
	half, ok := l.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	if most := time.Now().Add(lingering); deadline.After(most) {
		deadline = most
	}
	if l.conn.SetReadDeadline(deadline) != nil {
		return
	}
	for {
		if _, err := l.conn.Read(l.scrap[:]); err != nil {
			return
		}
	}
}
