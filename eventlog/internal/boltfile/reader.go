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
	Err     error        // the first read or write that failed
	buckets []usedBucket // those that were used: bbolt's own look-up copies the name
}

type usedBucket struct {
	name store.Bucket
	*bolt.Bucket
	idle *bolt.Cursor // one that nobody uses, for the next who needs one; may be nil
}

// Bucket returns a bucket of the transaction.
func (r *Reader) Bucket(b store.Bucket) *bolt.Bucket { return r.used(b).Bucket }

// used returns a bucket, until the next call.
func (r *Reader) used(b store.Bucket) *usedBucket {
	for i := range r.buckets {
		if r.buckets[i].name == b {
			return &r.buckets[i]
		}
	}
	r.buckets = append(r.buckets, usedBucket{name: b, Bucket: r.Tx.Bucket([]byte(b))})
	return &r.buckets[len(r.buckets)-1]
}

// cursor returns a cursor of a bucket, to be given back.
func (r *Reader) cursor(b store.Bucket) *bolt.Cursor {
	u := r.used(b)
	c := u.idle
	if c == nil {
		return u.Cursor()
	}
	u.idle = nil
	return c
}

// giveBack makes a cursor one that others may use.
func (r *Reader) giveBack(b store.Bucket, c *bolt.Cursor) {
	if c != nil { // it is nil after a panic of bbolt
		r.used(b).idle = c
	}
}

// Damaged turns a panic of bbolt over a damaged page into an error. It must be deferred.
func (r *Reader) Damaged() { r.damaged(recover()) }

// damaged keeps what bbolt panicked with, if that is not nil.
func (r *Reader) damaged(p any) {
	if p != nil {
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
	c := r.cursor(b)
	k, v := c.Seek(key)
	r.giveBack(b, c)
	if !bytes.Equal(k, key) {
		return nil
	}
	return v
}

// Ascend implements [store.Reader].
func (r *Reader) Ascend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c, k, v := r.seek(b, from)
		defer r.giveBack(b, c)
		stepping := false
		defer func() {
			if stepping { // else it is a panic of yield
				r.damaged(recover())
			}
		}()
		for k != nil && (to == nil || bytes.Compare(k, to) < 0) {
			if !yield(k, v) {
				return
			}
			stepping = true
			k, v = c.Next()
			stepping = false
		}
	}
}

// Descend implements [store.Reader].
func (r *Reader) Descend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c, above, _ := r.seek(b, to)
		defer r.giveBack(b, c)
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
	c = r.cursor(b)
	k, v = c.Seek(key)
	return c, k, v
}

func (r *Reader) step(c *bolt.Cursor, move func(*bolt.Cursor) (k, v []byte)) (k, v []byte) {
	defer r.Damaged()
	return move(c)
}
