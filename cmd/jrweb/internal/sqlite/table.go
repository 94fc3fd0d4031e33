package sqlite

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Table is a table of a state, with some of its columns.
type Table struct {
	state   *State
	name    string
	root    uint32
	all     []string // the names of all columns
	columns []int    // those that are asked for
	indexes map[string]uint32
	left    uint32 // so many pages a walk may still look at: each page of a tree is there once
}

// Row is a row of a table, with the columns that were asked for, in that order: nil, int64,
// float64, string or []byte. A column that the table does not have is nil.
type Row struct {
	ID     int64
	Values []any
}

// Text returns a value that is a text or bytes, "" for others.
func (r Row) Text(column int) string {
	switch v := r.Values[column].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// Int returns a value that is a number, 0 for others.
func (r Row) Int(column int) int64 {
	switch v := r.Values[column].(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	}
	return 0
}

// Table returns a table. The error is [ErrNoTable] if there is none.
func (s *State) Table(name string, columns ...string) (*Table, error) {
	t := &Table{state: s, name: name, indexes: map[string]uint32{}}
	schema := &Table{state: s, root: 1, columns: []int{0, 1, 2, 3, 4}} // type, name, table, root, SQL
	plain, unique, made := true, "", uint32(0)
	err := schema.All(func(r Row) error {
		if r.Text(2) != name {
			return nil
		}
		sql := r.Text(4)
		switch root := uint32(r.Int(3)); r.Text(0) {
		case "table":
			t.root, t.all, plain, unique = root, columnsOf(sql), !unlike.MatchString(sql), uniqueBy(sql)
		case "index":
			if column := indexedBy(sql); column != "" {
				t.indexes[column] = root
			}
			if r.Text(1) == "sqlite_autoindex_"+name+"_1" {
				made = root
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if made != 0 && unique != "" {
		t.indexes[unique] = made
	}
	if !plain {
		clear(t.indexes)
	}
	if t.root == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoTable, name)
	}
	for _, column := range columns {
		t.columns = append(t.columns, t.number(column))
	}
	return t, nil
}

func (t *Table) number(column string) int {
	return slices.IndexFunc(t.all, func(name string) bool { return strings.EqualFold(name, column) })
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// All yields all rows, in the order of their ids.
func (t *Table) All(yield func(Row) error) error {
	t.left = t.state.length
	return t.walk(t.root, func(int64) bool { return true }, yield)
}

// Get yields the row of an id, if there is one.
func (t *Table) Get(id int64, yield func(Row) error) error {
	t.left = t.state.length
	found := func(r Row) error {
		if r.ID < id {
			return nil
		}
		if r.ID > id {
			return errEnough
		}
		if err := yield(r); err != nil {
			return err
		}
		return errEnough
	}
	err := t.walk(t.root, func(most int64) bool { return id <= most }, found)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// Where yields the rows whose column has a text, by an index if there is one.
func (t *Table) Where(column, text string, yield func(Row) error) error {
	with := *t
	with.columns = append(slices.Clone(t.columns), t.number(column))
	only := func(r Row) error {
		last := len(r.Values) - 1
		if r.Text(last) != text {
			return nil
		}
		r.Values = r.Values[:last]
		return yield(r)
	}
	root, indexed := t.indexes[column]
	if !indexed {
		return with.All(only)
	}
	var ids []int64
	with.left = t.state.length
	if _, err := with.find(root, text, &ids); err != nil {
		return err
	}
	for _, id := range ids {
		if err := with.Get(id, only); err != nil {
			return err
		}
	}
	return nil
}

// walk yields the rows of a tree, without the pages whose greatest id is not wanted.
func (t *Table) walk(number uint32, wanted func(most int64) bool, yield func(Row) error) error {
	n, err := t.node(number)
	if err != nil {
		return err
	}
	switch n.kind {
	case tableInterior:
		for i := range n.n + 1 {
			if i < n.n {
				cell, _, err := n.cell(i)
				if err != nil {
					return err
				}
				if most, _ := varint(cell[4:]); !wanted(int64(most)) {
					continue
				}
			}
			child, err := n.child(i)
			if err != nil {
				return err
			}
			if err := t.walk(child, wanted, yield); err != nil {
				return err
			}
		}
		return nil
	case tableLeaf:
		for i := range n.n {
			if err := t.row(&n, i, wanted, yield); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%w: %s is no table with row ids", errDamaged, t.name)
}

func (t *Table) row(n *node, i int, wanted func(int64) bool, yield func(Row) error) error {
	cell, at, err := n.cell(i)
	if err != nil {
		return err
	}
	total, a := varint(cell)
	id, b := varint(cell[a:])
	if a == 0 || b == 0 || total > mostPayload {
		return errDamaged
	}
	if !wanted(int64(id)) {
		return nil
	}
	p, err := t.state.cell(n.page, at+a+b, int(total), true)
	if err != nil {
		return err
	}
	values, err := p.values(t.columns)
	if err != nil {
		return err
	}
	return yield(Row{ID: int64(id), Values: values})
}

// find adds the ids of the rows whose entries in an index begin with a text, and reports
// whether there may be more of them in what follows.
func (t *Table) find(number uint32, text string, ids *[]int64) (more bool, err error) {
	n, err := t.node(number)
	if err != nil {
		return false, err
	}
	if n.kind != indexInterior && n.kind != indexLeaf {
		return false, errDamaged
	}
	for i := range n.n + 1 {
		var compared int
		var id int64
		if i < n.n {
			if compared, id, err = t.entry(&n, i, text); err != nil {
				return false, err
			}
		}
		if n.kind == indexInterior && (i == n.n || compared >= 0) {
			child, err := n.child(i)
			if err != nil {
				return false, err
			}
			if more, err := t.find(child, text, ids); err != nil || !more {
				return false, err
			}
		}
		switch {
		case i == n.n:
		case compared > 0:
			return false, nil
		case compared == 0:
			*ids = append(*ids, id)
		}
	}
	return true, nil
}

// entry compares an entry of an index with a text: what is not a text comes before all texts,
// except bytes.
func (t *Table) entry(n *node, i int, text string) (compared int, id int64, err error) {
	cell, at, err := n.cell(i)
	if err != nil {
		return 0, 0, err
	}
	if n.kind == indexInterior {
		cell, at = cell[4:], at+4
	}
	total, size := varint(cell)
	if size == 0 || total > mostPayload {
		return 0, 0, errDamaged
	}
	p, err := t.state.cell(n.page, at+size, int(total), false)
	if err != nil {
		return 0, 0, err
	}
	values, last, err := p.firstAndLast()
	if err != nil {
		return 0, 0, err
	}
	switch v := values.(type) {
	case string:
		return strings.Compare(v, text), last, nil
	case []byte:
		return 1, last, nil
	}
	return -1, last, nil
}

// firstAndLast returns the first value of an entry of an index, and the last: a row's id.
func (p *payload) firstAndLast() (first any, last int64, err error) {
	head, err := p.upTo(min(p.total, 9))
	if err != nil {
		return nil, 0, err
	}
	length, n := varint(head)
	if n == 0 || length > uint64(p.total) || length < uint64(n) {
		return nil, 0, errDamaged
	}
	if head, err = p.upTo(int(length)); err != nil {
		return nil, 0, err
	}
	columns := 0
	for kinds := head[n:length]; len(kinds) > 0; columns++ {
		_, n := varint(kinds)
		if n == 0 {
			return nil, 0, errDamaged
		}
		kinds = kinds[n:]
	}
	values, err := p.values([]int{0, columns - 1})
	if err != nil {
		return nil, 0, err
	}
	id, ok := values[1].(int64)
	if !ok {
		return nil, 0, errDamaged
	}
	return values[0], id, nil
}
