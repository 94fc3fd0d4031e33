package streamer

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// writeSize is how many bytes one write carries at most. Each renews the
// deadline, so that a slow line is never cut at a large event for ever.
const writeSize = 64 << 10

// buffers are only held while there is something to write: an idle stream has none.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, writeSize); return &b }}

// socket collects frames and writes them in pieces, each with a deadline of its
// own. After an error it swallows the rest.
type socket struct {
	w         http.ResponseWriter
	rc        *http.ResponseController
	timeout   time.Duration
	heartbeat time.Duration
	wrote     func(bytes int)

	silence *time.Timer // fires when nothing was written for heartbeat
	buf     *[]byte     // nil while there is nothing to write
	err     error
	stalled bool // err came after the whole time-out had passed
}

func newSocket(w http.ResponseWriter, o *Options) *socket {
	s := &socket{w: w, rc: http.NewResponseController(w), timeout: o.WriteTimeout, heartbeat: o.Heartbeat}
	s.silence = time.NewTimer(s.heartbeat)
	return s
}

// write takes p as the next bytes. An error shows in the flush.
func (s *socket) write(p []byte) {
	for len(p) > 0 && s.err == nil {
		if s.buf == nil {
			s.buf = buffers.Get().(*[]byte)
		}
		n := min(len(p), writeSize-len(*s.buf))
		*s.buf = append(*s.buf, p[:n]...)
		p = p[n:]
		if len(*s.buf) == writeSize {
			s.send(false)
		}
	}
}

// flush sends all that was written.
func (s *socket) flush() error {
	if s.buf != nil && s.err == nil {
		s.send(true)
	}
	return s.err
}

func (s *socket) send(flush bool) {
	start := time.Now()
	s.err = s.rc.SetWriteDeadline(start.Add(s.timeout))
	n := 0
	if s.err == nil {
		n, s.err = s.w.Write(*s.buf)
	}
	if s.err == nil && flush {
		s.err = s.rc.Flush()
	}
	if s.err == nil {
		// In HTTP/2 a deadline that passes resets the stream even if nothing
		// is being written.
		s.err = s.rc.SetWriteDeadline(time.Time{})
	}
	s.stalled = s.err != nil && time.Since(start) >= s.timeout
	s.silence.Reset(s.heartbeat)
	if s.wrote != nil && n > 0 {
		s.wrote(n)
	}
	*s.buf = (*s.buf)[:0]
	if flush || s.err != nil {
		buffers.Put(s.buf)
		s.buf = nil
	}
}

// beat sends a heartbeat: a comment, which clients ignore.
func (s *socket) beat() error {
	s.write([]byte(": heartbeat\n\n"))
	return s.flush()
}

// close is the end of the stream. It gives the end of the response, which
// net/http writes after the handler has returned, a deadline too.
func (s *socket) close() {
	s.silence.Stop()
	if s.err == nil {
		s.err = s.rc.SetWriteDeadline(time.Now().Add(s.timeout))
	}
}

// retry tells the client when to come back after the end of the response. The
// jitter keeps a thousand clients from coming back at once.
func (s *socket) retry() { s.retryAfter(1000, 3000) }

// retryAfter is retry with the bounds of the time, in milliseconds.
func (s *socket) retryAfter(least, most int) {
	s.write(fmt.Appendf(nil, "retry: %d\n\n", least+rand.IntN(most-least+1)))
}
