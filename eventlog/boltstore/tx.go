package boltstore

import (
	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/store"
)

// boltTx implements [store.ReserveTx].
type boltTx struct {
	boltfile.Reader
	useReserve bool
	added      int64 // bytes that were put
	largest    int64 // of these, in one value
}

// UseReserve implements [store.ReserveTx].
func (t *boltTx) UseReserve() { t.useReserve = true }

// Put implements [store.Tx].
func (t *boltTx) Put(b store.Bucket, key, value []byte) {
	defer t.Damaged()
	t.added += int64(len(key) + len(value))
	t.largest = max(t.largest, int64(len(value)))
	bucket := t.Bucket(b)
	if b == store.Events || b == store.Activity {
		bucket.FillPercent = boltfile.FillPercent
	}
	t.Keep(bucket.Put(key, value))
}

// Delete implements [store.Tx].
func (t *boltTx) Delete(b store.Bucket, key []byte) {
	defer t.Damaged()
	t.Keep(t.Bucket(b).Delete(key))
}
