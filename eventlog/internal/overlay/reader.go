package overlay

import (
	"bytes"
	"iter"

	"jrweb/eventlog/store"
)

// Reader implements [store.Reader]: it shows a base, and over it what some halves hold as
// of a position. Of several values of a key the newest counts.
type Reader struct {
	base     store.Reader
	layers   []layer // the newest first
	position uint64
}

// layer is what some lists hold as of a position.
type layer struct {
	lists    []list
	position uint64
}

// NewReader returns a reader of the state at a position. base may have a part of what is in
// the halves, but nothing newer than position. The newest half comes first; nil halves are
// passed over.
func NewReader(base store.Reader, position uint64, halves ...*Half) Reader {
	r := Reader{base: base, layers: make([]layer, 0, len(halves)+1), position: position}
	for _, h := range halves {
		if h != nil {
			r.layers = append(r.layers, layer{h.lists, position})
		}
	}
	return r
}

// Commits implements [store.CountedReader]: it is the position.
func (r *Reader) Commits() uint64 { return r.position }

// Get implements [store.Reader].
func (r *Reader) Get(b store.Bucket, key []byte) []byte {
	i := number(b)
	for _, l := range r.layers {
		n := l.lists[i].seek(key)
		if n == nil || !bytes.Equal(n.key, key) {
			continue
		}
		if v := n.at(l.position); v != nil {
			return v.value // nil if it is a deletion
		}
	}
	return r.base.Get(b, key)
}

// Ascend implements [store.Reader].
func (r *Reader) Ascend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return r.merge(b, from, to, r.base.Ascend(b, from, to), ascending)
}

// Descend implements [store.Reader].
func (r *Reader) Descend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return r.merge(b, from, to, r.base.Descend(b, from, to), descending)
}

// merge yields the keys of a range of the base and of the layers in one order. Most ranges
// are in the base alone: one look at each layer says so.
func (r *Reader) merge(b store.Bucket, from, to []byte, base iter.Seq2[[]byte, []byte], d direction) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		over := r.cursors(b, from, to, d)
		if len(over.cursors) == 0 {
			base(yield)
			return
		}
		over.settle()
		for k, v := range base {
			for over.key != nil && d.compare(over.key, k) < 0 {
				if !over.yield(yield) {
					return
				}
			}
			if over.key != nil && bytes.Equal(over.key, k) {
				if !over.yield(yield) {
					return
				}
				continue
			}
			if !yield(k, v) {
				return
			}
		}
		for over.key != nil {
			if !over.yield(yield) {
				return
			}
		}
	}
}

// direction is how a range is read.
type direction bool

const (
	ascending  direction = false
	descending direction = true
)

// compare compares two keys: less than 0 if a comes first.
func (d direction) compare(a, b []byte) int {
	if d == descending {
		a, b = b, a
	}
	return bytes.Compare(a, b)
}

// cursor stands at a key of a layer, which has a version of it.
type cursor struct {
	list     *list
	position uint64
	node     *node
	version  *version
}

// cursors stand in several layers, the newest one first. Together they stand at key.
type cursors struct {
	direction direction
	from, to  []byte
	cursors   []cursor
	key       []byte // nil behind the last one
	version   *version
	at        [3]cursor // memory for cursors
}

// cursors returns cursors at the first keys of a range, of those layers that have any.
func (r *Reader) cursors(b store.Bucket, from, to []byte, d direction) *cursors {
	i := number(b)
	var all *cursors
	for _, l := range r.layers {
		c := cursor{list: &l.lists[i], position: l.position}
		if d == ascending {
			c.node = c.list.seek(from)
		} else {
			c.node = c.list.before(to)
		}
		if c.node == nil {
			continue
		}
		if all == nil {
			all = &cursors{direction: d, from: from, to: to}
			all.cursors = all.at[:0]
		}
		if all.find(&c) {
			all.cursors = append(all.cursors, c)
		}
	}
	if all == nil {
		return &noCursors
	}
	return all
}

var noCursors cursors

// find moves a cursor on, if need be, to a key that has a version at its position. It
// reports whether there is one in the range.
func (cs *cursors) find(c *cursor) bool {
	for ; c.node != nil; c.step(cs.direction) {
		if cs.direction == ascending && cs.to != nil && bytes.Compare(c.node.key, cs.to) >= 0 ||
			cs.direction == descending && bytes.Compare(c.node.key, cs.from) < 0 {
			return false
		}
		if c.version = c.node.at(c.position); c.version != nil {
			return true
		}
	}
	return false
}

func (c *cursor) step(d direction) {
	if d == ascending {
		c.node = c.node.next[0].Load()
	} else {
		c.node = c.list.before(c.node.key)
	}
}

// settle finds the first key of all cursors. The newest layer's version counts.
func (cs *cursors) settle() {
	cs.key = nil
	for i := range cs.cursors {
		c := &cs.cursors[i]
		if c.node != nil && (cs.key == nil || cs.direction.compare(c.node.key, cs.key) < 0) {
			cs.key, cs.version = c.node.key, c.version
		}
	}
}

// yield yields the current key, unless it is deleted, and moves on. It reports whether
// there shall be more.
func (cs *cursors) yield(yield func(k, v []byte) bool) bool {
	if !cs.version.deleted && !yield(cs.key, cs.version.value) {
		return false
	}
	key := cs.key
	for i := range cs.cursors {
		c := &cs.cursors[i]
		if c.node == nil || !bytes.Equal(c.node.key, key) {
			continue
		}
		if c.step(cs.direction); !cs.find(c) {
			c.node = nil
		}
	}
	cs.settle()
	return true
}
