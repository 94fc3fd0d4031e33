package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestVisible(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"plain ä 猫 🐈\tand\nlines", "plain ä 猫 🐈\tand\nlines"},
		{"a\r\nb", "a\nb"},
		{"progress 1\rprogress 2", `progress 1\rprogress 2`},
		{"\x1b[31mred", `\x1b[31mred`},
		{"\u009b31m", `\x9b31m`},
		{"\x9b31m", `\x9b31m`},
		{"\u202egnp.exe", `\u202egnp.exe`},
		{"cut \xc3", `cut \xc3`},
		{"was \ufffd already", "was \ufffd already"},
		{"\x00\x7f", `\x00\x7f`},
	} {
		if got := visible(c.text); got != c.want {
			t.Errorf("visible(%q) = %q, want %q", c.text, got, c.want)
		}
	}
	if got := visibleLine(" a\n\t b\r\nc "); got != "a b c" {
		t.Errorf("visibleLine: %q", got)
	}
}

func TestVisibleJSONMeansTheSame(t *testing.T) {
	text := []byte("{\"a\":\"\u009b31m \u202e ä\",\"b\u007f\":1}\n")
	got := visibleJSON(text)
	if want := `{"a":"\u009b31m \u202e ä","b\u007f":1}` + "\n"; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var before, after any
	if json.Unmarshal(text, &before) != nil || json.Unmarshal(got, &after) != nil {
		t.Fatal("not JSON")
	}
	a, _ := json.Marshal(before)
	b, _ := json.Marshal(after)
	if !bytes.Equal(a, b) {
		t.Errorf("meant %s, means %s", a, b)
	}
}
