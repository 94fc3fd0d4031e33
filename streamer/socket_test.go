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

// What an idle or broken stream does not need has gone back to the pool.
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
		s := newSocket(w, &Options{WriteTimeout: time.Second, Heartbeat: time.Hour})
		s.write(text)
		if err := s.flush(); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		if s.buf != nil {
			t.Errorf("%s: the buffer is still held", name)
		}
		if got := w.Bytes(); !bytes.HasPrefix(text, got) || c.err == nil && len(got) != len(text) {
			t.Errorf("%s: %d bytes came through", name, len(got))
		}
		s.write(text) // after an error it is swallowed
		if c.err != nil && s.buf != nil {
			t.Errorf("%s: a write after it took a buffer", name)
		}
		s.close()
	}
}

func TestASocketWritesExactlyWhatFillsABuffer(t *testing.T) {
	w := &halfway{writes: 2}
	s := newSocket(w, &Options{WriteTimeout: time.Second, Heartbeat: time.Hour})
	defer s.close()
	s.write(make([]byte, writeSize))
	if w.Len() != writeSize {
		t.Errorf("a full buffer is written at once: %d bytes", w.Len())
	}
	if err := s.flush(); err != nil || s.buf != nil || w.Len() != writeSize {
		t.Errorf("%v, %d bytes", err, w.Len())
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
