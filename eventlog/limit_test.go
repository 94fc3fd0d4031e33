package eventlog_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"jrweb/eventlog"
)

// limited returns the data as LimitStrings hands it on.
func limited(limit int, data string) string {
	var got []byte
	m := eventlog.LimitStrings(limit)(func(_ context.Context, b *eventlog.Batch) (eventlog.Appended, error) {
		got = b.Events[0].Data
		return eventlog.Appended{}, nil
	})
	given := []byte(data)
	if _, err := m(context.Background(), &eventlog.Batch{Events: []eventlog.Event{{Data: given}}}); err != nil {
		panic(err)
	}
	if string(given) != data {
		panic("the caller's data was changed")
	}
	return string(got)
}

// entry is what truncated says of a text.
func entry(key, text string) string {
	return fmt.Sprintf(`"%s":{"bytes":%d,"sha256":"%x"}`, key, len(text), sha256.Sum256([]byte(text)))
}

func TestLimitStringsCutsAndSaysSo(t *testing.T) {
	const long = "0123456789abcdef"
	replaced := long + "\ufffd"
	for _, c := range []struct{ name, data, want string }{
		{"what is short stays", `{"output": "0123456789", "n":1e3}`, `{"output": "0123456789", "n":1e3}`},
		{"a long output", `{"tool":"x","success":true,"output":"` + long + `","n":1.0}`,
			`{"tool":"x","success":true,"output":"0123456789","n":1.0,"truncated":{` + entry("output", long) + `}}`},
		{"two texts", `{"content":"` + long + `","output":"` + long + long + `"}`,
			`{"content":"0123456789","output":"0123456789","truncated":{` + entry("content", long) + `,` + entry("output", long+long) + `}}`},
		{"a field of any other name", `{"stderr":"` + long + `"}`, `{"stderr":"0123456789","truncated":{` + entry("stderr", long) + `}}`},
		{"white space stays", "{ \"a\" : \"" + long + "\" , \"b\" : [ ] }\n", "{ \"a\" : \"0123456789\" , \"b\" : [ ] ,\"truncated\":{" + entry("a", long) + "}}\n"},
		{"not inside a UTF-8 sequence", `{"a":"012345678é0"}`, `{"a":"012345678","truncated":{` + entry("a", "012345678é0") + `}}`},
		{"not inside a surrogate pair", `{"a":"0123456\ud83d\ude00"}`, `{"a":"0123456","truncated":{` + entry("a", "0123456😀") + `}}`},
		{"a surrogate pair that fits", `{"a":"012345\ud83d\ude00x"}`, `{"a":"012345\ud83d\ude00","truncated":{` + entry("a", "012345😀x") + `}}`},
		{"half a surrogate pair is U+FFFD", `{"a":"` + long + `\ud83d"}`, `{"a":"0123456789","truncated":{` + entry("a", replaced) + `}}`},
		{"two first halves of pairs are two characters", `{"a":"01234\ud83d\ud83d\ude00"}`, `{"a":"01234\ud83d","truncated":{` + entry("a", "01234\ufffd😀") + `}}`},
		{"escapes count as what they mean, and stay", `{"a":"\n\u00e9\/345678901"}`, `{"a":"\n\u00e9\/345678","truncated":{` + entry("a", "\né/345678901") + `}}`},
		{"a key's escapes stay", `{"\u006futput":"` + long + `"}`, `{"\u006futput":"0123456789","truncated":{"\u006futput"` + strings.TrimPrefix(entry("a", long), `"a"`) + `}}`},
		{"names are left", `{"tool":"` + long + `","call_id":"` + long + `","args":{}}`, `{"tool":"` + long + `","call_id":"` + long + `","args":{}}`},
		{"what is not directly in the data is left", `{"args":{"a":"` + long + `"},"b":["` + long + `"]}`, `{"args":{"a":"` + long + `"},"b":["` + long + `"]}`},
		{"an earlier truncated is kept and added to", `{"truncated":{"x":1},"a":"` + long + `"}`, `{"truncated":{"x":1,` + entry("a", long) + `},"a":"0123456789"}`},
		{"an earlier truncated after the text", `{"a":"` + long + `","truncated":{ }}`, `{"a":"0123456789","truncated":{ ` + entry("a", long) + `}}`},
		{"an earlier truncated between texts", `{"a":"` + long + `","truncated":{},"b":"` + long + `"}`,
			`{"a":"0123456789","truncated":{` + entry("a", long) + `,` + entry("b", long) + `},"b":"0123456789"}`},
		{"the first text that was cut is the one that is told of", `{"a":"` + long + `","truncated":{"a":{"bytes":99}}}`, `{"a":"0123456789","truncated":{"a":{"bytes":99}}}`},
		{"a truncated that is no object is replaced", `{"truncated":true,"a":"` + long + `"}`, `{"truncated":{` + entry("a", long) + `},"a":"0123456789"}`},
		{"a truncated that is no object stays if nothing is cut", `{"truncated":"` + long + `"}`, `{"truncated":"` + long + `"}`},
		{"what is no object is left", `["` + long + `"]`, `["` + long + `"]`},
		{"what is not JSON is left", `{"a":"` + long + `",}`, `{"a":"` + long + `",}`},
		{"what is not UTF-8 is left", "{\"a\":\"" + long + "\xff\"}", "{\"a\":\"" + long + "\xff\"}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := limited(10, c.data)
			if got != c.want {
				t.Errorf("%s\nbecame %s\nwant   %s", c.data, got, c.want)
			}
			if again := limited(10, got); again != got {
				t.Errorf("limiting again made %s of %s", again, got)
			}
		})
	}
}

func TestLimitStringsNeedsALimit(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	eventlog.LimitStrings(0)
}

func TestTheLogTakesWhatLimitStringsMakes(t *testing.T) {
	f := inMemory(t, &eventlog.Options{MaxEventBytes: 1000, Middleware: []eventlog.Middleware{eventlog.LimitStrings(100)}})
	s := f.start("t-1")
	long := strings.Repeat("x", 5000)
	f.append(s, says(long))
	f.append(s, event(eventlog.TypeToolResult, `{"tool":"t","success":true,"output":"`+long+`"}`))
	wantSlice(t, "contents", f.contents(s)[:1], []string{long[:100]})
	_, err := s.Append(t.Context(), event(eventlog.TypeToolCall, `{"tool":"t","args":{"a":"`+long+`"}}`))
	wantErr(t, "args over the event's limit", err, eventlog.ErrTooLarge)
	f.ok(s.Complete(t.Context(), eventlog.Failed, long))
}

func TestLimitStringsKeepsABeginningOfAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		var b strings.Builder
		for _, c := range text {
			if c < ' ' || c == '"' || c == '\\' || rapid.Bool().Draw(t, "escape") {
				for _, unit := range utf16Units(c) {
					fmt.Fprintf(&b, `\u%04X`, unit)
				}
			} else {
				b.WriteRune(c)
			}
		}
		data := `{"n":1.0,"a":"` + b.String() + `","z":[ ]}`
		got := limited(limit, data)
		if !json.Valid([]byte(got)) || !utf8.ValidString(got) {
			t.Fatalf("%s became %q", data, got)
		}
		if again := limited(limit, got); again != got {
			t.Fatalf("limiting again made %s of %s", again, got)
		}
		if len(text) <= limit {
			if got != data {
				t.Fatalf("%s became %s", data, got)
			}
			return
		}
		var read struct {
			A         string
			Truncated struct {
				A struct {
					Bytes  int
					SHA256 string
				}
			}
		}
		if err := json.Unmarshal([]byte(got), &read); err != nil {
			t.Fatal(err)
		}
		kept := 0
		for i, c := range text {
			if i+utf8.RuneLen(c) <= limit {
				kept = i + utf8.RuneLen(c)
			}
		}
		if read.A != text[:kept] {
			t.Fatalf("%q of %q was kept, want %q", read.A, text, text[:kept])
		}
		if want := fmt.Sprintf("%x", sha256.Sum256([]byte(text))); read.Truncated.A.Bytes != len(text) || read.Truncated.A.SHA256 != want {
			t.Fatalf("truncated says %+v", read.Truncated)
		}
		if !strings.HasPrefix(got, `{"n":1.0,"a":"`) || !strings.Contains(got, `","z":[ ],"truncated":{`) {
			t.Fatalf("%s became %s", data, got)
		}
	})
}

func utf16Units(c rune) []rune {
	if c < 0x10000 {
		return []rune{c}
	}
	c -= 0x10000
	return []rune{0xd800 + c>>10, 0xdc00 + c&0x3ff}
}

func FuzzLimitStrings(f *testing.F) {
	f.Add(`{"a":"0123456789\ud83d\ude00"}`, 11)
	f.Add(`{"a":"aaaa","truncated":{"a":{}},"a":"bbbb"}`, 1)
	f.Add(`{"truncated":{},"truncated":1,"b":"cccc"}`, 2)
	f.Add(`{"a":"\`, 1)
	f.Fuzz(func(t *testing.T, data string, limit int) {
		if limit < 1 {
			return
		}
		got := limited(limit, data)
		if !json.Valid([]byte(data)) || !utf8.ValidString(data) {
			if got != data {
				t.Fatalf("%q is not JSON, yet became %q", data, got)
			}
			return
		}
		if !json.Valid([]byte(got)) || !utf8.ValidString(got) {
			t.Fatalf("%q became %q", data, got)
		}
		if again := limited(limit, got); again != got {
			t.Fatalf("limiting again made %q of %q", again, got)
		}
	})
}

func ExampleLimitStrings() {
	show := func(_ context.Context, b *eventlog.Batch) (eventlog.Appended, error) {
		fmt.Printf("%s\n", b.Events[0].Data)
		return eventlog.Appended{}, nil
	}
	b := &eventlog.Batch{Events: []eventlog.Event{{
		Type: eventlog.TypeToolResult,
		Data: []byte(`{"tool":"sh","success":true,"output":"one\ntwo\nthree\n"}`),
	}}}
	if _, err := eventlog.LimitStrings(8)(show)(context.Background(), b); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"tool":"sh","success":true,"output":"one\ntwo\n","truncated":{"output":{"bytes":14,"sha256":"b6285c57e8797db5d4c51c80d6f11938afda9b11c6a003549709189e9b4b92a2"}}}
}
