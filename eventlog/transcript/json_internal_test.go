package transcript

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzJSON holds what reads JSON here to what encoding/json reads.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":[true,false,null],"c":{"d":"e\n\u00e9\ud83d\ude00\ud800"},"a":2}`, ` { } `, `[]`, `[ 1 , {"x":[[],{}]} ]`, `{"a":01}`,
		`{"a":-0.5e+7}`, `{"a":"` + "\x01" + `"}`, `{"a":"\x"}`, `{"a"}`, `{"a":}`, `{,}`, `[1,]`, `{"a":[}`, `{"a":"b`, `{"\u0061":tru}`,
		"{\"a\":\"\xff\xfe\"}", `"\ud83d"`, "\"\u2028\"", `{"a":1}x`, `[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var want map[string]json.RawMessage
		err := json.Unmarshal(raw, &want)
		got := parseObject(raw)
		if isObject := err == nil && want != nil; isObject != (got != nil) {
			t.Fatalf("an object: %v, want %v (%v)", got != nil, isObject, err)
		}
		sorted := got.sorted()
		if len(sorted) != len(want) {
			t.Fatalf("got %q, want %q", sorted, want)
		}
		for _, f := range sorted {
			if name := string(f.name); !bytes.Equal(f.value, want[name]) || !bytes.Equal(got.value(name), want[name]) {
				t.Fatalf("%q: got %q and %q, want %q", name, f.value, got.value(name), want[name])
			}
		}
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil || len(raw) == 0 || raw[0] != '[' {
			list = nil
		}
		elements := listOf(raw)
		if len(list) != len(elements) || (list == nil) != (elements == nil) {
			t.Fatalf("got %q, want %q", elements, list)
		}
		for i := range list {
			if !bytes.Equal(list[i], elements[i]) {
				t.Fatalf("element %d: got %q, want %q", i, elements[i], list[i])
			}
		}
		var text string
		if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
			text = ""
		}
		if got := textOf(raw); got != text {
			t.Fatalf("got %q, want %q", got, text)
		}
		if got, want := quote(string(raw)), slowQuote(string(raw)); !bytes.Equal(got, want) {
			t.Fatalf("got %s, want %s", got, want)
		}
		if len(raw) == 0 || isSpace(raw[len(raw)-1]) {
			return // a member has no space around it
		}
		var number float64
		if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') || json.Unmarshal(raw, &number) != nil {
			number = 0
		}
		if got, _ := (object{}).with("n", raw).number("n"); got != number {
			t.Fatalf("got %v, want %v", got, number)
		}
	})
}

func TestAnObjectKeepsItsLimits(t *testing.T) {
	line := []byte(`{"a":{"b":1},"c":2}`)
	o := parseObject(line)
	_ = append(o.value("a"), "overwritten"...)
	if string(line) != `{"a":{"b":1},"c":2}` || string(o.value("c")) != "2" {
		t.Errorf("a member reaches into the next: %s", line)
	}
}

func TestAnObjectWithOtherMembersLeavesTheFirstAsItWas(t *testing.T) {
	o := parseObject([]byte(`{"b":1,"a":2,"b":3}`))
	for _, c := range []struct {
		name string
		got  object
		want string
	}{
		{"as it is, the last of a name counts", o, `{"a":2,"b":3}`},
		{"with another value", o.with("b", json.RawMessage("4")), `{"a":2,"b":4}`},
		{"with one more member", o.with("c", json.RawMessage("4")), `{"a":2,"b":3,"c":4}`},
		{"without a member", o.without("b"), `{"a":2}`},
		{"with some only", o.only("b"), `{"b":3}`},
		{"copied", o.clone(), `{"a":2,"b":3}`},
		{"as it was", o, `{"a":2,"b":3}`},
	} {
		if got := string(rawOf(c.got)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}
