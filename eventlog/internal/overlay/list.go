package overlay

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
)

func compare(a, b []byte) int { return bytes.Compare(a, b) }

// list is a sorted map of keys to versions, a skip list. One goroutine writes to it, and
// any number read at the same time without locks. Nothing is ever removed: a deletion is a
// version.
type list struct {
	head   tower // of no key, before all others
	height atomic.Int32
	latest path // of the writer alone
}

// path leads to the place behind the key that was put into the list last.
type path struct {
	key    []byte           // nil: none
	before [maxHeight]tower // at each level, the last tower up to the key
}

const maxHeight = 18 // four times as many keys each

// tower links a key to the next key at each of its levels.
type tower = []link

type link = atomic.Pointer[node]

type node struct {
	key    []byte
	newest atomic.Pointer[version]
	next   tower
}

// version is what a key was given at a position.
type version struct {
	position uint64
	value    []byte
	deleted  bool
	older    *version
}

// at returns the version of a key as of a position, nil if there is none.
func (n *node) at(position uint64) *version {
	v := n.newest.Load()
	for v != nil && v.position > position {
		v = v.older
	}
	return v
}

func randomHeight() int {
	return min(1+bits.TrailingZeros64(rand.Uint64()|1<<62)/2, maxHeight)
}

// empty removes all keys. Nobody may be reading.
func (l *list) empty() {
	clear(l.head)
	l.height.Store(0)
	l.latest = path{}
}

// put gives a key a new version. The position must not be less than that of any earlier
// version in the list; if it is the same as the key's newest, it replaces that one, which
// nobody else may be reading.
func (l *list) put(m *memory, key []byte, v *version) {
	if l.head == nil {
		l.head = make(tower, maxHeight)
	}
	before, follows := &l.latest.before, l.follows(key)
	l.latest.key = key
	if !follows {
		if n := l.find(key, before); n != nil {
			if v.older = n.newest.Load(); v.older.position == v.position {
				v.older = v.older.older
			}
			n.newest.Store(v)
			return
		}
	}
	height := randomHeight()
	n := m.node(key, height)
	n.newest.Store(v)
	for level := range height {
		if before[level] == nil {
			before[level] = l.head
		}
		n.next[level].Store(before[level][level].Load())
	}
	for level := range height {
		before[level][level].Store(n)
		before[level] = n.next
	}
	if height > int(l.height.Load()) {
		l.height.Store(int32(height))
	}
}

// follows reports whether a key comes directly behind the one that was put last. Keys come in
// runs, so most do, and need no search.
func (l *list) follows(key []byte) bool {
	latest := &l.latest
	if latest.key == nil || compare(latest.key, key) >= 0 {
		return false
	}
	next := latest.before[0][0].Load()
	return next == nil || compare(key, next.key) < 0
}

// find returns the node of a key, nil if there is none. Then before has the last tower up to
// the key at each level.
func (l *list) find(key []byte, before *[maxHeight]tower) *node {
	at := l.head
	for level := int(l.height.Load()) - 1; level >= 0; level-- {
		for {
			next := at[level].Load()
			if next == nil {
				break
			}
			c := compare(next.key, key)
			if c == 0 { // this is the first level at which it stands
				for below := range level + 1 {
					before[below] = next.next
				}
				return next
			}
			if c > 0 {
				break
			}
			at = next.next
		}
		before[level] = at
	}
	return nil
}

// seek returns the first key that is not less than key, nil if there is none.
func (l *list) seek(key []byte) *node {
	if l.head == nil {
		return nil
	}
	at, found := l.head, (*node)(nil)
	for level := int(l.height.Load()) - 1; level >= 0; level-- {
		for {
			next := at[level].Load()
			if next == found || next == nil {
				break
			}
			if compare(next.key, key) >= 0 {
				found = next
				break
			}
			at = next.next
		}
	}
	return found
}

// before returns the last key that is less than key, or the last one of all if key is nil;
// nil if there is none.
func (l *list) before(key []byte) *node {
	if l.head == nil {
		return nil
	}
	at, found := l.head, (*node)(nil)
	for level := int(l.height.Load()) - 1; level >= 0; level-- {
		for {
			next := at[level].Load()
			if next == nil || key != nil && compare(next.key, key) >= 0 {
				break
			}
			at, found = next.next, next
		}
	}
	return found
}
