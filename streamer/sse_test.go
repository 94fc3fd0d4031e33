package streamer_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"jrweb/eventlog"
)

// frame is one SSE message, as it came.
type frame struct {
	raw     string // all bytes, including the blank line
	id      string
	event   string
	data    string
	retry   string
	comment string
}

// controlNames are the frames about the stream itself.
var controlNames = []string{"reset", "gap", "caught_up", "task", "task_deleted"}

func (f frame) isEvent() bool { return f.id != "" }

// sseReader reads frames as strictly as possible: it fails on things that an EventSource
// would accept, but that a correct server never sends.
type sseReader struct{ r *bufio.Reader }

func newSSEReader(r io.Reader) *sseReader { return &sseReader{bufio.NewReaderSize(r, 64<<10)} }

// next reads one frame. io.EOF means that the stream ended between two frames.
func (s *sseReader) next() (frame, error) {
	var f frame
	var names []string
	for {
		line, err := s.r.ReadString('\n')
		f.raw += line
		if err != nil {
			if errors.Is(err, io.EOF) && f.raw != "" {
				err = fmt.Errorf("stream ends inside a frame: %.200q: %w", f.raw, io.ErrUnexpectedEOF)
			}
			return f, err
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			return f, f.check(names)
		}
		if strings.ContainsAny(line, "\r\x00") || !utf8.ValidString(line) {
			return f, fmt.Errorf("line has a byte that must be escaped: %.200q", line)
		}
		name, value, found := strings.Cut(line, ": ")
		if !found {
			return f, fmt.Errorf("line is not name, colon, space, value: %.200q", line)
		}
		names = append(names, name)
		switch name {
		case "id":
			f.id = value
		case "event":
			f.event = value
		case "data":
			f.data = value
		case "retry":
			f.retry = value
		case "":
			f.comment = value
		default:
			return f, fmt.Errorf("unknown field in line %.200q", line)
		}
	}
}

// check accepts the allowed shapes of a frame.
func (f frame) check(names []string) error {
	isControl := slices.Contains(controlNames, f.event)
	switch strings.Join(names, " ") {
	case "retry", "":
		if len(names) == 1 {
			return nil
		}
	case "id data":
		return nil
	case "id event data":
		if !isControl {
			return nil
		}
	case "event data":
		if isControl {
			return nil
		}
	}
	return fmt.Errorf("frame has the wrong lines: %.200q", f.raw)
}

// follower checks that events continue a cursor: each must be the next one of its session,
// or the first of a later session.
type follower struct{ at eventlog.Cursor }

func (w *follower) take(f frame) error {
	c, err := eventlog.ParseCursor(f.id)
	if err != nil {
		return fmt.Errorf("id %q: %w", f.id, err)
	}
	next := eventlog.Cursor{Session: w.at.Session, Sequence: w.at.Sequence + 1}
	if c.Session.String() > w.at.Session.String() {
		next = eventlog.Cursor{Session: c.Session, Sequence: 1}
	}
	if c != next {
		return fmt.Errorf("after %v comes %v", w.at, c)
	}
	w.at = c
	return nil
}

// TestTheClientOfTheseTestsIsStrict is the control of all tests that use it.
func TestTheClientOfTheseTestsIsStrict(t *testing.T) {
	for name, stream := range map[string]string{
		"carriage return":           "id: x\ndata: a\rb\n\n",
		"CRLF":                      "id: x\r\ndata: a\r\n\r\n",
		"NUL":                       "id: x\ndata: a\x00\n\n",
		"invalid UTF-8":             "id: x\ndata: \xff\n\n",
		"no space after the colon":  "id:x\ndata: a\n\n",
		"unknown field":             "name: x\n\n",
		"empty frame":               "\n",
		"two data lines":            "id: x\ndata: a\ndata: b\n\n",
		"two ids":                   "id: x\nid: y\ndata: a\n\n",
		"control frame with id":     "id: x\nevent: reset\ndata: {}\n\n",
		"event without id":          "event: thought\ndata: {}\n\n",
		"data alone":                "data: {}\n\n",
		"retry inside another":      "retry: 1\nid: x\ndata: a\n\n",
		"end inside a frame":        "id: x\ndata: a\n",
		"end inside a line":         "id: x\nda",
		"data before event":         "id: x\ndata: a\nevent: b\n\n",
		"comment inside a frame":    ": x\ndata: a\n\n",
		"event alone":               "event: thought\n\n",
		"line without a field name": "thought\n\n",
	} {
		if f, err := newSSEReader(strings.NewReader(stream)).next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: accepted as %+v, error %v", name, f, err)
		}
	}
	good := "retry: 1\n\n: c\n\nid: x\nevent: y\ndata: z\n\nid: x\ndata: z\n\nevent: gap\ndata: {}\n\n"
	r := newSSEReader(strings.NewReader(good))
	for range 5 {
		if f, err := r.next(); err != nil {
			t.Errorf("a good frame is refused: %+v: %v", f, err)
		}
	}
	if _, err := r.next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last frame: %v, not EOF", err)
	}
}

func TestTheFollowerOfTheseTestsFindsWhatIsMissingOrDoubled(t *testing.T) {
	older := func(n uint64) eventlog.Cursor { return eventlog.Cursor{Session: eventlog.SessionID{0: 1}, Sequence: n} }
	newer := func(n uint64) eventlog.Cursor { return eventlog.Cursor{Session: eventlog.SessionID{0: 2}, Sequence: n} }
	start := older(2)
	for name, c := range map[string]struct {
		ids  []eventlog.Cursor
		good bool
	}{
		"in order":                   {[]eventlog.Cursor{older(3), older(4)}, true},
		"on to the next session":     {[]eventlog.Cursor{older(3), newer(1), newer(2)}, true},
		"the last one again":         {[]eventlog.Cursor{older(2)}, false},
		"one doubled":                {[]eventlog.Cursor{older(3), older(3)}, false},
		"one missing":                {[]eventlog.Cursor{older(3), older(5)}, false},
		"two exchanged":              {[]eventlog.Cursor{older(4), older(3)}, false},
		"start of a session missing": {[]eventlog.Cursor{older(3), newer(2)}, false},
		"back to an older session":   {[]eventlog.Cursor{newer(1), older(3)}, false},
	} {
		w := follower{start}
		var err error
		for _, id := range c.ids {
			err = errors.Join(err, w.take(frame{id: id.String()}))
		}
		if (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&follower{start}).take(frame{id: "nonsense"}); err == nil {
		t.Error("an id that is no cursor is accepted")
	}
}
