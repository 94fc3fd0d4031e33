package record

// Scratch is memory for what a transaction writes, used again by the next one: a store keeps
// nothing of it when its transaction has ended. The zero value is ready, and nil gives new
// memory each time. It is not safe for concurrent use.
type Scratch struct{ free, block []byte }

const (
	scratchBlock = 64 << 10
	maxScratch   = 1 << 20 // what one large transaction took is not kept
)

// Reset makes all of it free.
func (s *Scratch) Reset() {
	if len(s.block) > maxScratch {
		s.block = nil
	}
	s.free = s.block
}

// room returns an empty slice with room for n bytes.
func (s *Scratch) room(n int) []byte {
	if s == nil {
		return make([]byte, 0, n)
	}
	if len(s.free) < n { // what was given out of the last block stays as it is
		s.block = make([]byte, max(n, scratchBlock, 2*len(s.block)))
		s.free = s.block
	}
	out := s.free[:0:n]
	s.free = s.free[n:]
	return out
}
