package journal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
)

// ID names a journal. It is random: no two journals have the same.
type ID [16]byte

// The layout of a record: magic (8), id of the journal (16), position (8), length of the
// payload (4), CRC-32C (4) of all of these and the payload, then the payload. Numbers are
// big-endian.
const (
	// HeaderSize is the size of what stands before a record's payload.
	HeaderSize = 40
	checksumAt = 36
	// MaxPayload is the largest payload of a record.
	MaxPayload = math.MaxInt32
)

// magic begins each record. It is not valid UTF-8, so no text in a payload holds it.
var magic = []byte("\xff\xf8jrlog\xfe")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(record []byte) uint32 {
	crc := crc32.Checksum(record[:checksumAt], castagnoli)
	return crc32.Update(crc, castagnoli, record[HeaderSize:])
}

// seal fills in the header of a record.
func seal(record []byte, id ID, position uint64) {
	copy(record, magic)
	copy(record[8:], id[:])
	binary.BigEndian.PutUint64(record[24:], position)
	binary.BigEndian.PutUint32(record[32:], uint32(len(record)-HeaderSize))
	binary.BigEndian.PutUint32(record[checksumAt:], checksum(record))
}

// parse returns the position of the record with which data starts, and its size with the
// header. ok is false if there is no whole record of the journal id.
func parse(data []byte, id ID) (position uint64, size int, ok bool) {
	if len(data) < HeaderSize || !bytes.HasPrefix(data, magic) || !bytes.Equal(data[8:24], id[:]) {
		return 0, 0, false
	}
	length := binary.BigEndian.Uint32(data[32:])
	if uint64(length) > uint64(len(data)-HeaderSize) {
		return 0, 0, false
	}
	size = HeaderSize + int(length)
	if checksum(data[:size]) != binary.BigEndian.Uint32(data[checksumAt:]) {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(data[24:]), size, true
}
