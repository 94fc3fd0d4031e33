package find

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// word is a word or a phrase, folded. Events that cannot have it are passed over at nearly the
// speed of memory: by two ASCII characters of it that follow each other, its pair, or if it
// has none, by one character, its anchor.
type word struct {
	written string
	folded  string
	part    string // the part of the word, up to blanks, in which the pair or the anchor is
	at      int    // where in part
	rank    int    // how frequent it is likely to be

	paired bool
	pair   pair
	also   [][]byte // letters that are not ASCII and fold to one of the pair

	anchor rune
	raws   [][]byte // the anchor's letters in UTF-8, but not in escapes
}

// rare are the ASCII characters that an event has as they are or as \u00…, the rarest in
// programs and in English first.
const rare = "ZJQX@~^$#%|VWYKB!?&*+<>=;'`HGPMFUDCLSONIRATE" + "9876543210" + "(){}[]_,-.:"

func newWord(folded string) word {
	w := word{folded: folded, rank: 4 * len(rare)}
	for start, part := 0, ""; start < len(folded); start += len(part) + 1 {
		part, _, _ = strings.Cut(folded[start:], " ")
		for at, r := range part {
			if at+1 == len(part) || !strings.ContainsRune(rare, r) {
				continue
			}
			next := strings.IndexByte(rare, part[at+1])
			if rank := strings.IndexRune(rare, r) + next; next >= 0 && rank < w.rank {
				w.part, w.at, w.rank, w.paired = part, at, rank, true
			}
		}
	}
	if w.paired {
		w.setPair()
	} else {
		w.setAnchor()
	}
	return w
}

// setAnchor chooses the anchor. An escape may stand for what is not rare.
func (w *word) setAnchor() {
	best := len(rare) + 2
	for start, part := 0, ""; start < len(w.folded); start += len(part) + 1 {
		part, _, _ = strings.Cut(w.folded[start:], " ")
		for at, r := range part {
			rank := strings.IndexRune(rare, r)
			switch {
			case rank >= 0:
			case r >= utf8.RuneSelf:
				rank = len(rare)
			default:
				rank = len(rare) + 1
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
}

// may reports whether data may have the word.
func (w *word) may(data []byte) bool {
	if w.paired {
		return w.mayPaired(data)
	}
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
	// Few write letters as escapes. But such letters must be found too.
	for i := nextEscape(data, 0); i >= 0; i = nextEscape(data, i+1) {
		if r, _ := unescape(data[i:]); fold(r) == w.anchor {
			return true
		}
	}
	return false
}

// nextEscape returns where the next \u is.
func nextEscape(data []byte, i int) int {
	for ; i+9 <= len(data); i += 8 {
		nine := data[i : i+9 : i+9]
		escaped := binary.LittleEndian.Uint64(nine) ^ '\\'*ones | binary.LittleEndian.Uint64(nine[1:]) ^ 'u'*ones
		if zero := (escaped - ones) &^ escaped & highs; zero != 0 {
			return i + bits.TrailingZeros64(zero)/8
		}
	}
	n := bytes.Index(data[min(i, len(data)):], escapeStart)
	if n < 0 {
		return -1
	}
	return i + n
}

func index(data, raw []byte) int {
	if len(raw) == 1 {
		return bytes.IndexByte(data, raw[0])
	}
	return bytes.Index(data, raw)
}

// pair are two characters, eight times each, as they stand in eight bytes that are read
// at once. Letters are in lower case, which blank makes of both cases.
type pair struct {
	first, second           uint64
	blankFirst, blankSecond uint64
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

func (w *word) setPair() {
	eight := func(folded byte) (value, blank uint64) {
		if isLetter(folded) {
			return uint64(folded|' ') * ones, ' ' * ones
		}
		return uint64(folded) * ones, 0
	}
	for _, folded := range []byte{w.part[w.at], w.part[w.at+1]} {
		for _, r := range others(rune(folded)) {
			if r >= utf8.RuneSelf {
				w.also = append(w.also, utf8.AppendRune(nil, r))
			}
		}
	}
	w.pair.first, w.pair.blankFirst = eight(w.part[w.at])
	w.pair.second, w.pair.blankSecond = eight(w.part[w.at+1])
}

// mayPaired looks for the pair, and for \u, at eight places at once.
func (w *word) mayPaired(data []byte) bool {
	p := w.pair
	i := 0
	for ; i+9 <= len(data); i += 8 {
		nine := data[i : i+9 : i+9]
		a := binary.LittleEndian.Uint64(nine)
		b := binary.LittleEndian.Uint64(nine[1:])
		// A byte of these is zero where there is a pair, and where there is an escape.
		is := (a | p.blankFirst) ^ p.first | (b | p.blankSecond) ^ p.second
		escaped := a ^ '\\'*ones | b ^ 'u'*ones
		for zero := ((is-ones)&^is | (escaped-ones)&^escaped) & highs; zero != 0; zero &= zero - 1 {
			if w.near(data, i+bits.TrailingZeros64(zero)/8) {
				return true
			}
		}
	}
	for ; i+2 <= len(data); i++ {
		if w.near(data, i) {
			return true
		}
	}
	for _, raw := range w.also {
		if bytes.Contains(data, raw) {
			return true
		}
	}
	return false
}

// near reports whether the word may have its pair at i.
func (w *word) near(data []byte, i int) bool {
	a, b := data[i], data[i+1]
	first, second := w.part[w.at], w.part[w.at+1]
	switch {
	case a == '\\' && b == 'u':
		return w.escapes(data[i:], rune(first), rune(second))
	case a < utf8.RuneSelf && b < utf8.RuneSelf && upper[a] == first && upper[b] == second:
		return w.around(data, i)
	}
	return false
}

// escapes reports whether the escape at the beginning of data may be one of the pair, or
// between the two.
func (w *word) escapes(data []byte, first, second rune) bool {
	r, size := unescape(data)
	if r != escape {
		r = fold(r)
		return r == first || r == second
	}
	n := colour(data[size:])
	if n == 0 || size+n >= len(data) {
		return false
	}
	next := data[size+n]
	return next == '\\' || next < utf8.RuneSelf && rune(upper[next]) == second
}

// around reports whether the part of the word may stand around i, where its anchor or its
// pair is. What it cannot tell without decoding, may be.
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

// ahead compares what follows the place. It returns the end, or -1 if that is something else.
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

// behind compares what is before the place.
func (w *word) behind(data []byte, i int) bool {
	place := i + 1
	for at := w.at - 1; at >= 0; at-- {
		want := w.part[at]
		switch {
		case want >= utf8.RuneSelf, want == '"', want == '\\', want == '/':
			return true
		case i < 0:
			return false
		case data[i] >= utf8.RuneSelf && (want == 'K' || want == 'S'):
			return true
		case data[i] >= utf8.RuneSelf, upper[data[i]] != want:
			// Unless something that was compared is the end of an escape, or of a colour.
			return bytes.Contains(data[max(0, i-longestColour):place], escapeStart)
		}
		i--
	}
	return true
}

var escapeStart = []byte(`\u`)
