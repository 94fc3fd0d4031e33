package redact

// index finds the places in a text where a rule may match: where one of its Starts is. For
// most bytes of most texts it needs one look into a table.
type index struct {
	// pairs maps the first two bytes of a start to the index of its list. 0 means none.
	pairs [1 << 16]uint16
	lists [][]start
}

type start struct {
	text string // in lower case
	rule *rule
}

// add adds a start of a rule to the index. At one place in a text, the rules are found in
// the order in which they were added.
func (x *index) add(text string, r *rule) {
	folded := make([]byte, len(text))
	for i := range folded {
		folded[i] = fold[text[i]]
	}
	pair := &x.pairs[uint(folded[0])<<8|uint(folded[1])]
	if *pair == 0 {
		x.lists = append(x.lists, nil)
		*pair = uint16(len(x.lists))
	}
	list := &x.lists[*pair-1]
	*list = append(*list, start{string(folded), r})
}

// next returns the first place at or after from where a rule may match, and the starts to
// compare there, or -1 if there is none.
func (x *index) next(text []byte, from int) (int, []start) {
	for i := from; i+1 < len(text); i++ {
		if list := x.pairs[uint(fold[text[i]])<<8|uint(fold[text[i+1]])]; list != 0 {
			return i, x.lists[list-1]
		}
	}
	return -1, nil
}

// at reports whether text begins with the start.
func (s *start) at(text []byte) bool {
	if len(text) < len(s.text) {
		return false
	}
	for i := range len(s.text) {
		if fold[text[i]] != s.text[i] {
			return false
		}
	}
	return true
}

// fold makes ASCII letters lower case.
var fold = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if i >= 'A' && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()

func alphanumeric(c byte) bool {
	c = fold[c]
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}
