package record

import "testing"

// Names match exactly, whatever their text is in the JSON. Of equal names the last counts.
func TestTheFieldsOfAnObjectAreFound(t *testing.T) {
	for text, want := range map[string]string{
		`{"tool":1}`: "", `{"content":1}`: "1", `{"content":1,"content":"last"}`: `"last"`, `{"Content":1}`: "",
		`{"\u0063onten\u0074":2}`: "2", `{"content":1,"\u0063ontent":2}`: "2", `{"tool":{"content":1}}`: "", `{"con\u0000tent":1}`: "",
	} {
		o, _, ok := scanObject([]byte(text), content)
		if got := string(o.value("content")); !ok || got != want {
			t.Errorf("%s: content is %q, %v, not %q", text, got, ok, want)
		}
	}
}

func TestThereIsAReasonWhyATextIsNoObject(t *testing.T) {
	for _, text := range []string{``, `{`, `[]`, `"a"`, `1`, `null`, `{"a":}`, `{}x`, "{\"a\":\"\xff\"}"} {
		if _, _, ok := scanObject([]byte(text), content); ok {
			t.Errorf("%q is taken", text)
		}
		if err := noObject([]byte(text)); err.Reason == "" {
			t.Errorf("%q: no reason", text)
		}
	}
}

func TestAnObjectHasPlaceForTheFieldsOfEachType(t *testing.T) {
	for name, fields := range knownFields {
		if len(fields) > maxFields {
			t.Errorf("%s has %d fields, an object has place for %d", name, len(fields), maxFields)
		}
	}
}
