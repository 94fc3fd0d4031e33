package record

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"jrweb/eventlog/store"
)

// Every value in the store is a record: one byte of version, four of CRC-32C (big-endian)
// over bucket, key and payload, then the payload. bbolt has no checksums of its own on
// data, and a bit that flips on the disk must never be served as an event.
const (
	recordVersion = 1
	RecordHeader  = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// bucketChecksums are the checksums of the bucket names. Every checksum continues one of
// them. eventsChecksum saves the look-up for the bucket that is read most.
var (
	bucketChecksums = func() map[store.Bucket]uint32 {
		sums := map[store.Bucket]uint32{}
		for _, b := range store.Buckets() {
			sums[b] = crc32.Checksum([]byte(b), castagnoli)
		}
		return sums
	}()
	eventsChecksum = bucketChecksums[store.Events]
)

// keyChecksum is the checksum of a bucket and a key. That of a record continues it.
func keyChecksum(b store.Bucket, key []byte) uint32 {
	sum := eventsChecksum
	if b != store.Events {
		sum = bucketChecksums[b]
	}
	return crc32.Update(sum, castagnoli, key)
}

// seal fills in the header of a record. The payload follows the first RecordHeader bytes.
func seal(b store.Bucket, key, record []byte) []byte {
	record[0] = recordVersion
	binary.BigEndian.PutUint32(record[1:], crc32.Update(keyChecksum(b, key), castagnoli, record[RecordHeader:]))
	return record
}

// Encode makes the record of a payload.
func Encode(b store.Bucket, key, payload []byte) []byte {
	record := append(make([]byte, RecordHeader, RecordHeader+len(payload)), payload...)
	return seal(b, key, record)
}

// Decode returns the payload, which shares record's memory.
func Decode(b store.Bucket, key, record []byte) ([]byte, error) {
	return open(b, keyChecksum(b, key), key, record)
}

// open is Decode with the checksum of bucket and key.
func open(b store.Bucket, sum uint32, key, record []byte) ([]byte, error) {
	damage := func(reason string) error {
		return &store.DamageError{Bucket: b, Key: append([]byte(nil), key...), Reason: reason}
	}
	switch {
	case len(record) < RecordHeader:
		return nil, damage("record is too short")
	case record[0] != recordVersion:
		return nil, damage(fmt.Sprintf("record has version %d", record[0]))
	case binary.BigEndian.Uint32(record[1:]) != crc32.Update(sum, castagnoli, record[RecordHeader:]):
		return nil, damage("checksum does not match")
	}
	return record[RecordHeader:], nil
}

// EncodeJSON makes the record of a value, as JSON.
func EncodeJSON(b store.Bucket, key []byte, v any) []byte {
	payload, err := json.Marshal(v)
	if err != nil {
		panic("eventlog: record cannot be encoded: " + err.Error()) // our own types: a programming error
	}
	return Encode(b, key, payload)
}

// DecodeJSON reads the value of a record.
func DecodeJSON(b store.Bucket, key, record []byte, v any) error {
	payload, err := Decode(b, key, record)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(payload, v); err != nil {
		return &store.DamageError{Bucket: b, Key: append([]byte(nil), key...), Reason: err.Error()}
	}
	return nil
}
