package find

import (
	"bytes"
	"unicode/utf8"

	"jrweb/eventlog/event"
)

// The line of a hit shows so many bytes before the first word, and is so long.
const (
	lineBefore = 60
	lineLength = 240
)

// Line is the line of text around the first word that is found, cut in pieces: every second
// piece is something that was searched for. A text without an end begins or ends with "…".
// Without words it is the beginning of the event's texts.
func (m *Matcher) Line(e *event.Event) []string {
	var shown []byte
	at := 0
	values(e.Data, func(raw []byte) bool {
		if len(m.q.words) == 0 {
			shown = appendShown(shown, raw)
			return len(shown) < lineLength
		}
		found := text{folded: true}
		folded := found.addValue(raw)
		first := -1
		for i := range m.q.words {
			if n := bytes.Index(folded, []byte(m.q.words[i].folded)); n >= 0 && (first < 0 || n < first) {
				first = n
			}
		}
		if first < 0 {
			return true
		}
		shown = appendShown(nil, raw)
		at = unfolded(shown, first)
		return false
	})
	return m.pieces(shown, at)
}

// appendShown adds a value as it is seen.
func appendShown(dst, raw []byte) []byte {
	if len(dst) > 0 {
		dst = append(dst, ' ')
	}
	t := text{bytes: dst}
	t.addValue(raw)
	return t.bytes[:len(t.bytes)-1]
}

// unfolded returns where a text is whose folded form has so many bytes before it.
func unfolded(shown []byte, folded int) int {
	at := 0
	for at < len(shown) && folded > 0 {
		r, size := utf8.DecodeRune(shown[at:])
		folded -= utf8.RuneLen(fold(r))
		at += size
	}
	return at
}

// pieces cuts out the line around a place, and marks all words in it.
func (m *Matcher) pieces(shown []byte, at int) []string {
	from := at
	for from > 0 && (at-from < lineBefore || !utf8.RuneStart(shown[from])) {
		from--
	}
	to := min(from+lineLength, len(shown))
	for to < len(shown) && !utf8.RuneStart(shown[to]) {
		to++
	}
	line := shown[from:to]
	t := text{folded: true}
	for _, r := range string(line) {
		t.add(r)
	}
	pieces := []string{""}
	if from > 0 {
		pieces[0] = "…"
	}
	last, done := 0, 0
	for done < len(t.bytes) {
		start, end := m.next(t.bytes, done)
		if start < 0 {
			break
		}
		a, b := unfolded(line, start), unfolded(line, end)
		pieces[len(pieces)-1] += string(line[last:a])
		pieces = append(pieces, string(line[a:b]), "")
		last, done = b, end
	}
	pieces[len(pieces)-1] += string(line[last:])
	if to < len(shown) {
		pieces[len(pieces)-1] += "…"
	}
	return pieces
}

// next returns where the next word is in a folded line, the longest of those that begin
// there.
func (m *Matcher) next(folded []byte, from int) (start, end int) {
	start = -1
	for i := range m.q.words {
		word := m.q.words[i].folded
		n := bytes.Index(folded[from:], []byte(word))
		if n < 0 {
			continue
		}
		if n += from; start < 0 || n < start || n == start && n+len(word) > end {
			start, end = n, n+len(word)
		}
	}
	return start, end
}
