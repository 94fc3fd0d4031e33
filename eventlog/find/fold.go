package find

import (
	"unicode"
	"unicode/utf8"
)

// Texts are compared folded: all letters that differ only in case are one letter, and blanks
// and control characters that follow each other are one blank.

// upper folds ASCII. The letters of the other alphabets are folded by fold.
var upper = func() (table [utf8.RuneSelf]byte) {
	for i := range table {
		table[i] = byte(fold(rune(i)))
	}
	return table
}()

// fold returns the least of the letters that differ from r only in case.
func fold(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z':
		return r - 'a' + 'A'
	case r < utf8.RuneSelf, 0x2e80 <= r && r <= 0xa63f, 0xac00 <= r && r <= 0xd7af: // the last two are East Asian, without case
		return r
	}
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}

func isBlank(r rune) bool { return r <= ' ' || r == 0x7f || r > 0x7f && unicode.IsSpace(r) }

// text grows by what is seen of texts: folded, or as it is.
type text struct {
	bytes  []byte
	folded bool
	start  int // of the value that is being added
}

// add adds a character.
func (t *text) add(r rune) {
	switch {
	case isBlank(r):
		if n := len(t.bytes); n == t.start || t.bytes[n-1] != ' ' {
			t.bytes = append(t.bytes, ' ')
		}
	case t.folded:
		t.bytes = utf8.AppendRune(t.bytes, fold(r))
	default:
		t.bytes = utf8.AppendRune(t.bytes, r)
	}
}

func foldText(s string) string {
	t := text{folded: true}
	for _, r := range s {
		t.add(r)
	}
	return string(t.bytes)
}

// others returns all letters that fold to a folded one.
func others(folded rune) []rune {
	all := []rune{folded}
	for r := unicode.SimpleFold(folded); r != folded; r = unicode.SimpleFold(r) {
		all = append(all, r)
	}
	return all
}
