package sqlite

import (
	"bytes"
	"encoding/binary"
	"math"
)

// mostPayload is how large a row may be.
const mostPayload = 128 << 20

// payload is the record of a row, or of an entry of an index. What is not in its page is
// read when it is asked for.
type payload struct {
	state    *State
	bytes    []byte // so far
	total    int
	overflow uint32 // the page that goes on, 0 for none
}

// cell parses the record of a cell at an offset of a page.
func (s *State) cell(page []byte, at, total int, isTable bool) (p payload, err error) {
	if total < 0 || total > mostPayload {
		return p, errDamaged
	}
	most := s.usable - 35
	if !isTable {
		most = (s.usable-12)*64/255 - 23
	}
	local := total
	if total > most {
		least := (s.usable-12)*32/255 - 23
		if local = least + (total-least)%(s.usable-4); local > most {
			local = least
		}
	}
	if at+local > len(page) {
		return p, errDamaged
	}
	p = payload{state: s, bytes: page[at : at+local : at+local], total: total}
	if local < total {
		if at+local+4 > len(page) {
			return p, errDamaged
		}
		p.overflow = binary.BigEndian.Uint32(page[at+local:])
	}
	return p, nil
}

// upTo returns at least the first n bytes.
func (p *payload) upTo(n int) ([]byte, error) {
	if n > p.total {
		return nil, errDamaged
	}
	for len(p.bytes) < n {
		page, err := p.state.page(p.overflow)
		if err != nil {
			return nil, err
		}
		p.overflow = binary.BigEndian.Uint32(page)
		p.bytes = append(p.bytes, page[4:4+min(p.state.usable-4, p.total-len(p.bytes))]...)
	}
	return p.bytes, nil
}

// values decodes the columns that are asked for; -1 is one that the table does not have.
func (p *payload) values(columns []int) ([]any, error) {
	values := make([]any, len(columns))
	head, err := p.upTo(min(p.total, 9))
	if err != nil {
		return nil, err
	}
	length, n := varint(head)
	if n == 0 || length > uint64(p.total) || length < uint64(n) {
		return nil, errDamaged
	}
	if head, err = p.upTo(int(length)); err != nil {
		return nil, err
	}
	kinds, at := head[n:length], int(length)
	for column := 0; len(kinds) > 0; column++ {
		kind, n := varint(kinds)
		size := sizeOf(kind)
		if n == 0 || size < 0 || at+size > p.total {
			return nil, errDamaged
		}
		kinds = kinds[n:]
		for i, wanted := range columns {
			if wanted != column {
				continue
			}
			text, err := p.upTo(at + size)
			if err != nil {
				return nil, err
			}
			values[i] = valueOf(kind, text[at:at+size])
		}
		at += size
	}
	return values, nil
}

// sizeOf returns how many bytes a value takes, -1 for what is not a value.
func sizeOf(kind uint64) int {
	switch {
	case kind < 10:
		return []int{0, 1, 2, 3, 4, 6, 8, 8, 0, 0}[kind]
	case kind < 12 || kind > 2*mostPayload:
		return -1
	}
	return int(kind-12) / 2
}

// valueOf returns nil, an int64, a float64, a string, or bytes.
func valueOf(kind uint64, b []byte) any {
	switch {
	case kind == 0:
		return nil
	case kind == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	case kind == 8, kind == 9:
		return int64(kind - 8)
	case kind < 7:
		n := int64(int8(b[0]))
		for _, c := range b[1:] {
			n = n<<8 | int64(c)
		}
		return n
	case kind%2 == 0:
		return bytes.Clone(b)
	}
	return string(b)
}

// varint returns a number and how many bytes it takes, 0 if it is cut off.
func varint(b []byte) (n uint64, size int) {
	for i := range min(9, len(b)) {
		if i == 8 {
			return n<<8 | uint64(b[i]), 9
		}
		n = n<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return n, i + 1
		}
	}
	return 0, 0
}
