package streamer

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// halfway is a connection that breaks at its nth write.
type halfway struct {
	bytes.Buffer
	writes int
}

var errHalfway = errors.New("broken half-way")

func (w *halfway) Header() http.Header { return nil }
func (w *halfway) WriteHeader(int)     {}
func (w *halfway) FlushError() error   { return nil }

func (w *halfway) SetWriteDeadline(time.Time) error { return nil }

func (w *halfway) Write(p []byte) (int, error) {
	if w.writes--; w.writes < 0 {
		return 0, errHalfway
	}
	if len(p) > writeSize {
		return 0, errors.New("a write is too large")
	}
	return w.Buffer.Write(p)
}

// An idle or broken stream has returned its buffer to the pool.
func TestASocketHoldsItsBufferOnlyWhileThereIsSomethingToWrite(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 30_000) // needs five writes
	for name, c := range map[string]struct {
		writes int
		err    error
	}{
		"all is written":       {5, nil},
		"the first one breaks": {0, errHalfway},
		"a later one breaks":   {3, errHalfway},
		"the flush breaks":     {4, errHalfway},
	} {
		w := &halfway{writes: c.writes}
		s := newSocket(newResponse(t.Context(), w), &Options{WriteTimeout: time.Second})
		s.say(string(text))
		if err := s.flush(); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		if s.buf != nil {
			t.Errorf("%s: the buffer is still held", name)
		}
		if got := w.Bytes(); !bytes.HasPrefix(text, got) || c.err == nil && len(got) != len(text) {
			t.Errorf("%s: %d bytes came through", name, len(got))
		}
		if c.err != nil {
			s.say(string(text)) // is discarded
		}
		if err := s.flush(); !errors.Is(err, c.err) || s.buf != nil {
			t.Errorf("%s: the next flush: %v, buffer held: %v", name, err, s.buf != nil)
		}
		s.close()
	}
}

func TestASocketWritesInPieces(t *testing.T) {
	for _, c := range []struct{ bytes, writes int }{{1, 1}, {writeSize, 1}, {writeSize + 1, 2}, {5 * writeSize, 5}} {
		w := &halfway{writes: c.writes}
		s := newSocket(newResponse(t.Context(), w), &Options{WriteTimeout: time.Second})
		s.say(string(make([]byte, c.bytes)))
		if err := s.flush(); err != nil || w.writes != 0 || w.Len() != c.bytes {
			t.Errorf("%d bytes: %v, %d came through, %d of %d writes left", c.bytes, err, w.Len(), w.writes, c.writes)
		}
		s.close()
	}
}

// steps is a connection that takes each write when the test allows it.
type steps struct {
	halfway
	takes chan error
}

func (w *steps) Write(p []byte) (int, error) {
	if err := <-w.takes; err != nil {
		return 0, err
	}
	return w.halfway.Write(p)
}

// Several buffers may wait for a fast client. They come in their order, each is told of once
// it is written, and none after one that failed.
func TestBuffersThatAreWrittenBehindKeepTheirOrder(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		answers []error
		told    []int
		err     error
	}{
		"all are written":     {[]error{nil, nil, nil, nil}, []int{0, 1, 2, 3}, nil},
		"the first one fails": {[]error{broken}, nil, broken},
		"a later one fails":   {[]error{nil, nil, broken}, []int{0, 1}, broken},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &steps{halfway{writes: 10}, make(chan error, len(c.answers))}
			s := newSocket(newResponse(t.Context(), w), &Options{WriteTimeout: time.Second})
			s.keepsUp = true
			var told []int
			flush := func(i int) error {
				s.say(string(rune('a' + i)))
				return s.flushBehind(func(time.Time) { told = append(told, i) })
			}
			for i := range maxAhead { // none of them waits
				if err := flush(i); err != nil {
					t.Fatal(err)
				}
			}
			for _, err := range c.answers {
				w.takes <- err
			}
			err := flush(maxAhead)
			if err == nil {
				err = s.settle()
			} else if settled := s.settle(); !errors.Is(settled, err) {
				t.Errorf("%s: then it says %v", name, settled)
			}
			if !errors.Is(err, c.err) {
				t.Errorf("%s: %v", name, err)
			}
			if !slices.Equal(told, c.told) || w.String() != "abcd"[:len(c.told)] {
				t.Errorf("%s: told of %v, came through %q", name, told, w.String())
			}
			s.close()
		})
	}
}

// A client that does not keep up makes us hold one buffer beside the one that is being filled.
func TestASlowClientHasOneBufferWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &steps{halfway{writes: 10}, make(chan error)}
		s := newSocket(newResponse(t.Context(), w), &Options{WriteTimeout: time.Minute})
		s.keepsUp = true
		behind := func() error { return s.flushBehind(func(time.Time) {}) }
		slowly := func(n int) {
			for range n {
				time.Sleep(time.Second)
				w.takes <- nil
			}
		}
		s.say("a")
		if err := behind(); err != nil {
			t.Fatal(err)
		}
		slowly(1)
		if err := s.settle(); err != nil {
			t.Fatal(err)
		}
		go slowly(3)
		for range 3 {
			s.say("b")
			if err := behind(); err != nil {
				t.Fatal(err)
			}
			if len(s.pending) > 1 {
				t.Errorf("%d buffers wait", len(s.pending))
			}
		}
		if err := s.settle(); err != nil || w.String() != "abbb" {
			t.Errorf("%q, %v", w.String(), err)
		}
		s.close()
	})
}

// A write that panics is the panic of the stream, and nothing is written after it.
func TestNothingIsWrittenAfterAWriteThatPanicked(t *testing.T) {
	w := &halfway{writes: 10}
	s := newSocket(&panicking{response: newResponse(t.Context(), w)}, &Options{WriteTimeout: time.Second})
	s.keepsUp = true
	for range 2 {
		s.say("a")
		if err := s.flushBehind(func(time.Time) { t.Error("it was told as sent") }); err != nil {
			t.Fatal(err)
		}
	}
	func() {
		defer func() {
			if p := recover(); p != "a broken writer" {
				t.Errorf("the panic is %v", p)
			}
		}()
		_ = s.settle()
		t.Error("there was no panic")
	}()
	s.close()
	if w.Len() > 0 {
		t.Errorf("%q was written", w.String())
	}
}

// panicking is a line whose first write panics.
type panicking struct {
	*response
	writes int
}

func (l *panicking) write(p []byte, deadline time.Time) (int, error) {
	if l.writes++; l.writes == 1 {
		panic("a broken writer")
	}
	return l.response.write(p, deadline)
}

func TestClipNeverCutsACharacter(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"abc", 3, "abc"}, {"abc", 2, "ab"}, {"é", 1, ""}, {"aé", 2, "a"}, {"aé", 3, "aé"},
		{"a€b", 3, "a"}, {"a😀", 4, "a"}, {"a😀", 5, "a😀"}, {"", 0, ""},
	} {
		if got := clip(c.text, c.n); got != c.want {
			t.Errorf("clip(%q, %d) = %q, not %q", c.text, c.n, got, c.want)
		}
	}
}
