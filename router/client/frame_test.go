package client

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// frames reads a stream to its end, and again byte by byte: the result must not depend on
// how reads cut the stream.
func frames(t *testing.T, stream string) (got []string, retry time.Duration) {
	t.Helper()
	read := func(r io.Reader) (all []string, retry time.Duration) {
		fr := newFrameReader(r)
		for {
			f, err := fr.next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				return all, fr.retry
			}
			all = append(all, fmt.Sprintf("%s|%s|%s", f.event, f.data, f.id))
		}
	}
	got, retry = read(strings.NewReader(stream))
	slowly, _ := read(iotest.OneByteReader(strings.NewReader(stream)))
	if fmt.Sprint(got) != fmt.Sprint(slowly) {
		t.Fatalf("at once %q, byte by byte %q", got, slowly)
	}
	return got, retry
}

// The cases are those of the HTML standard, section 9.2.6, and of its tests.
func TestFramesAreReadAsTheStandardSays(t *testing.T) {
	for _, c := range []struct {
		name, stream string
		want         []string // event|data|id
	}{
		{"one frame", "id: a:1\nevent: x\ndata: {}\n\n", []string{"x|{}|a:1"}},
		{"CR ends lines", "id: a\rdata: 1\r\rdata: 2\r\r", []string{"|1|a", "|2|a"}},
		{"CRLF ends lines", "data: 1\r\n\r\ndata: 2\r\n\r\n", []string{"|1|", "|2|"}},
		{"all ends mixed", "data: 1\r\n\rdata: 2\n\r\ndata: 3\r\r\n", []string{"|1|", "|2|", "|3|"}},
		{"CRLF is one end, LFCR are two", "data: 1\n\rdata: 2\r\n\n", []string{"|1|", "|2|"}},
		{"several data lines", "data: 1\ndata\ndata:  3\n\n", []string{"|1\n\n 3|"}},
		{"only the first space is cut off", "data:x\n\ndata:  y\n\ndata:\tz\n\n", []string{"|x|", "| y|", "|\tz|"}},
		{"data without text is a frame", "data\n\ndata:\n\n", []string{"||", "||"}},
		{"an event without data is none", "event: x\n\ndata: 1\n\n", []string{"|1|"}},
		{"an id without data counts for the next frame", "id: a\n\ndata: 1\n\n", []string{"|1|a"}},
		{"an id stays until another comes", "id: a\ndata: 1\n\ndata: 2\n\nid\ndata: 3\n\n", []string{"|1|a", "|2|a", "|3|"}},
		{"an id with NUL is none", "id: a\ndata: 1\n\nid: b\x00c\ndata: 2\n\n", []string{"|1|a", "|2|a"}},
		{"an event name is for one frame", "event: x\ndata: 1\n\ndata: 2\n\n", []string{"x|1|", "|2|"}},
		{"comments and other names mean nothing", ": hi\n:\ndata: 1\nbogus: 2\n DATA: 3\nData: 4\n\n", []string{"|1|"}},
		{"a colon in the value stays", "data: a: b\n\n", []string{"|a: b|"}},
		{"a byte order mark at the start", "\ufeffdata: 1\n\n", []string{"|1|"}},
		{"a second one is part of a name", "\ufeff\ufeffdata: 1\n\ndata: 2\n\n", []string{"|2|"}},
		{"half a byte order mark is part of a name", "\xef\xbbdata: 1\n\ndata: 2\n\n", []string{"|2|"}},
		{"a frame that is cut off is none", "data: 1\n\nid: b\ndata: 2\n", []string{"|1|"}},
		{"nothing", "", nil},
		{"less than a byte order mark", "\xef", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, _ := frames(t, c.stream); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestRetryIsAWholeNumberOfMilliseconds(t *testing.T) {
	for stream, want := range map[string]time.Duration{
		"retry: 1500\n\n":              1500 * time.Millisecond,
		"retry:1500\n":                 1500 * time.Millisecond,
		"retry: 1\nretry: x\n\n":       time.Millisecond,
		"retry: -1\n\n":                0,
		"retry: +1\n\n":                0,
		"retry: 1.5\n\n":               0,
		"retry\n\n":                    0,
		"retry: 99999999999999999\n\n": 0,
	} {
		if _, got := frames(t, stream); got != want {
			t.Errorf("%q: %v, want %v", stream, got, want)
		}
	}
}

func TestAFrameEndsWithoutWaitingForMore(t *testing.T) {
	for _, stream := range []string{"data: 1\n\n", "data: 1\r\r", "data: 1\r\n\r"} {
		r, w := io.Pipe()
		go func() { _, _ = io.WriteString(w, stream) }() // and then silence
		if f, err := newFrameReader(r).next(); err != nil || string(f.data) != "1" {
			t.Errorf("%q: %q, %v", stream, f.data, err)
		}
	}
}

func TestLargeFramesAreReadUpToTheLimit(t *testing.T) {
	large := strings.Repeat("x", 5<<20)
	f, err := newFrameReader(strings.NewReader("data: " + large + "\ndata: y\n\n")).next()
	if err != nil || string(f.data) != large+"\ny" {
		t.Errorf("a frame of 5 MiB is not what was sent: %v", err)
	}
	for name, stream := range map[string]string{
		"one line":              "data: " + strings.Repeat("x", 1000) + "\n\n",
		"a line without end":    strings.Repeat("x", 1001),
		"many lines":            strings.Repeat("data: x\n", 200),
		"many lines of nothing": strings.Repeat(": comment\n", 200),
	} {
		r := newFrameReader(strings.NewReader(stream))
		r.limit = 1000
		if _, err := r.next(); !errors.Is(err, errFrameTooLarge) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzFrameReader(f *testing.F) {
	f.Add("retry: 1000\n\nid: a:1\nevent: x\ndata: {}\n\n: heartbeat\n\n")
	f.Add("\ufeffdata: 1\r\ndata\r\rid: \x00\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		got, _ := frames(t, stream)
		for _, frame := range got {
			// For any stream, no part of a frame has a line break that the standard does
			// not put there.
			event, rest, _ := strings.Cut(frame, "|")
			if strings.ContainsAny(event, "\r\n") || strings.Contains(rest, "\r") {
				t.Errorf("%q became %q", stream, frame)
			}
		}
		if n := strings.Count(strings.ReplaceAll(stream, "\r", "\n"), "\n\n"); len(got) > n {
			t.Errorf("%d frames from %d blank lines: %q", len(got), n, stream)
		}
	})
}
