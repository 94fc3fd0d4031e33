package eventlog

import (
	"bytes"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"
)

// boltReader implements [Reader].
type boltReader struct {
	tx      *bolt.Tx
	err     error         // the first read or write that failed
	buckets []namedBucket // those that were used: bbolt's own look-up copies the name
}

type namedBucket struct {
	name Bucket
	*bolt.Bucket
}

func (r *boltReader) bucket(b Bucket) *bolt.Bucket {
	for _, known := range r.buckets {
		if known.name == b {
			return known.Bucket
		}
	}
	bucket := r.tx.Bucket([]byte(b))
	r.buckets = append(r.buckets, namedBucket{b, bucket})
	return bucket
}

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
			k, v = r.step(c, (*bolt.Cursor).Next)
		}
	}
}

// Descend implements [Reader].
func (r *boltReader) Descend(b Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c, above, _ := r.seek(b, to)
		if r.err != nil {
			return
		}
		var k, v []byte
		switch {
		case to != nil && above != nil:
			k, v = r.before(b, c, above)
		case r.first(b) != nil:
			k, v = r.step(c, (*bolt.Cursor).Last)
		}
		for k != nil && bytes.Compare(k, from) >= 0 {
			if !yield(k, v) {
				return
			}
			k, v = r.before(b, c, k)
		}
	}
}

// before moves a cursor to the key before the one that it is at. bbolt's Prev also
// says that there is none when it comes to a page that this transaction has
// emptied; asked again, it goes on.
func (r *boltReader) before(b Bucket, c *bolt.Cursor, at []byte) (k, v []byte) {
	if k, v = r.step(c, (*bolt.Cursor).Prev); k != nil || !r.tx.Writable() {
		return k, v
	}
	first := r.first(b)
	for k == nil && r.err == nil && first != nil && bytes.Compare(first, at) < 0 {
		k, v = r.step(c, (*bolt.Cursor).Prev)
	}
	return k, v
}

// first returns the first key of a bucket, nil if there is none. In a bucket all
// of whose pages this transaction has emptied, bbolt's Last would not return.
func (r *boltReader) first(b Bucket) (key []byte) {
	defer r.damaged()
	key, _ = r.bucket(b).Cursor().First()
	return key
}

func (r *boltReader) seek(b Bucket, key []byte) (c *bolt.Cursor, k, v []byte) {
	defer r.damaged()
	c = r.bucket(b).Cursor()
	k, v = c.Seek(key)
	return c, k, v
}

func (r *boltReader) step(c *bolt.Cursor, move func(*bolt.Cursor) (k, v []byte)) (k, v []byte) {
	defer r.damaged()
	return move(c)
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
	if b == bucketEvents || b == bucketActivity {
		bucket.FillPercent = fillPercent
	}
	t.keep(bucket.Put(key, value))
}

// Delete implements [Tx].
func (t *boltTx) Delete(b Bucket, key []byte) {
	defer t.damaged()
	t.keep(t.bucket(b).Delete(key))
}
