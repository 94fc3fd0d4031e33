package find_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// The oracle finds words without any of the code of this package: it decodes everything, and
// compares character by character.

var colours = regexp.MustCompile(`\x1b\[[0-9:;?]*[A-Za-z]`)

// textsOf are the texts and numbers of JSON, as they are seen.
func textsOf(data []byte) (texts []string) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			text := seen(v)
			if runes := []rune(text); len(text) < 1000 || strings.ContainsRune(text[:min(len(text), 1000)], ' ') {
				texts = append(texts, string(runes))
			}
		case json.Number:
			texts = append(texts, v.String())
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			for _, one := range v {
				walk(one)
			}
		}
	}
	var all any
	if err := decoder.Decode(&all); err != nil {
		panic(err)
	}
	walk(all)
	return texts
}

func seen(text string) string {
	text = colours.ReplaceAllString(text, "")
	blank := func(r rune) bool { return r <= ' ' || r == 0x7f || unicode.IsSpace(r) }
	var b strings.Builder
	last := false
	for _, r := range text {
		if is := blank(r); !is {
			b.WriteRune(r)
			last = false
		} else if !last {
			b.WriteByte(' ')
			last = true
		}
	}
	return b.String()
}

// has reports whether one of the texts has a word, in any case.
func has(texts []string, word string) bool {
	wanted := []rune(strings.Trim(seen(word), " "))
	for _, text := range texts {
		runes := []rune(text)
		for i := 0; i+len(wanted) <= len(runes); i++ {
			if same(runes[i:i+len(wanted)], wanted) {
				return true
			}
		}
	}
	return false
}

func same(a, b []rune) bool {
	for i := range a {
		if !strings.EqualFold(string(a[i]), string(b[i])) {
			return false
		}
	}
	return true
}
