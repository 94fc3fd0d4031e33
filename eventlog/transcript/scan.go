package transcript

// scanner follows JSON text byte by byte, so that it can tell where a value ends that
// goes over several lines, or that other text follows. It knows the structure and
// takes numbers and literals as they come: who parses the value sees whether they are
// right. The zero scanner is before a value.
type scanner struct {
	depth   []byte // '{' or '[' for each level that is open
	expect  expectation
	quoted  bool // inside a string
	escaped bool // behind a backslash of it
	scalar  bool // inside a number or a literal
}

type expectation byte

const (
	expectValue expectation = iota
	expectValueOrEnd
	expectKey
	expectKeyOrEnd
	expectColon
	expectCommaOrEnd
	expectNothing // the value is whole
)

// step takes one byte. It returns false for a byte that cannot stand there.
func (s *scanner) step(b byte) bool {
	switch {
	case s.quoted:
		return s.inString(b)
	case s.scalar && isScalar(b):
		return true
	case s.scalar:
		s.scalar = false
		s.ended()
	}
	switch b {
	case ' ', '\t', '\r', '\n':
		return true
	case '"':
		s.quoted = true
		return s.expect <= expectKeyOrEnd
	case '{', '[':
		if s.expect > expectValueOrEnd {
			return false
		}
		s.depth = append(s.depth, b)
		s.expect = expectKeyOrEnd
		if b == '[' {
			s.expect = expectValueOrEnd
		}
		return true
	case '}', ']':
		return s.close(b)
	case ',':
		if s.expect != expectCommaOrEnd {
			return false
		}
		s.expect = expectValue
		if s.depth[len(s.depth)-1] == '{' {
			s.expect = expectKey
		}
		return true
	case ':':
		if s.expect != expectColon {
			return false
		}
		s.expect = expectValue
		return true
	}
	if s.expect > expectValueOrEnd || !isScalar(b) {
		return false
	}
	s.scalar = true
	return true
}

// skip returns how many bytes of a string are of no interest to step. It is inside one.
func (s *scanner) skip(text []byte) int {
	if s.escaped {
		return 0
	}
	for i, b := range text {
		if b == '"' || b == '\\' || b < ' ' {
			return i
		}
	}
	return len(text)
}

func (s *scanner) inString(b byte) bool {
	switch {
	case s.escaped:
		s.escaped = false
	case b == '\\':
		s.escaped = true
	case b == '"':
		s.quoted = false
		if s.expect == expectKey || s.expect == expectKeyOrEnd {
			s.expect = expectColon
		} else {
			s.ended()
		}
	}
	return b >= ' ' // a string ends on its line
}

func (s *scanner) close(b byte) bool {
	if len(s.depth) == 0 {
		return false
	}
	open, orEnd := byte('{'), expectKeyOrEnd
	if b == ']' {
		open, orEnd = '[', expectValueOrEnd
	}
	if s.depth[len(s.depth)-1] != open || s.expect != expectCommaOrEnd && s.expect != orEnd {
		return false
	}
	s.depth = s.depth[:len(s.depth)-1]
	s.ended()
	return true
}

// ended says that a value has come to its end.
func (s *scanner) ended() {
	s.expect = expectCommaOrEnd
	if len(s.depth) == 0 {
		s.expect = expectNothing
	}
}

func (s *scanner) whole() bool { return s.expect == expectNothing && !s.scalar }

func isScalar(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '-' || b == '+' || b == '.'
}
