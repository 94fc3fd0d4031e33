package overlay

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"jrweb/eventlog/store"
)

// Op is one put or delete of a delta.
type Op = store.Op

// deltaVersion is the first byte of an encoded delta.
const deltaVersion = 1

// deleteBit marks a delete in the byte that numbers the bucket.
const deleteBit = 0x80

// buckets are numbered in their order, so new ones must come last.
var buckets = store.Buckets()

// An encoded delta is its version (1), then each op: number of the bucket, with deleteBit
// for a delete (1), length of the key (uvarint), key, and for a put length of the value
// (uvarint), value. Ops are sorted by bucket and key; each key is there once.

// appendOp encodes an op of the bucket with that number.
func appendOp(out []byte, bucket int, key, value []byte, deleted bool) []byte {
	kind := byte(bucket)
	if deleted {
		kind |= deleteBit
	}
	out = append(out, kind)
	out = binary.AppendUvarint(out, uint64(len(key)))
	out = append(out, key...)
	if !deleted {
		out = binary.AppendUvarint(out, uint64(len(value)))
		out = append(out, value...)
	}
	return out
}

// decodedOp is an op with the number of its bucket.
type decodedOp struct {
	bucket     int
	deleted    bool
	key, value []byte
}

// decodeDelta yields the ops of an encoded delta. Keys and values share memory with it. err
// is set if it is not one.
func decodeDelta(in []byte, err *error) iter.Seq[decodedOp] {
	return func(yield func(decodedOp) bool) {
		whole := len(in)
		if whole == 0 || in[0] != deltaVersion {
			*err = fmt.Errorf("%w: a change in its journal has another version: use a newer jrweb", store.ErrFormat)
			return
		}
		in = in[1:]
		bytes := func() ([]byte, bool) {
			n, size := binary.Uvarint(in)
			if size <= 0 || n > uint64(len(in)-size) {
				return nil, false
			}
			b := in[size : size+int(n) : size+int(n)]
			in = in[size+int(n):]
			return b, true
		}
		for len(in) > 0 {
			op := decodedOp{bucket: int(in[0] &^ deleteBit), deleted: in[0]&deleteBit != 0}
			in = in[1:]
			ok := op.bucket < len(buckets)
			if ok {
				op.key, ok = bytes()
			}
			if ok && !op.deleted {
				op.value, ok = bytes()
			}
			if !ok {
				*err = fmt.Errorf("%w: a change in its journal cannot be read at byte %d", store.ErrDamaged, whole-len(in))
				return
			}
			if !yield(op) {
				return
			}
		}
	}
}

// Nothing is the delta of a transaction that wrote nothing, behind room for a header.
func Nothing(header int) []byte { return append(make([]byte, header, header+1), deltaVersion) }

// Ops yields what an encoded delta holds, in its order. Keys and values share memory with
// it. err is set if it is not one.
func Ops(encoded []byte, err *error) iter.Seq[Op] {
	return func(yield func(Op) bool) {
		for op := range decodeDelta(encoded, err) {
			if !yield(Op{Bucket: buckets[op.bucket], Delete: op.deleted, Key: op.key, Value: op.value}) {
				return
			}
		}
	}
}

// Merge returns the ops of several deltas in a row as one: sorted by bucket and key, each
// key with its last value.
func Merge(deltas []Delta) ([]Op, error) {
	type numbered struct {
		decodedOp
		at int
	}
	var all []numbered
	for _, d := range deltas {
		var err error
		for op := range decodeDelta(d.Encoded, &err) {
			all = append(all, numbered{op, len(all)})
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b numbered) int {
		if a.bucket != b.bucket {
			return a.bucket - b.bucket
		}
		if c := compare(a.key, b.key); c != 0 {
			return c
		}
		return b.at - a.at // the last one first
	})
	ops := make([]Op, 0, len(all))
	for i, op := range all {
		if i > 0 && all[i-1].bucket == op.bucket && compare(all[i-1].key, op.key) == 0 {
			continue
		}
		ops = append(ops, Op{Bucket: buckets[op.bucket], Delete: op.deleted, Key: op.key, Value: op.value})
	}
	return ops, nil
}
