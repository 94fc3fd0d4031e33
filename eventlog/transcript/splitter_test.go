package transcript_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog/transcript"
)

// split gives an input in chunks, and returns copies of the lines.
func split(input []byte, maxLine, chunk int) []transcript.Line {
	var all []transcript.Line
	take := func(l transcript.Line) {
		l.Text = bytes.Clone(l.Text)
		all = append(all, l)
	}
	s := transcript.NewSplitter(maxLine)
	for part := range slices.Chunk(input, chunk) {
		s.Split(part, take)
	}
	s.Rest(take)
	s.Rest(take) // nothing is left
	return all
}

func TestAHalfLineWaitsForItsRest(t *testing.T) {
	var got []string
	take := func(l transcript.Line) { got = append(got, string(l.Text)) }
	s := transcript.NewSplitter(0)
	s.Split([]byte("one\ntw"), take)
	if !slices.Equal(got, []string{"one"}) {
		t.Fatalf("got %q", got)
	}
	s.Split([]byte("o\n\nthr"), take)
	s.Rest(take)
	if !slices.Equal(got, []string{"one", "two", "", "thr"}) {
		t.Errorf("got %q", got)
	}
}

func FuzzSplitter(f *testing.F) {
	f.Add([]byte("a\nbb\n\nccc"), uint8(2), uint8(1))
	f.Add([]byte(strings.Repeat("x", 300)+"\ny\r\n"), uint8(10), uint8(7))
	f.Add([]byte("\n"), uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, input []byte, maxLine, chunk uint8) {
		limit := int(maxLine) + 1
		got := split(input, limit, int(chunk)+1)
		want := bytes.Split(input, []byte("\n"))
		if len(want[len(want)-1]) == 0 {
			want = want[:len(want)-1]
		}
		if len(got) != len(want) {
			t.Fatalf("%d lines, want %d", len(got), len(want))
		}
		for i, l := range got {
			switch {
			case l.Bytes != int64(len(want[i])) || !bytes.HasPrefix(want[i], l.Text):
				t.Fatalf("line %d: %q of %d bytes, want %q", i, l.Text, l.Bytes, want[i])
			case len(want[i]) <= limit && len(l.Text) != len(want[i]):
				t.Fatalf("line %d is cut to %d bytes", i, len(l.Text))
			case len(want[i]) > limit && (len(l.Text) != limit || l.SHA256 != sha256.Sum256(want[i])):
				t.Fatalf("line %d: %d bytes are left, hash %x", i, len(l.Text), l.SHA256)
			}
		}
	})
}
