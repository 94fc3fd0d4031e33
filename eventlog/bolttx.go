package eventlog

import (
	"bytes"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"
)

// boltReader implements [Reader].
type boltReader struct {
	tx  *bolt.Tx
	err error // the first read or write that failed
}

func (r *boltReader) bucket(b Bucket) *bolt.Bucket { return r.tx.Bucket([]byte(b)) }

// damaged ends a step of bbolt's that a damaged page made panic.
func (r *boltReader) damaged() {
	if p := recover(); p != nil {
		r.keep(fmt.Errorf("%w: %v", ErrDamaged, p))
	}
}

func (r *boltReader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Get implements [Reader].
func (r *boltReader) Get(b Bucket, key []byte) []byte {
	defer r.damaged()
	return r.bucket(b).Get(key)
}

// Ascend implements [Reader].
func (r *boltReader) Ascend(b Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c, k, v := r.seek(b, from)
		for k != nil && (to == nil || bytes.Compare(k, to) < 0) {
			if !yield(k, v) {
				return
			}
			k, v = r.step(c.Next)
		}
	}
}

// Descend implements [Reader].
func (r *boltReader) Descend(b Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c, k, _ := r.seek(b, to)
		if r.err != nil {
			return
		}
		var v []byte
		if to != nil && k != nil {
			k, v = r.step(c.Prev)
		} else {
			k, v = r.step(c.Last)
		}
		for k != nil && bytes.Compare(k, from) >= 0 {
			if !yield(k, v) {
				return
			}
			k, v = r.step(c.Prev)
		}
	}
}

func (r *boltReader) seek(b Bucket, key []byte) (c *bolt.Cursor, k, v []byte) {
	defer r.damaged()
	c = r.bucket(b).Cursor()
	k, v = c.Seek(key)
	return c, k, v
}

func (r *boltReader) step(move func() (k, v []byte)) (k, v []byte) {
	defer r.damaged()
	return move()
}

// boltTx implements [ReserveTx].
type boltTx struct {
	boltReader
	useReserve bool
	added      int64 // bytes that were put
	largest    int64 // of them, in one value
}

// UseReserve implements [ReserveTx].
func (t *boltTx) UseReserve() { t.useReserve = true }

// Put implements [Tx].
func (t *boltTx) Put(b Bucket, key, value []byte) {
	defer t.damaged()
	t.added += int64(len(key) + len(value))
	t.largest = max(t.largest, int64(len(value)))
	bucket := t.bucket(b)
	if b == bucketEvents {
		bucket.FillPercent = fillPercent
	}
	t.keep(bucket.Put(key, value))
}

// Delete implements [Tx].
func (t *boltTx) Delete(b Bucket, key []byte) {
	defer t.damaged()
	t.keep(t.bucket(b).Delete(key))
}
