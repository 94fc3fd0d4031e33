package redact_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"jrweb/eventlog/redact"
)

// escaped writes the text as a JSON string in which any character may be escaped, even
// where JSON does not require it.
func escaped(t *rapid.T, text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case rapid.IntRange(0, 9).Draw(t, "escape") == 0:
			for _, unit := range units(c) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		case c == '/' && rapid.Bool().Draw(t, "slash"):
			b.WriteString(`\/`)
		default:
			one := quoted(string(c))
			b.WriteString(one[1 : len(one)-1])
		}
	}
	b.WriteByte('"')
	return b.String()
}

func units(c rune) []rune {
	if c < 0x10000 {
		return []rune{c}
	}
	c -= 0x10000
	return []rune{0xd800 + c>>10, 0xdc00 + c&0x3ff}
}

func TestNoKnownShapeSurvivesInAnyPlaceOrEscaping(t *testing.T) {
	m := redact.Middleware(nil)
	rules := redact.Rules()
	gap := rapid.SampledFrom([]string{"", " ", "\n", "\t", "\"", "'", "(", ", ", "é", "😀", "{\"a\": \"", "[redacted:jwt]", "see: "})
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.SampledFrom(rules).Draw(t, "rule")
		secret := secretOf(t, rule)
		// The text after the secret must not look like more of the secret, or like another
		// part of its shape.
		text := rapid.StringMatching(`([a-z é]{0,20}[ \n.])?`).Draw(t, "before") + gap.Draw(t, "gap") + rule.Example +
			rapid.SampledFrom([]string{"", "\n", " ", "\"", " and so on", "\" é 😀"}).Draw(t, "after")
		s := escaped(t, text)
		data := rapid.SampledFrom([]string{`{"content":%s}`, `{"args":{"x":[1,{"y":%s}]}}`, `{"args":{%s:null}}`, ` { "a" : 1.0 , "b" : %s } `}).Draw(t, "data")
		got := through(t, m, fmt.Sprintf(data, s))
		checkRedacted(t, got)
		decoded := decodedStrings(got)
		if strings.Contains(decoded, secret) {
			t.Fatalf("%s: %q is still in %s", rule.Name, secret, got)
		}
	})
}

func TestAnyJSONStaysJSON(t *testing.T) {
	m := redact.Middleware(nil)
	rules := redact.Rules()
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.OneOf(
			rapid.String(),
			rapid.SampledFrom([]string{"password=", "://a:", "@", "token: ", `\`, `"`, "[redacted:", "]", "[redacted:jwt]", "-----BEGIN PRIVATE KEY-----", "eyJ", "bearer ", "curl -u "}),
			rapid.Custom(func(t *rapid.T) string { return rapid.SampledFrom(rules).Draw(t, "rule").Example }),
		)
		text := strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "text"), "")
		key := rapid.SampledFrom([]string{"content", "password", "auth", text}).Draw(t, "key")
		data := fmt.Sprintf(`{%s:%s,"n":1.0}`, escaped(t, key), escaped(t, text))
		got := through(t, m, data)
		checkRedacted(t, got)
		if again := through(t, m, got); again != got {
			t.Fatalf("redacting again made\n%s of\n%s", again, got)
		}
		if !strings.Contains(decodedStrings(got), "[redacted:") && got != data {
			t.Fatalf("nothing was redacted, yet\n%s became\n%s", data, got)
		}
	})
}

func FuzzMiddleware(f *testing.F) {
	for _, rule := range redact.Rules() {
		f.Add(content(rule.Example))
	}
	f.Add(`{"password":"\ud83d\ude00\ud83dx1"}`)
	f.Add(`{"a":"\`)
	f.Add(`"password":"hunter2"`)
	m := redact.Middleware(nil)
	f.Fuzz(func(t *testing.T, data string) {
		got := through(t, m, data)
		if !json.Valid([]byte(data)) || !utf8.ValidString(data) {
			if got != data {
				t.Fatalf("%q is not JSON, yet became %q", data, got)
			}
			return
		}
		checkRedacted(t, got)
		if again := through(t, m, got); again != got {
			t.Fatalf("redacting again made %q of %q", again, got)
		}
	})
}

func checkRedacted(t fataler, got string) {
	if !json.Valid([]byte(got)) || !utf8.ValidString(got) {
		t.Fatalf("not JSON in UTF-8 any more: %q", got)
	}
}

// decodedStrings returns all of the data's strings, decoded.
func decodedStrings(data string) string {
	var b strings.Builder
	d := json.NewDecoder(strings.NewReader(data))
	for {
		token, err := d.Token()
		if err != nil {
			return b.String()
		}
		if s, ok := token.(string); ok {
			b.WriteString(s)
			b.WriteByte('\n')
		}
	}
}
