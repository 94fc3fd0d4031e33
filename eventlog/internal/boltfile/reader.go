package boltfile

import (
	"bytes"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/store"
)

// Reader implements [store.Reader].
type Reader struct {
	Tx      *bolt.Tx
	Err     error         // the first read or write that failed
	buckets []namedBucket // those that were used: bbolt's own look-up copies the name
}

type namedBucket struct {
	name store.Bucket
	*bolt.Bucket
}

// Bucket returns a bucket of the transaction.
func (r *Reader) Bucket(b store.Bucket) *bolt.Bucket {
	for _, known := range r.buckets {
		if known.name == b {
			return known.Bucket
		}
	}
	bucket := r.Tx.Bucket([]byte(b))
	r.buckets = append(r.buckets, namedBucket{b, bucket})
	return bucket
}

// Damaged turns a panic of bbolt over a damaged page into an error. It must be deferred.
func (r *Reader) Damaged() {
	if p := recover(); p != nil {
		r.Keep(fmt.Errorf("%w: %v", store.ErrDamaged, p))
	}
}

// Keep remembers the first error.
func (r *Reader) Keep(err error) {
	if r.Err == nil {
		r.Err = err
	}
}

// Get implements [store.Reader].
func (r *Reader) Get(b store.Bucket, key []byte) []byte {
	defer r.Damaged()
	return r.Bucket(b).Get(key)
}

// Ascend implements [store.Reader].
func (r *Reader) Ascend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
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

// Descend implements [store.Reader].
func (r *Reader) Descend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c, above, _ := r.seek(b, to)
		if r.Err != nil {
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

// before moves a cursor to the key before the current one. bbolt's Prev also reports no key
// when it reaches a page that this transaction has emptied; called again, it goes on.
func (r *Reader) before(b store.Bucket, c *bolt.Cursor, at []byte) (k, v []byte) {
	if k, v = r.step(c, (*bolt.Cursor).Prev); k != nil || !r.Tx.Writable() {
		return k, v
	}
	first := r.first(b)
	for k == nil && r.Err == nil && first != nil && bytes.Compare(first, at) < 0 {
		k, v = r.step(c, (*bolt.Cursor).Prev)
	}
	return k, v
}

// first returns the first key of a bucket, or nil if there is none. If this transaction has
// emptied all pages of a bucket, bbolt's Last would not return.
func (r *Reader) first(b store.Bucket) (key []byte) {
	defer r.Damaged()
	key, _ = r.Bucket(b).Cursor().First()
	return key
}

func (r *Reader) seek(b store.Bucket, key []byte) (c *bolt.Cursor, k, v []byte) {
	defer r.Damaged()
	c = r.Bucket(b).Cursor()
	k, v = c.Seek(key)
	return c, k, v
}

func (r *Reader) step(c *bolt.Cursor, move func(*bolt.Cursor) (k, v []byte)) (k, v []byte) {
	defer r.Damaged()
	return move(c)
}
