package sqlite

import "encoding/binary"

// The kinds of pages.
const (
	indexInterior = 2
	tableInterior = 5
	indexLeaf     = 10
	tableLeaf     = 13
)

// node is a page of a tree.
type node struct {
	page []byte
	kind byte
	at   int // where its header begins
	n    int // cells
}

func (t *Table) node(number uint32) (n node, err error) {
	if t.left == 0 {
		return n, errDamaged
	}
	t.left--
	if n.page, err = t.state.page(number); err != nil {
		return n, err
	}
	if number == 1 {
		n.at = 100
	}
	n.kind = n.page[n.at]
	n.n = int(binary.BigEndian.Uint16(n.page[n.at+3:]))
	if n.cells()+2*n.n > len(n.page) {
		return n, errDamaged
	}
	return n, nil
}

func (n *node) isInterior() bool { return n.kind == tableInterior || n.kind == indexInterior }

// cells is where the offsets of the cells begin.
func (n *node) cells() int {
	if n.isInterior() {
		return n.at + 12
	}
	return n.at + 8
}

// cell returns a cell, and where it begins.
func (n *node) cell(i int) ([]byte, int, error) {
	at := int(binary.BigEndian.Uint16(n.page[n.cells()+2*i:]))
	if at+4 > len(n.page) {
		return nil, 0, errDamaged
	}
	return n.page[at:], at, nil
}

// child returns the page below a cell, or the last one.
func (n *node) child(i int) (uint32, error) {
	if i == n.n {
		return binary.BigEndian.Uint32(n.page[n.at+8:]), nil
	}
	cell, _, err := n.cell(i)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(cell), nil
}
