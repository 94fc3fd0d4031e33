package streamer

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// writeSize is how many bytes one write carries at most. Each renews the
// deadline, so that a slow line is never cut at a large event for ever.
const writeSize = 64 << 10

// maxPage is how many bytes are read and handed over at once to a client that keeps
// up: the fewer hand-overs between the one who reads and the one who writes, the less
// they wait for each other. To keep up is to take writeSize bytes in time.
const (
	maxPage = 4 * writeSize
	inTime  = time.Millisecond
)

// buffers are only held while there is something to write: an idle stream has none.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, writeSize); return &b }}

// socket collects frames and writes them in pieces, each with a deadline of its
// own. After an error it swallows the rest.
type socket struct {
	line    line
	timeout time.Duration
	wrote   func(bytes int)

	// While behind is open a goroutine of flushBehind has what follows it.
	behind  chan struct{} // nil, or closed when flushBehind is done
	last    time.Time     // when something was written last
	written int           // bytes, since wrote was told
	keepsUp bool          // the client, with the last buffer
	err     error
	stalled bool // err came after the whole time-out had passed

	panicked any // in a ResponseWriter, behind the stream's back

	buf  *[]byte // nil while there is nothing to write
	page int     // how many bytes are to be buffered before a flush
}

func newSocket(l line, o *Options) *socket {
	return &socket{line: l, timeout: o.WriteTimeout, last: time.Now(), page: writeSize}
}

// buffer is what waits to be written. What is appended to it goes with the next
// flush.
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

// cut takes back what was buffered beyond the first n bytes.
func (s *socket) cut(n int) {
	if s.buffered() > n {
		*s.buf = (*s.buf)[:n]
	}
}

// flush sends what is buffered.
func (s *socket) flush() error {
	_ = s.settle() // its error stays
	if s.buf != nil {
		s.sendBuffer(s.buf)
		s.buf = nil
	}
	s.tell()
	return s.err
}

// flushBehind sends what is buffered while the caller fills the next buffer, until
// settle.
func (s *socket) flushBehind() {
	_ = s.settle() // its error stays
	if s.buf == nil {
		return
	}
	if s.page = min(2*s.page, maxPage); !s.keepsUp {
		s.page = writeSize
	}
	buf, done := s.buf, make(chan struct{})
	s.buf, s.behind = nil, done
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
		if s.panicked != nil { // whoever serves the stream deals with it
			panic(s.panicked)
		}
		s.tell()
	}
	return s.err
}

// sendBuffer sends a buffer and gives it back.
func (s *socket) sendBuffer(buf *[]byte) {
	begin, n := time.Now(), len(*buf)
	s.send(*buf)
	s.keepsUp = s.last.Sub(begin) <= inTime*time.Duration(1+n/writeSize)
	if cap(*buf) <= 2*maxPage { // one large event must not cost memory for ever
		*buf = (*buf)[:0]
		buffers.Put(buf)
	}
}

// send sends p, past the buffer.
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

// silentFor reports whether nothing was sent for so long.
func (s *socket) silentFor(d time.Duration) bool {
	return s.behind == nil && time.Since(s.last) >= d
}

var heartbeat = []byte(": heartbeat\n\n") // a comment, which clients ignore

// beat sends a heartbeat. It takes no buffer: there are many, and they are short.
func (s *socket) beat() error {
	if s.flush() == nil {
		s.send(heartbeat)
		s.tell()
	}
	return s.err
}

// say buffers a text.
func (s *socket) say(text string) {
	buf := s.buffer()
	*buf = append(*buf, text...)
}

// close is the end of the stream.
func (s *socket) close() {
	if s.behind != nil { // the stream has ended, however the write ends
		<-s.behind
	}
	deadline := time.Now()
	if s.err == nil {
		deadline = deadline.Add(s.timeout)
	}
	s.line.hangUp(deadline)
}

// retry tells the client when to come back after the end of the response. The
// jitter keeps a thousand clients from coming back at once.
func (s *socket) retry() { s.retryAfter(1000, 3000) }

// retryAfter is retry with the bounds of the time, in milliseconds.
func (s *socket) retryAfter(least, most int) {
	s.say(fmt.Sprintf("retry: %d\n\n", least+rand.IntN(most-least+1)))
}
