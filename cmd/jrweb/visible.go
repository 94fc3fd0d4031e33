package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible makes text that an agent or a user wrote safe for a terminal: control
// characters, which could move the cursor, set the window's title or worse, are
// shown as escapes, and so are the characters that reverse the direction of
// writing. Line breaks and tabs stay.
func visible(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if strings.IndexFunc(text, hidden) < 0 && utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && strings.HasPrefix(text[i:], "\ufffd"), !hidden(r) && r != utf8.RuneError:
			out.WriteRune(r)
		case r == utf8.RuneError:
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case r == '\r':
			out.WriteString(`\r`)
		case r < 0x100:
			fmt.Fprintf(&out, `\x%02x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// hidden reports whether a terminal would do something else with r than show it.
func hidden(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r == '\u2028', r == '\u2029':
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// visibleLine is visible in one line, with runs of white space as one space.
func visibleLine(text string) string { return visible(strings.Join(strings.Fields(text), " ")) }

// visibleJSON makes JSON safe for a terminal and leaves its meaning alone: what
// is hidden can only stand in a string, where an escape says the same.
func visibleJSON(text []byte) []byte {
	if strings.IndexFunc(string(text), hidden) < 0 {
		return text
	}
	var out []byte
	for _, r := range string(text) {
		if hidden(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// clip cuts text after n characters.
func clip(text string, n int) string {
	seen := 0
	for i := range text {
		if seen == n {
			return text[:i] + "…"
		}
		seen++
	}
	return text
}
