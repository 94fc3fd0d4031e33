package eventlogtest

import (
	"context"
	"iter"
	"maps"
	"sync"

	"github.com/tidwall/btree"

	"jrweb/eventlog/store"
)

// NewStore returns an empty store in memory. Close keeps the content: a new log on the same
// store finds what the last one left, as after a restart.
func NewStore() store.Store {
	s := &memory{state: memoryReader{buckets: map[store.Bucket]*tree{}}}
	for _, b := range store.Buckets() {
		s.state.buckets[b] = new(tree)
	}
	return s
}

type tree = btree.Map[string, []byte]

// memory is a store whose trees never change once they are in its state. An Update works on
// copies, which share everything that the Update does not change.
type memory struct {
	writing sync.Mutex // held by the running Update

	mu    sync.Mutex // guards state, but not the trees in it
	state memoryReader
}

// Update implements [store.Store].
func (s *memory) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	tx := &memoryTx{memoryReader: s.look()}
	tx.buckets = maps.Clone(tx.buckets)
	for name, bucket := range tx.buckets {
		tx.buckets[name] = bucket.Copy()
	}
	if err := fn(tx); err != nil || !tx.wrote {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = memoryReader{tx.buckets, tx.commits + 1}
	return nil
}

// View implements [store.Store].
func (s *memory) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return fn(s.look())
}

func (s *memory) look() memoryReader {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Close implements [store.Store].
func (s *memory) Close() error { return nil }

type memoryReader struct {
	buckets map[store.Bucket]*tree
	commits uint64
}

// Commits implements [store.CountedReader].
func (r memoryReader) Commits() uint64 { return r.commits }

// Get implements [store.Reader].
func (r memoryReader) Get(b store.Bucket, key []byte) []byte {
	value, _ := r.buckets[b].Get(string(key))
	return value
}

// Ascend implements [store.Reader].
func (r memoryReader) Ascend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		r.buckets[b].Ascend(string(from), func(key string, value []byte) bool {
			return (to == nil || key < string(to)) && yield([]byte(key), value)
		})
	}
}

// Descend implements [store.Reader].
func (r memoryReader) Descend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		each := func(key string, value []byte) bool {
			if to != nil && key == string(to) {
				return true
			}
			return key >= string(from) && yield([]byte(key), value)
		}
		if to == nil {
			r.buckets[b].Reverse(each)
		} else {
			r.buckets[b].Descend(string(to), each)
		}
	}
}

type memoryTx struct {
	memoryReader
	wrote bool
}

// Put implements [store.Tx].
func (t *memoryTx) Put(b store.Bucket, key, value []byte) {
	t.wrote = true
	t.buckets[b].Set(string(key), append([]byte{}, value...)) // never nil: the key exists
}

// Delete implements [store.Tx].
func (t *memoryTx) Delete(b store.Bucket, key []byte) {
	t.wrote = true
	t.buckets[b].Delete(string(key))
}
