package find

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// values calls do for each text and each number in JSON, as long as it returns true: for
// texts with what is between the quotes. It calls it for no name of a field.
func values(data []byte, do func(raw []byte) bool) {
	for i := 0; i < len(data); {
		switch c := data[i]; {
		case c == '"':
			end := stringEnd(data, i+1)
			next := end + 1
			if (next >= len(data) || data[next] != ':') && !do(data[i+1:min(end, len(data))]) {
				return
			}
			i = next
		case c == '-' || '0' <= c && c <= '9':
			end := i + 1
			for end < len(data) && bytes.IndexByte([]byte(",]}"), data[end]) < 0 {
				end++
			}
			if !do(data[i:end]) {
				return
			}
			i = end
		default:
			i++
		}
	}
}

// stringEnd returns where the quote is that ends a string.
func stringEnd(data []byte, from int) int {
	for i := from; i < len(data); {
		n := bytes.IndexByte(data[i:], '"')
		if n < 0 {
			break
		}
		i += n
		slashes := 0
		for i-1-slashes >= from && data[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
		i++
	}
	return len(data)
}

// addRaw adds what stands between the quotes of a string of JSON.
func (t *text) addRaw(raw []byte) {
	t.start = len(t.bytes)
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '\\' && i+1 < len(raw):
			r, size := unescape(raw[i:])
			i += size
			if n := colour(raw[i:]); r == escape && n > 0 {
				i += n
				continue
			}
			t.add(r)
		case c > ' ' && c < 0x7f:
			if t.folded {
				c = upper[c]
			}
			t.bytes = append(t.bytes, c)
			i++
		default:
			r, size := utf8.DecodeRune(raw[i:])
			t.add(r)
			i += size
		}
	}
}

// unescape returns the character of an escape, and the size of the escape.
func unescape(raw []byte) (rune, int) {
	switch raw[1] {
	case 'b', 'f', 'n', 'r', 't':
		return ' ', 2
	case 'u':
	default:
		return rune(raw[1]), 2
	}
	r := hex4(raw[2:])
	if !utf16.IsSurrogate(r) {
		return r, min(6, len(raw))
	}
	if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
		if whole := utf16.DecodeRune(r, hex4(raw[8:])); whole != utf8.RuneError {
			return whole, 12
		}
	}
	return utf8.RuneError, min(6, len(raw))
}

// hex4 reads four hexadecimal digits.
func hex4(raw []byte) (r rune) {
	if len(raw) < 4 {
		return utf8.RuneError
	}
	for _, c := range raw[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return utf8.RuneError
		}
		r = r<<4 | rune(c)
	}
	return r
}

// escape begins what a terminal does not show. In JSON it is always \u001b.
const escape = 0x1b

// colour returns the size of what changes the colours of a terminal, or moves its cursor,
// behind an escape. It is 0 if something else stands there.
func colour(raw []byte) int {
	if len(raw) == 0 || raw[0] != '[' {
		return 0
	}
	n := 1
	for n < len(raw) && n <= mostParameters && isParameter(raw[n]) {
		n++
	}
	if n == len(raw) || !isLetter(raw[n]) {
		return 0
	}
	return n + 1
}

const (
	// mostParameters is how many characters stand in the middle of a colour at most.
	mostParameters = 32
	longestColour  = len(`\u001b[`) + mostParameters + 1
)

func isParameter(c byte) bool { return '0' <= c && c <= '?' && c != '<' && c != '=' && c != '>' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
