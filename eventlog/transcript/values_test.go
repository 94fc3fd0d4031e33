package transcript_test

import (
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog/transcript"
)

// Agents print objects in many ways. Each object counts, and what is none is kept.
func TestObjectsAreFoundInLines(t *testing.T) {
	const one, two = `{"type":"message","role":"assistant","content":"one"}`, `{"type":"message","role":"assistant","content":"two"}`
	indented := "{\n  \"type\": \"message\",\n\n  \"role\": \"assistant\",\n  \"content\": \"one\"\n}\n"
	for name, test := range map[string]struct {
		input string
		said  []string
		raw   []string
	}{
		"one a line":                                {one + "\n" + two + "\n", []string{"one", "two"}, nil},
		"two on a line":                             {one + two + "\n", []string{"one", "two"}, nil},
		"a warning before an object":                {"Warning: no keychain " + one + "\n", []string{"one"}, []string{"Warning: no keychain"}},
		"a warning with braces before it":           {"Warning {x}: " + one + "\n", []string{"one"}, []string{"Warning {x}:"}},
		"a bracket before an object":                {"[warn] " + one + "\n", []string{"one"}, []string{"[warn]"}},
		"text after an object":                      {one + " done\n", []string{"one"}, []string{"done"}},
		"an object over many lines":                 {indented + two + "\n", []string{"one", "two"}, nil},
		"an array on one line":                      {"[" + one + "," + two + "]\n", []string{"one", "two"}, nil},
		"an array over many lines":                  {"[\n" + indented + ",\n" + two + "\n]\n" + two, []string{"one", "two", "two"}, nil},
		"an object that is broken off":              {one + "\n" + `{"type":"message","role":"assistant","metadata":{"a":1},"content":"tw`, []string{"one"}, []string{`{"type":"message","role":"assistant","metadata":{"a":1},"content":"tw`}},
		"a line that is broken off and another one": {`{"type":"message","content":"tw` + "\n" + one + "\n", []string{"one"}, []string{`{"type":"message","content":"tw`}},
		"a broken array after an element":           {"[" + one + ", oops\n" + two + "\n", []string{"one", "two"}, []string{"oops"}},
		"an array broken off after an element":      {"[" + one + ",\n" + "{\"type\":\n" + "oops\n" + two, []string{"one", "two"}, []string{"{\"type\":", "oops"}},
		"an array in an array":                      {"[[1],\n" + one + "]\n", []string{"one"}, []string{"[1]"}},
		"server-sent events":                        {"data: " + one + "\n\ndata:" + two + "\n", []string{"one", "two"}, nil},
		"a server-sent event over many lines":       {"data: {\"type\":\"message\",\ndata: \"role\":\"assistant\",\ndata: \"content\":\"one\"}\n", []string{"one"}, nil},
		"an array in a server-sent event":           {"data: [" + one + ", " + two + "]\n", []string{"one", "two"}, nil},
		"an object broken off by another one":       {"{\"type\":\"message\",\n" + one + "\n", []string{"one"}, []string{"{\"type\":\"message\","}},
	} {
		t.Run(name, func(t *testing.T) {
			events := convert(t, transcript.Gemini, test.input)
			checkTexts(t, events, "assistant", "content", test.said...)
			raw := texts(t, ofType(events, transcript.TypeRaw), transcript.TypeRaw, "content")
			if !slices.Equal(raw, test.raw) {
				t.Errorf("raw: %q, want %q", raw, test.raw)
			}
		})
	}
}

// What stands on one line is taken one after the other: a stack for each would be full.
func TestManyObjectsOnALineAreTakenOneAfterTheOther(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(1 << 20))
	const n = 20_000
	for name, line := range map[string]string{
		"objects": strings.Repeat(`{"a":1}`, n), "text and objects": strings.Repeat(`x{"a":1}`, n),
		"arrays": strings.Repeat(`[{"a":1}]`, n), "an array": "[" + strings.Repeat(`{"a":1},`, n),
	} {
		t.Run(name, func(t *testing.T) {
			c := converter(t, transcript.Gemini, nil)
			feed(c, []byte(line), 0)
			if got := c.Stats().Raw; got < n {
				t.Errorf("%d are told", got)
			}
		})
	}
}

func TestTheEventsOfALineAreBounded(t *testing.T) {
	for _, line := range []string{strings.Repeat(`{}`, 200_000), "[" + strings.Repeat(`{},`, 200_000)} {
		c := converter(t, transcript.Gemini, nil)
		feed(c, []byte(line), 0)
		if got := c.Stats().Raw; got > 101_000 {
			t.Errorf("%d are told", got)
		}
	}
}

func TestADocumentOfAnyDepthIsFoundAtOnceOrInPieces(t *testing.T) {
	deep := strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000)
	events := convert(t, transcript.Gemini, "{\n\"type\":\"message\",\"role\":\"assistant\",\"content\":\"x\",\"more\":"+deep+"\n}\n")
	if len(events) != 1 {
		t.Errorf("%d events", len(events))
	}
}
