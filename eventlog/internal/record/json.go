package record

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"unicode/utf8"
)

// object is a JSON object of which the log reads some fields.
type object struct {
	fields []field                    // the fields to look for
	values [maxFields]json.RawMessage // their values, nil if absent; of equal names the last counts
}

// value returns the value of one of these fields, or nil if it is absent.
func (o *object) value(name string) json.RawMessage {
	for i := range o.fields {
		if o.fields[i].name == name {
			return o.values[i]
		}
	}
	return nil
}

// keep stores the value of a field if object looks for that field. The name is the raw
// text, and must match exactly: encoding/json into a struct would also take "Content" for
// "content".
func (o *object) keep(name, value []byte) {
	if len(o.fields) == 0 {
		return
	}
	text := name[1 : len(name)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		var resolved string
		if json.Unmarshal(name, &resolved) != nil {
			return
		}
		text = []byte(resolved)
	}
	for i := range o.fields {
		if o.fields[i].name == string(text) {
			o.values[i] = value
		}
	}
}

// scanObject reads a text once. It returns a copy without the white space between tokens.
// ok reports whether the text is one JSON object in valid UTF-8, exactly as encoding/json
// decides it. The values in o share the memory of text.
func scanObject(text []byte, fields []field) (o object, compact []byte, ok bool) {
	s := scanner{text: text, object: object{fields: fields}}
	s.space()
	if s.peek() != '{' || !s.values() {
		return object{}, nil, false
	}
	s.space()
	switch {
	case s.at != len(text):
		return object{}, nil, false
	case s.copied == 0:
		compact = bytes.Clone(text)
	default:
		compact = append(s.compact, text[s.copied:]...)
		if cap(compact) > 2*len(compact) { // it was mostly white space, and the limits do not count that
			compact = bytes.Clone(compact)
		}
	}
	return s.object, compact, true
}

// maxNested is how deep objects and arrays may nest: as deep as in encoding/json.
const maxNested = 10_000

// scanner is the state of a scan. It uses no recursion, so that a text cannot choose how
// far the stack of a goroutine grows.
type scanner struct {
	text []byte
	at   int

	compact []byte // text[:copied] without the white space between tokens
	copied  int

	open   int                      // number of open objects and arrays
	arrays [maxNested/64 + 1]uint64 // which of them are arrays, from the outermost: a bit each

	object object
	name   []byte // name of the field of object that is being read
	from   int    // where the value of that field begins
}

// values reads a value and everything in it.
func (s *scanner) values() bool {
	for {
		entered, ok := s.begin()
		if !ok {
			return false
		}
		if entered {
			continue
		}
		follows, ok := s.end()
		if !ok || !follows {
			return ok
		}
	}
}

// begin reads a value, or the beginning of one. entered says that the next value is inside
// it.
func (s *scanner) begin() (entered, ok bool) {
	c := s.peek()
	switch c {
	case '{', '[':
	case '"':
		return false, s.string()
	case 't':
		return false, s.word("true")
	case 'f':
		return false, s.word("false")
	case 'n':
		return false, s.word("null")
	default:
		return false, s.number()
	}
	if s.open == maxNested {
		return false, false
	}
	s.at++
	s.space()
	if s.is(c + 2) { // the bracket that closes it, in ASCII
		return false, true
	}
	word, bit := &s.arrays[s.open/64], uint64(1)<<(s.open%64)
	s.open++
	if c == '[' {
		*word |= bit
		return true, true
	}
	*word &^= bit
	return true, s.field()
}

// end reads what comes after a value. follows says that another value comes next.
func (s *scanner) end() (follows, ok bool) {
	for s.open > 0 {
		if s.open == 1 {
			s.object.keep(s.name, s.text[s.from:s.at])
		}
		s.space()
		inner := s.open - 1
		array := s.arrays[inner/64]>>(inner%64)&1 == 1
		switch {
		case s.is(','):
			s.space()
			return true, array || s.field()
		case array && s.is(']'), !array && s.is('}'):
			s.open--
		default:
			return false, false
		}
	}
	return false, true
}

// field reads the name of a field and the colon.
func (s *scanner) field() bool {
	from := s.at
	if s.peek() != '"' || !s.string() {
		return false
	}
	name := s.text[from:s.at]
	s.space()
	if !s.is(':') {
		return false
	}
	s.space()
	if s.open == 1 {
		s.name, s.from = name, s.at
	}
	return true
}

// peek returns the next byte. At the end it returns 0, which begins no token.
func (s *scanner) peek() byte {
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// is skips the next byte if it is c.
func (s *scanner) is(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// space skips white space and leaves it out of the copy.
func (s *scanner) space() {
	from := s.at
	for c := s.peek(); c == ' ' || c == '\n' || c == '\t' || c == '\r'; c = s.peek() {
		s.at++
	}
	if s.at == from {
		return
	}
	if s.compact == nil {
		s.compact = make([]byte, 0, len(s.text))
	}
	s.compact = append(s.compact, s.text[s.copied:from]...)
	s.copied = s.at
}

func (s *scanner) word(word string) bool {
	rest := s.text[s.at:]
	if len(rest) < len(word) || string(rest[:len(word)]) != word {
		return false
	}
	s.at += len(word)
	return true
}

func (s *scanner) number() bool {
	s.is('-')
	if !s.is('0') && !s.digits() {
		return false
	}
	if s.is('.') && !s.digits() {
		return false
	}
	if s.is('e') || s.is('E') {
		if !s.is('-') {
			s.is('+')
		}
		return s.digits()
	}
	return true
}

// digits reads one digit or more.
func (s *scanner) digits() bool {
	from := s.at
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.at++
	}
	return s.at > from
}

// string reads a string, which begins at the next byte.
func (s *scanner) string() bool {
	s.at++
	for {
		s.plain()
		switch c := s.peek(); {
		case c == '"':
			s.at++
			return true
		case c == '\\':
			if !s.escape() {
				return false
			}
		case c < ' ': // a control character, or the end
			return false
		case c < utf8.RuneSelf:
			s.at++
		default:
			r, size := utf8.DecodeRune(s.text[s.at:])
			if r == utf8.RuneError && size == 1 {
				return false
			}
			s.at += size
		}
	}
}

// plain skips ASCII that stands for itself in a string, eight bytes at a time. It stops
// before the first byte that does not, or when fewer than eight are left.
func (s *scanner) plain() {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	rest := s.text[s.at:]
	for len(rest) >= 8 {
		// The high bit of a byte in special is set if that byte is a control character, a
		// quote, a backslash or not ASCII. A carry may set higher bits as well, but never
		// lower ones.
		w := binary.LittleEndian.Uint64(rest)
		quote, backslash := w^'"'*ones, w^'\\'*ones
		special := ((w - ' '*ones) | (quote - ones) | (backslash - ones) | w) & highs
		if special != 0 {
			rest = rest[bits.TrailingZeros64(special)/8:]
			break
		}
		rest = rest[8:]
	}
	s.at = len(s.text) - len(rest)
}

// escape reads a backslash and what follows it.
func (s *scanner) escape() bool {
	s.at++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return true
	case 'u':
		s.at++
	default:
		return false
	}
	for range 4 {
		c := s.peek()
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
		s.at++
	}
	return true
}
