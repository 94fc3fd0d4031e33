package overlay

import (
	"fmt"
	"iter"
	"sync/atomic"

	"jrweb/eventlog/store"
)

// Delta is what one transaction wrote: the difference between the state at Position and the
// one before.
type Delta struct {
	Position uint64
	// Encoded are the ops. They must not change any more.
	Encoded []byte
	// Link is the hash of its record, in a journal that chains its records.
	Link [32]byte
}

// Half holds deltas whose positions follow each other. One goroutine adds to it, and any
// number reads it at the same time.
type Half struct {
	lists   []list // by the number of their bucket
	memory  memory
	bytes   atomic.Int64
	encoded atomic.Int64
	ops     atomic.Int64
}

// opBytes is about what an op takes in memory beside key and value.
const opBytes = 160

// NewHalf returns an empty half.
func NewHalf() *Half {
	h := &Half{lists: make([]list, len(buckets))}
	for i := range h.lists {
		h.lists[i].head = make(tower, maxHeight)
	}
	return h
}

// Add adds the delta of the next position. The half keeps its memory. A [Reader] of an
// earlier position does not see it. If the error is not nil, the delta cannot be read, and
// the half must not be used.
func (h *Half) Add(d Delta) (err error) {
	var bytes, ops int64
	for op := range decodeDelta(d.Encoded, &err) {
		h.lists[op.bucket].put(&h.memory, op.key, h.memory.version(d.Position, op.value, op.deleted))
		bytes += int64(len(op.key)+len(op.value)) + opBytes
		ops++
	}
	h.bytes.Add(bytes)
	h.ops.Add(ops)
	h.encoded.Add(int64(len(d.Encoded)))
	return err
}

// Changes yields what the deltas behind a position, up to another one, have changed: sorted
// by bucket and key, each key with its last value. It may run while deltas are added.
func (h *Half) Changes(after, upto uint64) iter.Seq[Op] {
	return func(yield func(Op) bool) {
		for i := range h.lists {
			for n := h.lists[i].seek(nil); n != nil; n = n.next[0].Load() {
				v := n.at(upto)
				if v == nil || v.position <= after {
					continue
				}
				if !yield(Op{Bucket: buckets[i], Delete: v.deleted, Key: n.key, Value: v.value}) {
					return
				}
			}
		}
	}
}

// Bytes is about how much memory the half takes.
func (h *Half) Bytes() int64 { return h.bytes.Load() }

// Encoded is how many bytes the encoded deltas take.
func (h *Half) Encoded() int64 { return h.encoded.Load() }

// Ops is how many puts and deletes the half has.
func (h *Half) Ops() int64 { return h.ops.Load() }

// Tx is a transaction over a reader. It sees its own writes, and makes a delta of them.
type Tx struct {
	Reader
	own     []list
	memory  memory
	written int // bytes
	ops     int64
	reserve bool
	err     error // of the first write that failed
}

// maxKey is the longest key that a database takes. It takes no empty one.
const maxKey = 32 << 10

// NewTx begins a transaction on the state that r shows.
func NewTx(r Reader) *Tx {
	t := &Tx{own: make([]list, len(buckets))}
	t.Begin(r)
	return t
}

// Begin begins the next transaction after [Tx.End].
func (t *Tx) Begin(r Reader) {
	t.Reader = r
	t.Reader.layers = append([]layer{{t.own, 0}}, r.layers...)
}

// End ends the transaction. The next one uses its memory.
func (t *Tx) End() {
	for i := range t.own {
		t.own[i].empty()
	}
	t.memory.reset()
	*t = Tx{own: t.own, memory: t.memory}
}

// Put implements [store.Tx].
func (t *Tx) Put(b store.Bucket, key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	t.write(b, key, value, false)
}

// Delete implements [store.Tx].
func (t *Tx) Delete(b store.Bucket, key []byte) { t.write(b, key, nil, true) }

func (t *Tx) write(b store.Bucket, key, value []byte, deleted bool) {
	if n := len(key); (n == 0 || n > maxKey) && t.err == nil {
		// Once it is in the journal, no checkpoint could take it into the database.
		t.err = fmt.Errorf("%w: a key of %d bytes", store.ErrNotCommitted, n)
	}
	t.own[number(b)].put(&t.memory, key, t.memory.version(0, value, deleted))
	t.ops++
	t.written += len(key) + len(value) + 16 // more than an op takes beside them
}

// UseReserve implements [store.ReserveTx].
func (t *Tx) UseReserve() { t.reserve = true }

// UsesReserve reports whether UseReserve was called.
func (t *Tx) UsesReserve() bool { return t.reserve }

// Ops is how many puts and deletes there were.
func (t *Tx) Ops() int64 { return t.ops }

// Delta encodes what was written, behind room for a header. It returns nil if nothing was
// written, and an error if a write failed.
func (t *Tx) Delta(header int) ([]byte, error) {
	if t.written == 0 || t.err != nil {
		return nil, t.err
	}
	out := make([]byte, header, header+1+t.written)
	out = append(out, deltaVersion)
	for i := range t.own {
		for n := t.own[i].seek(nil); n != nil; n = n.next[0].Load() {
			v := n.newest.Load()
			out = appendOp(out, i, n.key, v.value, v.deleted)
		}
	}
	return out, nil
}

func number(b store.Bucket) int {
	for i, known := range buckets {
		if known == b {
			return i
		}
	}
	panic("overlay: there is no bucket " + string(b))
}
