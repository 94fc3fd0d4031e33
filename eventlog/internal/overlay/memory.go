package overlay

// memory gives lists their nodes and versions. It takes them from blocks: one allocation per
// node would cost more than the rest of the list's work. A block is free again when nothing of
// it is in use.
type memory struct {
	nodes    slab[node]
	versions slab[version]
	links    slab[link]
}

// slab is a block of which a part is free.
type slab[T any] struct{ block, free []T }

const (
	firstBlock = 8
	maxBlock   = 256
)

// take returns the next n of the block, and makes a new block, larger than the last, if there
// are too few.
func (s *slab[T]) take(n int) []T {
	if len(s.free) < n {
		s.block = make([]T, max(n, min(max(firstBlock, 2*len(s.block)), maxBlock)))
		s.free = s.block
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

// reset makes the whole block free, as it was when it was new.
func (s *slab[T]) reset() {
	clear(s.block[:len(s.block)-len(s.free)])
	s.free = s.block
}

// reset gives the newest blocks again. Nothing of them may be in use.
func (m *memory) reset() {
	m.nodes.reset()
	m.versions.reset()
	m.links.reset()
}

func (m *memory) version(position uint64, value []byte, deleted bool) *version {
	v := &m.versions.take(1)[0]
	v.position, v.value, v.deleted = position, value, deleted
	return v
}

func (m *memory) node(key []byte, height int) *node {
	n := &m.nodes.take(1)[0]
	n.key, n.next = key, m.links.take(height)
	return n
}
