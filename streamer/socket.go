package streamer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// writeSize is the largest number of bytes in one write. Each write renews the deadline, so
// that a slow line is not cut again and again at the same large event.
const writeSize = 64 << 10

// A client that takes writeSize bytes within inTime keeps up. For such a client, the stream
// reads on while up to maxAhead buffers of up to maxPage bytes are being written. It must
// not wait for a write to begin: until another processor wakes and writes, the reading
// goroutine could have read the next buffer. For other clients it reads one small buffer
// ahead, because each one is memory that the client decides how long we hold.
const (
	inTime   = time.Millisecond
	maxPage  = 2 * writeSize
	maxAhead = 3
)

// buffers are only held while there is something to write: an idle stream has none.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, writeSize); return &b }}

// socket collects frames and writes them in pieces, each with its own deadline. After an
// error it discards the rest.
type socket struct {
	line    line
	timeout time.Duration
	wrote   func(bytes int)

	// While a pending write is not done, its goroutine owns the fields from last to stalled.
	pending []*pendingWrite // the oldest first
	last    time.Time       // when something was written last
	err     error
	stalled bool // err came after the whole time-out

	buf     *[]byte // nil while there is nothing to write
	keepsUp bool    // the client took the last buffer in time
	page    int     // how many bytes to buffer before a flush
}

// pendingWrite is a buffer that a goroutine of flushBehind writes. Only done may be used before
// done is closed.
type pendingWrite struct {
	done     chan struct{}
	sent     func(at time.Time) // called if all of it was written
	at       time.Time
	written  int
	keepsUp  bool
	err      error
	panicked any // the panic of a ResponseWriter
}

func newSocket(l line, o *Options) *socket {
	return &socket{line: l, timeout: o.WriteTimeout, last: time.Now(), page: writeSize}
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
	n := 0
	if s.buf != nil {
		n, s.keepsUp = s.sendBuffer(s.buf)
		s.buf = nil
	}
	s.report(n + s.send(text))
	return s.err
}

// flushBehind sends what is buffered while the caller fills the next buffers. The socket
// calls sent once all of it is written: within a later call of flushBehind, or of settle,
// which the caller must call in the end. flushBehind returns an error of an earlier buffer.
func (s *socket) flushBehind(sent func(at time.Time)) error {
	if s.buf == nil {
		return nil
	}
	ahead := 1
	if s.keepsUp {
		ahead = maxAhead
	}
	for len(s.pending) >= ahead {
		if err := s.land(); err != nil {
			return err
		}
	}
	var before chan struct{}
	if n := len(s.pending); n > 0 {
		before = s.pending[n-1].done
	}
	if s.page = min(2*s.page, maxPage); !s.keepsUp {
		s.page = writeSize
	}
	w := &pendingWrite{done: make(chan struct{}), sent: sent}
	s.pending = append(s.pending, w)
	buf := s.buf
	s.buf = nil
	go func() {
		defer close(w.done)
		defer func() {
			if w.panicked = recover(); w.panicked != nil {
				s.err = errPanicked // what follows must not be written
			}
			w.at, w.err = s.last, s.err
		}()
		if before != nil {
			<-before
		}
		w.written, w.keepsUp = s.sendBuffer(buf)
	}()
	return nil
}

var errPanicked = errors.New("streamer: a write panicked")

// land waits for the oldest pending write.
func (s *socket) land() error {
	w := s.pending[0]
	<-w.done
	s.pending = slices.Delete(s.pending, 0, 1)
	s.keepsUp = w.keepsUp
	if w.panicked != nil { // the caller of the stream handles it
		panic(w.panicked)
	}
	s.report(w.written)
	if w.err == nil {
		w.sent(w.at)
	}
	return w.err
}

// settle waits for all that flushBehind sends.
func (s *socket) settle() error {
	for len(s.pending) > 0 {
		_ = s.land() // its error stays
	}
	return s.err
}

// sendBuffer sends a buffer and puts it back into the pool. It returns how many bytes were
// written, and whether the client keeps up.
func (s *socket) sendBuffer(buf *[]byte) (written int, keepsUp bool) {
	begin := time.Now()
	written = s.send(*buf)
	keepsUp = s.last.Sub(begin) <= inTime*time.Duration(1+len(*buf)/writeSize)
	if cap(*buf) <= 2*maxPage { // one large event must not cost memory for ever
		*buf = (*buf)[:0]
		buffers.Put(buf)
	}
	return written, keepsUp
}

// send sends p without the buffer, and returns how many bytes were written.
func (s *socket) send(p []byte) (written int) {
	for len(p) > 0 && s.err == nil {
		start := time.Now()
		var n int
		n, s.err = s.line.write(p, start.Add(s.timeout))
		s.last = time.Now()
		s.stalled = s.err != nil && s.last.Sub(start) >= s.timeout
		written += n
		p = p[n:]
	}
	return written
}

func (s *socket) report(written int) {
	if s.wrote != nil && written > 0 {
		s.wrote(written)
	}
}

// silentFor reports whether nothing was sent for a time.
func (s *socket) silentFor(d time.Duration) bool {
	return len(s.pending) == 0 && time.Since(s.last) >= d
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
	for _, w := range s.pending { // the stream has ended, however they end
		<-w.done
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
