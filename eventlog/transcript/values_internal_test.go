package transcript

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// found lists what values finds in an input, given in chunks of some size.
func found(input []byte, chunk int) (what []string, cutOff bool) {
	var v values
	t := taker{
		object: func(o object, text []byte) { what = append(what, fmt.Sprintf("object %d %s", len(o), text)) },
		other:  func(l Line) { what = append(what, "other "+string(l.Text)) },
	}
	s := NewSplitter(0)
	take := func(l Line) {
		if l.Text = clean(l.Text); len(bytes.TrimSpace(l.Text)) > 0 {
			v.line(l, t)
		}
	}
	for part := range slices.Chunk(input, chunk) {
		s.Split(part, take)
	}
	s.Rest(take)
	v.end(t)
	return what, v.cutOff
}

// FuzzValues: what is found depends on the input alone, and nothing of it is lost.
func FuzzValues(f *testing.F) {
	for _, s := range []string{
		"{\"a\":1}\n{\"b\":2}\n", "[{\"a\":1},\n{\"b\":[1,{}]}]\n", "w {x}: {\"a\":1} {\"b\":2} z\n", "{\n\"a\":\n\"b\"\n}{\"c\":1}\n",
		"data: {\"a\":1}\n\ndata: [{\"b\":2},{}]\n", "data: {\"a\":\ndata: 1}\n", "[{\"a\":1}, oops\n", "[\n[1],\n{}\n]\n", "{\"a\":\"b\n{\"a\":1}\n", "[[[{\n", "{\"a\":01}\n", "{\"a\":\n01}\n",
	} {
		f.Add([]byte(s), uint16(1))
	}
	f.Fuzz(func(t *testing.T, input []byte, chunk uint16) {
		want, cutOff := found(input, max(1, len(input)))
		got, gotCut := found(input, int(chunk)+1)
		if !slices.Equal(got, want) || cutOff != gotCut {
			t.Fatalf("in chunks of %d:\n%q\nat once:\n%q", int(chunk)+1, got, want)
		}
		// But for white space, brackets and commas of arrays, and marks of events, each
		// character is in what was found.
		ignore := func(r rune) rune {
			if strings.ContainsRune(" \t\r\n\v\f\u0085\u00a0[],dat:", r) || r > 0x7f {
				return -1
			}
			return r
		}
		var all strings.Builder
		for _, one := range want {
			_, text, _ := strings.Cut(one, " ")
			if strings.HasPrefix(one, "object ") {
				_, text, _ = strings.Cut(text, " ")
			}
			all.WriteString(text)
		}
		if got, want := strings.Map(ignore, all.String()), strings.Map(ignore, string(clean(input))); got != want {
			t.Fatalf("found %q\nof %q", got, want)
		}
	})
}
