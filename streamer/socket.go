package streamer

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// writeSize is the largest number of bytes that a write waits for. Each write renews the
// deadline, so that a slow line is not cut again and again at the same large event.
const writeSize = 64 << 10

// maxPage is how many bytes are read and handed over at once for a client that keeps up:
// each read of the log costs something before its first event, and each hand-over makes a
// goroutine wait. A client keeps up if it takes writeSize bytes in time.
const (
	maxPage = 4 * writeSize
	inTime  = time.Millisecond
)

// buffers are only held while there is something to write: an idle stream has none.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, writeSize); return &b }}

// socket collects frames and writes them in pieces, each with its own deadline. After an
// error it discards the rest.
type socket struct {
	line    line
	timeout time.Duration
	wrote   func(bytes int)

	// While behind is open, a goroutine of flushBehind owns the fields from last
	// to panicked.
	behind  chan struct{} // nil, or closed when flushBehind is done
	last    time.Time     // when something was written last
	written int           // bytes since the last call of wrote
	keepsUp bool          // the client took the last buffer in time
	err     error
	stalled bool // err came after the whole time-out

	panicked any // the panic of a ResponseWriter in flushBehind

	buf    *[]byte // nil while there is nothing to write
	page   int     // how many bytes to buffer before a flush
	direct bool    // flushBehind writes before it returns
}

func newSocket(l line, o *Options) *socket {
	// A write to a connection is a copy into the kernel. To have another goroutine make it
	// costs more than it gains: a processor must wake for it, and has to fetch the buffer
	// from the other one's cache. A response of HTTP/2 waits for other goroutines anyway.
	_, direct := l.(*connection)
	return &socket{line: l, timeout: o.WriteTimeout, last: time.Now(), page: writeSize, direct: direct}
}

// buffer holds what waits to be written. The next flush sends what is appended to it.
func (s *socket) buffer() *[]byte {
	if s.buf == nil {
		s.buf = buffers.Get().(*[]byte)
	}
	return s.buf
}

// buffered is how many bytes wait.
func (s *socket) buffered() int {
	if s.buf == nil {
		return 0
	}
	return len(*s.buf)
}

// cut removes what was buffered after the first n bytes.
func (s *socket) cut(n int) {
	if s.buffered() > n {
		*s.buf = (*s.buf)[:n]
	}
}

// flush sends what is buffered.
func (s *socket) flush() error { return s.sendAfter(nil) }

// sendAfter sends what is buffered, then a text.
func (s *socket) sendAfter(text []byte) error {
	_ = s.settle() // its error stays
	if s.buf != nil {
		s.sendBuffer(s.buf)
		s.buf = nil
	}
	s.send(text)
	s.tell()
	return s.err
}

// flushBehind sends what is buffered: at once if direct is true, or else while the caller
// fills the next buffer. Then the caller must call settle.
func (s *socket) flushBehind() {
	_ = s.settle() // its error stays
	if s.buf == nil {
		return
	}
	if s.page = min(2*s.page, maxPage); !s.keepsUp {
		s.page = writeSize
	}
	buf := s.buf
	s.buf = nil
	if s.direct {
		s.sendBuffer(buf)
		s.tell()
		return
	}
	done := make(chan struct{})
	s.behind = done
	go func() {
		defer close(done)
		defer func() { s.panicked = recover() }()
		s.sendBuffer(buf)
	}()
}

// settle waits for flushBehind.
func (s *socket) settle() error {
	if s.behind != nil {
		<-s.behind
		s.behind = nil
		if s.panicked != nil { // the caller of the stream handles it
			panic(s.panicked)
		}
		s.tell()
	}
	return s.err
}

// sendBuffer sends a buffer and puts it back into the pool.
func (s *socket) sendBuffer(buf *[]byte) {
	begin, n := time.Now(), len(*buf)
	s.send(*buf)
	s.keepsUp = s.last.Sub(begin) <= inTime*time.Duration(1+n/writeSize)
	if cap(*buf) <= 2*maxPage { // one large event must not cost memory for ever
		*buf = (*buf)[:0]
		buffers.Put(buf)
	}
}

// send sends p without the buffer.
func (s *socket) send(p []byte) {
	for len(p) > 0 && s.err == nil {
		start := time.Now()
		var n int
		n, s.err = s.line.write(p, start.Add(s.timeout))
		s.last = time.Now()
		s.stalled = s.err != nil && s.last.Sub(start) >= s.timeout
		s.written += n
		p = p[n:]
	}
}

func (s *socket) tell() {
	if s.wrote != nil && s.written > 0 {
		s.wrote(s.written)
	}
	s.written = 0
}

// silentFor reports whether nothing was sent for a time.
func (s *socket) silentFor(d time.Duration) bool {
	return s.behind == nil && time.Since(s.last) >= d
}

var heartbeat = []byte(": heartbeat\n\n") // a comment, which clients ignore

// beat sends a heartbeat. It uses no buffer, because heartbeats are many and short.
func (s *socket) beat() error { return s.sendAfter(heartbeat) }

// say buffers a text.
func (s *socket) say(text string) {
	buf := s.buffer()
	*buf = append(*buf, text...)
}

// close ends the stream.
func (s *socket) close() {
	if s.behind != nil { // the stream has ended, however that write ends
		<-s.behind
	}
	deadline := time.Now()
	if s.err == nil {
		deadline = deadline.Add(s.timeout)
	}
	s.line.hangUp(deadline)
}

// retry tells the client when to come back after the end of the response. The jitter keeps
// a thousand clients from coming back at the same time.
func (s *socket) retry() { s.retryAfter(1000, 3000) }

// retryAfter is retry with other bounds, in milliseconds.
func (s *socket) retryAfter(least, most int) {
	s.say(fmt.Sprintf("retry: %d\n\n", least+rand.IntN(most-least+1)))
}
