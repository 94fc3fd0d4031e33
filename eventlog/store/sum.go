package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Sum is all that a store holds, in short: two stores with the same Sum hold the same.
type Sum struct {
	Records int64
	// Bytes is how long all keys and values are together.
	Bytes int64
	// Hash is a SHA-256 over all of them, in order.
	Hash [sha256.Size]byte
}

// String returns the records and the beginning of the hash.
func (s Sum) String() string {
	return fmt.Sprintf("%d records, hash %s", s.Records, hex.EncodeToString(s.Hash[:8]))
}

// SumOf reads everything that a reader has.
func SumOf(ctx context.Context, r Reader) (s Sum, err error) {
	hash := sha256.New()
	var lengths [8]byte
	for _, b := range Buckets() {
		binary.BigEndian.PutUint64(lengths[:], uint64(len(b)))
		_, _ = hash.Write(append(lengths[:], b...)) // never fails
		for key, value := range r.Ascend(b, nil, nil) {
			if s.Records++; s.Records%1000 == 0 && ctx.Err() != nil {
				return s, ctx.Err()
			}
			s.Bytes += int64(len(key) + len(value))
			// With their lengths, so that no other records have the same bytes. A key has
			// one byte at least: it is not taken for the end of its bucket.
			binary.BigEndian.PutUint32(lengths[:4], uint32(len(key)))
			binary.BigEndian.PutUint32(lengths[4:], uint32(len(value)))
			for _, part := range [][]byte{lengths[:], key, value} {
				_, _ = hash.Write(part)
			}
		}
		clear(lengths[:])
		_, _ = hash.Write(lengths[:])
	}
	hash.Sum(s.Hash[:0])
	return s, nil
}
