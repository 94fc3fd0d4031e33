// Package jsonscan finds the fields of a JSON object in one pass over its text:
//
//	s := jsonscan.Object(text)
//	for s.Next() {
//		use(s.Name, s.Value)
//	}
//	if !s.OK() {
//		return errNoObject
//	}
//
// The objects of an array it finds in the same pass: [Objects].
//
// It decides exactly as encoding/json what is JSON. In addition, it takes valid UTF-8 only.
// It says nothing of what is wrong with a text: encoding/json can say that.
package jsonscan

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"unicode/utf8"
)

// maxNested is how deep objects and arrays may nest: as deep as in encoding/json.
const maxNested = 10_000

// Scanner is the state of a scan. It uses no recursion, so that a text cannot choose how
// far the stack of a goroutine grows.
type Scanner struct {
	// Name and Value are the raw text of the current field. They share the memory of the
	// scanned text. Of equal names encoding/json takes the last one.
	Name, Value []byte

	text      []byte
	at        int
	begun     bool // the object
	list      bool // the text is an array of objects
	ended, ok bool // the scan has ended, and what was read is what it should be

	compacts bool
	compact  []byte // text[:copied] without the white space between tokens
	copied   int

	open   int                      // number of open objects and arrays
	arrays [maxNested/64 + 1]uint64 // which of them are arrays, from the outermost: a bit each

	name []byte // name of the field of the object that is being read
	from int    // where the value of that field begins
}

// Object scans a text.
func Object(text []byte) Scanner { return Scanner{text: text} }

// Compacting scans a text and makes a copy of it, see [Scanner.Compact].
func Compacting(text []byte) Scanner { return Scanner{text: text, compacts: true} }

// Objects scans a text that is an array of objects. Each of them may nest as deep as a text of
// its own.
//
//	s := jsonscan.Objects(text)
//	for s.NextObject() {
//		for s.Next() {
//			use(s.Name, s.Value)
//		}
//	}
func Objects(text []byte) Scanner { return Scanner{text: text, list: true} }

// OK reports whether the text is one JSON object. It is valid once Next has returned false.
// In an array, it then reports whether that object is whole, and once NextObject has returned
// false, whether the text is an array of objects.
func (s *Scanner) OK() bool { return s.ok }

// Compact returns a copy of the text without the white space between tokens, which shares
// no memory with the text. It is for scans that [Compacting] began, and valid if OK returns
// true.
func (s *Scanner) Compact() []byte {
	if s.copied == 0 {
		return bytes.Clone(s.text)
	}
	compact := append(s.compact, s.text[s.copied:]...)
	if cap(compact) > 2*len(compact) { // it was mostly white space, and nobody counts that
		compact = bytes.Clone(compact)
	}
	return compact
}

// Next reads the next field of the object. It returns false if there is none, or if the
// text is not JSON.
func (s *Scanner) Next() bool {
	next := value
	switch {
	case s.ended:
		return false
	case s.begun && s.open == 0: // an object of an array has ended
		return false
	case s.begun:
		next = s.after()
	default:
		s.begun = true
		s.space()
		if s.peek() != '{' {
			next = wrong
		}
	}
	for {
		switch next {
		case value:
			entered, ok := s.begin()
			if entered && ok {
				continue
			}
			if !ok {
				return s.end(false)
			}
		case wrong:
			return s.end(false)
		}
		switch s.open { // a value is read
		case 0:
			if !s.list {
				return s.whole()
			}
			s.Name, s.Value, s.ok = nil, nil, true
			return false
		case 1:
			s.Name, s.Value = s.name, s.text[s.from:s.at:s.at] // what is appended to a value changes no other one
			return true
		}
		next = s.after()
	}
}

// NextObject goes on to the next object of the array. It returns false if there is none, or
// if the text is not such an array. It is for scans that [Objects] began.
func (s *Scanner) NextObject() bool {
	for s.at > 0 && s.Next() { // what the caller has left of the object before
	}
	if s.ended {
		return false
	}
	s.begun = false
	first := s.at == 0
	s.space()
	if first {
		if !s.is('[') {
			return s.end(false)
		}
		s.space()
	}
	switch {
	case s.is(']'):
		return s.whole()
	case first, s.is(','):
		return true
	}
	return s.end(false)
}

// whole ends a scan whose text must end here as well.
func (s *Scanner) whole() bool {
	s.space()
	return s.end(s.at == len(s.text))
}

func (s *Scanner) end(ok bool) bool {
	s.Name, s.Value, s.ended, s.ok = nil, nil, true, ok
	return false
}

// what comes next in a text.
type what int

const (
	value  what = iota
	closed      // an object or array has ended
	wrong
)

// after reads what comes after a value.
func (s *Scanner) after() what {
	s.space()
	inner := s.open - 1
	array := s.arrays[inner/64]>>(inner%64)&1 == 1
	switch {
	case s.is(','):
		s.space()
		if array || s.field() {
			return value
		}
	case array && s.is(']'), !array && s.is('}'):
		s.open--
		return closed
	}
	return wrong
}

// begin reads a value, or the beginning of one. entered says that the next value is inside
// it.
func (s *Scanner) begin() (entered, ok bool) {
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

// field reads the name of a field and the colon.
func (s *Scanner) field() bool {
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
func (s *Scanner) peek() byte {
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// is skips the next byte if it is c.
func (s *Scanner) is(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// space skips white space and leaves it out of the copy.
func (s *Scanner) space() {
	from := s.at
	for c := s.peek(); c == ' ' || c == '\n' || c == '\t' || c == '\r'; c = s.peek() {
		s.at++
	}
	if s.at == from || !s.compacts {
		return
	}
	if s.compact == nil {
		s.compact = make([]byte, 0, len(s.text))
	}
	s.compact = append(s.compact, s.text[s.copied:from]...)
	s.copied = s.at
}

func (s *Scanner) word(word string) bool {
	rest := s.text[s.at:]
	if len(rest) < len(word) || string(rest[:len(word)]) != word {
		return false
	}
	s.at += len(word)
	return true
}

func (s *Scanner) number() bool {
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
func (s *Scanner) digits() bool {
	from := s.at
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.at++
	}
	return s.at > from
}

// string reads a string, which begins at the next byte.
func (s *Scanner) string() bool {
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
func (s *Scanner) plain() {
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
func (s *Scanner) escape() bool {
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

// String returns what a string says, from its raw text, which a scan has found. It may share
// the memory of raw.
func String(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	_ = json.Unmarshal(raw, &s) // it is a string, or the scan would have ended
	return []byte(s)
}
