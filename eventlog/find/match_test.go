package find_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"

	"pgregory.net/rapid"

	"jrweb/eventlog/event"
	"jrweb/eventlog/find"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func query(t interface {
	Helper()
	Fatal(...any)
}, text string) *find.Query {
	t.Helper()
	q, err := find.Parse(text, now)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func finds(t *testing.T, text, data string) bool {
	t.Helper()
	m := find.NewMatcher(query(t, text))
	e := event.Event{Type: "assistant", Data: []byte(data), Time: now}
	match := m.Match(&e)
	if match && !m.May(e.Data) {
		t.Errorf("%s: the fast look says no to %s", text, data)
	}
	return match
}

func TestWordsAreFoundAsTheyAreSeen(t *testing.T) {
	for name, test := range map[string]struct {
		query, data string
		want        bool
	}{
		"a word":                       {`refused`, `{"content":"connection refused"}`, true},
		"in another case":              {`REFUSED`, `{"content":"connection reFused"}`, true},
		"in the middle of another":     {`fuse`, `{"content":"connection refused"}`, true},
		"all words must be there":      {`refused timeout`, `{"content":"connection refused"}`, false},
		"in several fields":            {`bash ls`, `{"tool":"bash","args":{"command":"ls"}}`, true},
		"a phrase":                     {`"connection refused"`, `{"content":"connection refused"}`, true},
		"a phrase over a line's end":   {`"connection refused"`, `{"content":"connection\n   refused"}`, true},
		"no phrase over two fields":    {`"bash ls"`, `{"tool":"bash","command":"ls"}`, false},
		"an escaped letter":            {`café`, `{"content":"caf\u00e9"}`, true},
		"an escaped capital":           {`CAFÉ`, `{"content":"caf\u00e9"}`, true},
		"an escaped ASCII letter":      {`zebra`, `{"content":"\u007aebra"}`, true},
		"escaped in its middle":        {`zebra`, `{"content":"ze\u0062ra"}`, true},
		"a quote":                      {`"say \"hi\""`, `{"content":"say \"hi\""}`, true},
		"a backslash":                  {`C:\temp`, `{"content":"C:\\temp"}`, true},
		"a slash":                      {`a/b`, `{"content":"a\/b"}`, true},
		"a surrogate pair":             {`😀`, `{"content":"\ud83d\ude00"}`, true},
		"n is no line's end":           {`nfoo`, `{"content":"a\nfoo"}`, false},
		"no name of a field":           {`content`, `{"content":"x"}`, false},
		"nor its beginning":            {`call`, `{"call_id":"x"}`, false},
		"but a value like one":         {`content`, `{"content":"the content"}`, true},
		"a number":                     {`1234`, `{"line":1234.5}`, true},
		"not a word of JSON":           {`true`, `{"success":true}`, false},
		"coloured in its middle":       {`error`, `{"output":"e\u001b[31mrr\u001b[0mor"}`, true},
		"the Kelvin sign":              {`kelvin`, `{"content":"\u212aELVIN"}`, true},
		"the Kelvin sign as it is":     {`kelvin`, `{"content":"KELVIN"}`, true},
		"a long s":                     {`less`, `{"content":"leſs"}`, true},
		"a sharp s is no double s":     {`strasse`, `{"content":"straße"}`, false},
		"sigma at the end of a word":   {`ΣΟΦΟΣ`, `{"content":"σοφος"}`, true},
		"a non-breaking blank":         {`"a b"`, "{\"content\":\"a\u00a0b\"}", true},
		"a wall of base64":             {`abcabc`, `{"data":"` + strings.Repeat("abc", 1000) + `"}`, false},
		"a long text":                  {`needle`, `{"data":"` + strings.Repeat("hay ", 1000) + `needle"}`, true},
		"a web address is a word":      {`http://a.example`, `{"content":"see http://a.example"}`, true},
		"so is a name with two colons": {`std::move`, `{"content":"std::move"}`, true},
		"and a place in a file":        {`main.go:12`, `{"content":"main.go:12"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := finds(t, test.query, test.data); got != test.want {
				t.Errorf("%s in %s: %v", test.query, test.data, got)
			}
		})
	}
}

// jsonText draws a text, and one of the ways to write it in JSON.
func jsonText(t *rapid.T, label string) (text, encoded string) {
	alphabet := []rune(`abzKkSsſKéÉßẞΣσς日😀"\/ ` + "\n\t\u00a0<9_:")
	var b, raw strings.Builder
	for range rapid.IntRange(0, 12).Draw(t, label) {
		if rapid.IntRange(0, 9).Draw(t, "colour") == 0 {
			b.WriteString("\x1b[1;31m")
			raw.WriteString(`\u001b[1;31m`)
			continue
		}
		r := rapid.SampledFrom(alphabet).Draw(t, "rune")
		b.WriteRune(r)
		raw.WriteString(encodeRune(r, rapid.IntRange(0, 4).Draw(t, "how")))
	}
	return b.String(), raw.String()
}

func encodeRune(r rune, how int) string {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\t': `\t`}
	switch {
	case how == 0 && r > 0xffff:
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04X`, high, low)
	case how == 0:
		return fmt.Sprintf(`\u%04x`, r)
	case how == 1 && r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	case how == 2 && r == '/':
		return `\/`
	case short[r] != "":
		return short[r]
	}
	return string(r)
}

// The search finds what the oracle finds, whatever is written however, and its fast look
// never says no to what is found.
func TestSearchFindsWhatAnOracleFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fields []string
		var texts []string
		for i := range rapid.IntRange(1, 3).Draw(t, "fields") {
			text, encoded := jsonText(t, "length")
			texts = append(texts, text)
			fields = append(fields, fmt.Sprintf(`"%s%d":"%s"`, rapid.SampledFrom([]string{"a", "zk", "content"}).Draw(t, "name"), i, encoded))
		}
		data := []byte("{" + strings.Join(append(fields, `"n":-99.5`), ",") + "}")
		for range 5 {
			word := drawWord(t, texts)
			if strings.Trim(seen(word), " ") == "" {
				continue
			}
			m := find.NewMatcher(query(t, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word)+`"`))
			e := event.Event{Type: "assistant", Data: data, Time: now}
			got, want := m.Match(&e), has(textsOf(data), word)
			if got != want {
				t.Fatalf("%q in %s: %v, want %v", word, data, got, want)
			}
			if want && !m.May(data) {
				t.Fatalf("the fast look says no to %q in %s", word, data)
			}
			if line := m.Line(&e); want && (len(line) < 3 || !has([]string{seen(line[1])}, word)) {
				t.Fatalf("%q is not marked in %q of %s", word, line, data)
			}
		}
	})
}

// drawWord draws a part of a text, in any case, or something else.
func drawWord(t *rapid.T, texts []string) string {
	runes := []rune(seen(rapid.SampledFrom(texts).Draw(t, "text")))
	if len(runes) == 0 || rapid.IntRange(0, 3).Draw(t, "other") == 0 {
		word, _ := jsonText(t, "word")
		return colours.ReplaceAllString(word, "") // nobody types colours
	}
	from := rapid.IntRange(0, len(runes)-1).Draw(t, "from")
	to := rapid.IntRange(from+1, len(runes)).Draw(t, "to")
	word := slices.Clone(runes[from:to])
	for i := range word {
		for range rapid.IntRange(0, 2).Draw(t, "fold") {
			word[i] = unicode.SimpleFold(word[i])
		}
	}
	return string(word)
}

func TestALineShowsWhereAWordIs(t *testing.T) {
	long := strings.Repeat("hay ", 100)
	for name, test := range map[string]struct {
		query, data string
		want        []string
	}{
		"all of a short text":    {`fox`, `{"content":"the quick\nfox jumps"}`, []string{"the quick ", "fox", " jumps"}},
		"all words":              {`fox the`, `{"content":"The fox, the hen"}`, []string{"", "The", " ", "fox", ", ", "the", " hen"}},
		"the text with the word": {`two`, `{"a":"one","b":"two"}`, []string{"", "two", ""}},
		"without words":          {`type:assistant`, `{"a":"one","b":["two",3]}`, []string{"one two 3"}},
		"without colours":        {`two`, `{"a":"one\u001b[31m two"}`, []string{"one ", "two", ""}},
		"around a word": {`needle`, `{"a":"` + long + `needle ` + long + `"}`, []string{
			"…" + long[:60], "needle", " " + long[:173] + "…"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := find.NewMatcher(query(t, test.query))
			got := m.Line(&event.Event{Type: "assistant", Data: []byte(test.data), Time: now})
			if !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestLettersThatDifferInCaseAreOne(t *testing.T) {
	for r := range rune(unicode.MaxRune) {
		other := unicode.SimpleFold(r)
		if other == r || r >= 0xd800 && r < 0xe000 {
			continue
		}
		if !finds(t, string(r), `{"x":"`+string(other)+`"}`) {
			t.Errorf("%c does not find %c", r, other)
		}
	}
}
