package clusterstore

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"

	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
)

// The layout of a record, which is the data of a message: version (1), CRC-32C (4) of all
// that follows, id of the stream (16), position (8), link (32), nonce (16), then the delta.
// The link is the SHA-256 of the record before, zeros in the first one. The nonce is random:
// no two records are the same, so the hash of a record says who has made it.
const (
	recordVersion = 1
	checksumAt    = 1
	streamAt      = checksumAt + 4
	positionAt    = streamAt + 16
	linkAt        = positionAt + 8
	nonceAt       = linkAt + sha256.Size
	headerSize    = nonceAt + 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal fills in the header of the record that follows a place. The first record gives the
// stream its id.
func seal(record []byte, after filestore.Place) {
	record[0] = recordVersion
	copy(record[streamAt:], after.Journal[:])
	if after.Position == 0 && after.Journal == ([16]byte{}) {
		_, _ = rand.Read(record[streamAt:positionAt]) // never fails
	}
	binary.BigEndian.PutUint64(record[positionAt:], after.Position+1)
	copy(record[linkAt:], after.Link[:])
	_, _ = rand.Read(record[nonceAt:headerSize]) // never fails
	binary.BigEndian.PutUint32(record[checksumAt:], crc32.Checksum(record[streamAt:], castagnoli))
}

// messageID names a record to the engine.
func messageID(record []byte) string { return hex.EncodeToString(record[nonceAt:headerSize]) }

// follow returns the place of a record that must be the one after a place.
func follow(record []byte, after filestore.Place) (at filestore.Place, err error) {
	damaged := func(reason string) (filestore.Place, error) {
		return at, fmt.Errorf("%w: message %d of the stream %s", store.ErrDamaged, after.Position+1, reason)
	}
	switch {
	case len(record) < headerSize:
		return damaged("is too short")
	case record[0] != recordVersion:
		return at, fmt.Errorf("%w: message %d of the stream is of another version: use a newer jrweb", store.ErrFormat, after.Position+1)
	case crc32.Checksum(record[streamAt:], castagnoli) != binary.BigEndian.Uint32(record[checksumAt:]):
		return damaged("is not as it was written")
	case after.Journal != ([16]byte{}) && [16]byte(record[streamAt:positionAt]) != after.Journal:
		return damaged("is of another stream: this one was made anew, or the replica is of another cluster")
	case binary.BigEndian.Uint64(record[positionAt:]) != after.Position+1:
		return damaged("is not the message that was written there")
	case [32]byte(record[linkAt:nonceAt]) != after.Link:
		return damaged("does not follow what this replica has: it is not the same as the others")
	}
	at.Journal = [16]byte(record[streamAt:positionAt])
	at.Position, at.Link = after.Position+1, sha256.Sum256(record)
	return at, nil
}
