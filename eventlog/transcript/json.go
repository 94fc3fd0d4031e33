package transcript

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// What is here reads JSON in one pass and copies nothing: package encoding/json reads
// each value twice and copies it, which is most of the time that a conversion takes.
// It takes the same texts as that package, except that depth is not limited.

// member says where the name of a member, with its quotes, and its value stand.
type member struct{ name, nameEnd, value, valueEnd int }

// membersOf adds the members of an object to some. It returns false if raw is not an object.
func membersOf(raw []byte, some []member) (all []member, ok bool) {
	i := afterSpace(raw, 0)
	if i == len(raw) || raw[i] != '{' {
		return nil, false
	}
	if i = afterSpace(raw, i+1); i < len(raw) && raw[i] == '}' {
		return some, afterSpace(raw, i+1) == len(raw)
	}
	for {
		m := member{name: i, nameEnd: afterString(raw, i)}
		if m.nameEnd < 0 {
			return nil, false
		}
		if i = afterSpace(raw, m.nameEnd); i == len(raw) || raw[i] != ':' {
			return nil, false
		}
		m.value = afterSpace(raw, i+1)
		if m.valueEnd = afterValue(raw, m.value); m.valueEnd < 0 {
			return nil, false
		}
		some = append(some, m)
		if i = afterSpace(raw, m.valueEnd); i == len(raw) {
			return nil, false
		}
		switch raw[i] {
		case '}':
			return some, afterSpace(raw, i+1) == len(raw)
		case ',':
			i = afterSpace(raw, i+1)
		default:
			return nil, false
		}
	}
}

// eachElement calls give for the elements of an array, which share the memory of raw.
// It returns false if raw is not an array.
func eachElement(raw []byte, give func(value []byte)) bool {
	i := afterSpace(raw, 0)
	if i == len(raw) || raw[i] != '[' {
		return false
	}
	if i = afterSpace(raw, i+1); i < len(raw) && raw[i] == ']' {
		return afterSpace(raw, i+1) == len(raw)
	}
	for {
		end := afterValue(raw, i)
		if end < 0 {
			return false
		}
		give(raw[i:end:end])
		if i = afterSpace(raw, end); i == len(raw) {
			return false
		}
		switch raw[i] {
		case ']':
			return afterSpace(raw, i+1) == len(raw)
		case ',':
			i = afterSpace(raw, i+1)
		default:
			return false
		}
	}
}

func afterSpace(raw []byte, i int) int {
	for i < len(raw) && isSpace(raw[i]) {
		i++
	}
	return i
}

// afterString returns where the string that begins at i ends, -1 if there is none.
func afterString(raw []byte, i int) int {
	if i >= len(raw) || raw[i] != '"' {
		return -1
	}
	for i++; ; i++ {
		for i < len(raw) && isPlain[raw[i]] {
			i++
		}
		if i == len(raw) {
			return -1
		}
		switch b := raw[i]; {
		case b == '"':
			return i + 1
		case b < ' ':
			return -1
		case b == '\\':
			if i++; i == len(raw) {
				return -1
			}
			switch raw[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if _, ok := hex4(raw, i+1); !ok {
					return -1
				}
				i += 4
			default:
				return -1
			}
		}
	}
}

// isPlain has the bytes that stand for themselves in a string.
var isPlain = func() (plain [256]bool) {
	for b := range plain {
		plain[b] = b >= ' ' && b != '"' && b != '\\'
	}
	return plain
}()

// hex4 reads the four digits of an escape.
func hex4(raw []byte, i int) (r rune, ok bool) {
	if i+4 > len(raw) {
		return 0, false
	}
	for _, b := range raw[i : i+4] {
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b >= 'a' && b <= 'f':
			b -= 'a' - 10
		case b >= 'A' && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(b)
	}
	return r, true
}

// afterValue returns where the value that begins at i ends, -1 if there is none.
func afterValue(raw []byte, i int) int {
	if i >= len(raw) {
		return -1
	}
	switch b := raw[i]; b {
	case '"':
		return afterString(raw, i)
	case '{', '[':
		return afterNested(raw, i)
	case 't':
		return afterWord(raw, i, "true")
	case 'f':
		return afterWord(raw, i, "false")
	case 'n':
		return afterWord(raw, i, "null")
	}
	return afterNumber(raw, i)
}

func afterWord(raw []byte, i int, word string) int {
	if end := i + len(word); end <= len(raw) && string(raw[i:end]) == word {
		return end
	}
	return -1
}

func afterNumber(raw []byte, i int) int {
	digits := func() bool {
		start := i
		for i < len(raw) && raw[i] >= '0' && raw[i] <= '9' {
			i++
		}
		return i > start
	}
	if raw[i] == '-' {
		i++
	}
	if i < len(raw) && raw[i] == '0' {
		i++
	} else if !digits() {
		return -1
	}
	if i < len(raw) && raw[i] == '.' {
		if i++; !digits() {
			return -1
		}
	}
	if i < len(raw) && (raw[i] == 'e' || raw[i] == 'E') {
		if i++; i < len(raw) && (raw[i] == '+' || raw[i] == '-') {
			i++
		}
		if !digits() {
			return -1
		}
	}
	return i
}

// afterNested returns where the object or array that begins at i ends. It needs no
// stack of its own for each level: a value may be as deep as its writer liked.
func afterNested(raw []byte, i int) int {
	var few [32]byte
	open := few[:0]
	for i < len(raw) {
		// A value begins at i, or what is open ends.
		b := raw[i]
		switch b {
		case '{', '[':
			open = append(open, b)
			if i = afterSpace(raw, i+1); i == len(raw) {
				return -1
			}
			if closes(b, raw[i]) {
				break // it is empty
			}
			if b == '{' {
				if i = afterName(raw, i); i < 0 {
					return -1
				}
			}
			continue
		default:
			if i = afterValue(raw, i); i < 0 {
				return -1
			}
			i = afterSpace(raw, i)
		}
		// A value has ended, or the one that is open ends here.
		for {
			if i == len(raw) {
				return -1
			}
			top := open[len(open)-1]
			if closes(top, raw[i]) {
				if open = open[:len(open)-1]; len(open) == 0 {
					return i + 1
				}
				i = afterSpace(raw, i+1)
				continue
			}
			if raw[i] != ',' {
				return -1
			}
			i = afterSpace(raw, i+1)
			if top == '{' {
				if i = afterName(raw, i); i < 0 {
					return -1
				}
			}
			break
		}
	}
	return -1
}

func closes(open, b byte) bool { return open == '{' && b == '}' || open == '[' && b == ']' }

// afterName returns where the value of the member that begins at i begins.
func afterName(raw []byte, i int) int {
	if i = afterString(raw, i); i < 0 {
		return -1
	}
	if i = afterSpace(raw, i); i == len(raw) || raw[i] != ':' {
		return -1
	}
	return afterSpace(raw, i+1)
}

// unquote returns the text of a valid JSON string.
func unquote(raw []byte) string {
	raw = raw[1 : len(raw)-1]
	i := bytes.IndexByte(raw, '\\')
	if i < 0 {
		return valid(raw)
	}
	out := make([]byte, 0, len(raw))
	for ; i >= 0; i = bytes.IndexByte(raw, '\\') {
		out = append(out, raw[:i]...)
		b := raw[i+1]
		raw = raw[i+2:]
		switch b {
		case 'b':
			b = '\b'
		case 'f':
			b = '\f'
		case 'n':
			b = '\n'
		case 'r':
			b = '\r'
		case 't':
			b = '\t'
		case 'u':
			r, _ := hex4(raw, 0)
			raw = raw[4:]
			if utf16.IsSurrogate(r) {
				low := rune(utf8.RuneError)
				if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
					low, _ = hex4(raw, 2)
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					raw = raw[6:]
				}
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		out = append(out, b)
	}
	return valid(append(out, raw...))
}

// nameOf returns the name of a member, without a copy if it has no escapes.
func nameOf(raw []byte) []byte {
	if name := raw[1 : len(raw)-1]; bytes.IndexByte(name, '\\') < 0 && utf8.Valid(name) {
		return name
	}
	return []byte(unquote(raw))
}

// valid returns a text in which each byte that is not UTF-8 is replaced by U+FFFD.
func valid(text []byte) string {
	if !utf8.Valid(text) {
		return string([]rune(string(text)))
	}
	return string(text)
}

// appendQuoted adds a JSON string, as encoding/json writes it without escapes for HTML.
func appendQuoted(dst []byte, s string) []byte {
	start := len(dst)
	dst = append(slices.Grow(dst, len(s)+2), '"')
	from := 0
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' && b < utf8.RuneSelf {
			continue
		}
		if b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 || r == '\u2028' || r == '\u2029' {
				return append(dst[:start], slowQuote(s)...)
			}
			i += n - 1
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			const digits = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', digits[b>>4], digits[b&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}

// slowQuote is for texts with characters that need more than an escape of one byte.
func slowQuote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return []byte(`""`) // a string can always be encoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
