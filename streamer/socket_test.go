package streamer

import (
	"bytes"
	"errors"
	"net/http"
	"testing"
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
