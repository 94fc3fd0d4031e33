package find

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// word is a word or a phrase, folded. Its anchor is the character of it that is likely to be
// the rarest one. Events without the anchor are passed over at the speed of memory.
type word struct {
	folded string

	anchor rune
	raws   [][]byte // the anchor's letters in UTF-8, but not in escapes
	part   string   // the part of the word, up to blanks, that has the anchor
	at     int      // where the anchor is in part
}

// rare are the ASCII characters that an event either has as they are or as \u00…, the rarest
// in programs and in English first. K and S are not among them: letters that are not ASCII
// fold to them.
const rare = "ZJQX@~^$#%|VWYB!?&*+<>=;'`HGPMFUDCLONIRATE" + "9876543210" + "(){}[]_,-.:"

func newWord(folded string) word {
	w := word{folded: folded}
	best := len(rare) + 4
	for start, part := 0, ""; start < len(folded); start += len(part) + 1 {
		part, _, _ = strings.Cut(folded[start:], " ")
		for at, r := range part {
			rank := strings.IndexRune(rare, r)
			switch {
			case rank >= 0:
			case r >= utf8.RuneSelf:
				rank = len(rare)
			case r == 'K', r == 'S':
				rank = len(rare) + 1
			default:
				rank = len(rare) + 2
			}
			if rank < best {
				best = rank
				w.anchor, w.part, w.at = r, part, at
			}
		}
	}
	for _, r := range others(w.anchor) {
		w.raws = append(w.raws, utf8.AppendRune(nil, r))
	}
	return w
}

// may reports whether data may have the word.
func (w *word) may(data []byte) bool {
	for _, raw := range w.raws {
		for i := 0; ; i++ {
			n := index(data[i:], raw)
			if n < 0 {
				break
			}
			if i += n; len(raw) > 1 || w.around(data, i) {
				return true
			}
		}
	}
	// Few write letters as escapes. But who does must be found.
	for i := 0; ; {
		n := bytes.IndexByte(data[i:], '\\')
		if n < 0 || i+n+1 >= len(data) {
			return false
		}
		i += n
		if data[i+1] == 'u' {
			if r, _ := unescape(data[i:]); fold(r) == w.anchor {
				return true
			}
		}
		i += 2
	}
}

func index(data, raw []byte) int {
	if len(raw) == 1 {
		return bytes.IndexByte(data, raw[0])
	}
	return bytes.Index(data, raw)
}

// around reports whether the part of the word may stand around the anchor at i, which is
// ASCII. What it cannot tell without decoding, may be.
func (w *word) around(data []byte, i int) bool {
	end, unsure := w.ahead(data, i+1)
	switch {
	case unsure:
		return true
	case end < 0:
		return false
	case !w.behind(data, i-1):
		return false
	}
	// The name of a field is not searched.
	for end < len(data) && (isLetter(data[end]) || data[end] == '_') {
		end++
	}
	return end+1 >= len(data) || data[end] != '"' || data[end+1] != ':'
}

// ahead compares what follows the anchor. It returns the end, or -1 if that is something
// else.
func (w *word) ahead(data []byte, i int) (end int, unsure bool) {
	for at := w.at + 1; at < len(w.part); at++ {
		want := w.part[at]
		switch {
		case want >= utf8.RuneSelf:
			return 0, true
		case i >= len(data):
			return -1, false
		case data[i] >= utf8.RuneSelf:
			return -1, want == 'K' || want == 'S'
		case data[i] == '\\' && i+1 < len(data):
			if data[i+1] == 'u' {
				return 0, true
			}
			if i++; data[i] != want || isLetter(want) { // \n is a blank and no N
				return -1, false
			}
		case upper[data[i]] != want:
			return -1, false
		}
		i++
	}
	return i, false
}

// behind compares what is before the anchor.
func (w *word) behind(data []byte, i int) bool {
	for at := w.at - 1; at >= 0; at-- {
		want := w.part[at]
		switch {
		case want >= utf8.RuneSelf, want == '"', want == '\\', want == '/':
			return true
		case i < 0:
			return false
		case data[i] >= utf8.RuneSelf:
			return want == 'K' || want == 'S'
		case upper[data[i]] != want:
			return endsEscape(data[:i+1])
		}
		i--
	}
	return true
}

// endsEscape reports whether data may end with an escape of a letter or of a colour.
func endsEscape(data []byte) bool {
	const most = 64 // parameters of a colour, of which most have fewer than 10
	n := len(data)
	if n >= 6 && data[n-6] == '\\' && data[n-5] == 'u' {
		return true
	}
	if !isLetter(data[n-1]) {
		return false
	}
	i := n - 2
	for i >= 0 && isParameter(data[i]) {
		if i--; n-i > most {
			return true
		}
	}
	return i >= 6 && data[i] == '[' && data[i-6] == '\\' && data[i-5] == 'u'
}
