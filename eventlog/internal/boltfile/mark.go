package boltfile

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/internal/journal"
	"jrweb/eventlog/store"
)

// Mark says how a database file and its journal belong together. It changes in the
// transactions that take records over from the journal. A file without a mark never had a
// journal.
type Mark struct {
	// InUse says that records of the journal may be missing in the file.
	InUse   bool
	Journal journal.ID
	// Position is that of the last record which the file has.
	Position uint64
	// Dir is the directory of the journal, absolute. Empty: the file's.
	Dir string
	// Replica says that the journal is not one of files: others have it as well, and Link is
	// the hash of its record at Position. It is never InUse: the file may be behind.
	Replica bool
	Link    [32]byte
}

// MarkBucket is the bucket of the mark, its only key. It is not one of the store's.
const MarkBucket = "journal"

var markKey = []byte("mark")

// The layout of a mark: version (1), in use (1), id of the journal (16), position (8),
// directory, then CRC-32C (4) of all of these. That of a replica has another version, so
// that no program takes the file for one that it may change alone, and the link (32) in place
// of the directory.
const (
	markVersion  = 1
	replicaMark  = 2
	markPosition = 18
	markSize     = markPosition + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ReadMark reads the mark of a file.
func ReadMark(tx *bolt.Tx) (m Mark, err error) {
	bucket := tx.Bucket([]byte(MarkBucket))
	if bucket == nil {
		return m, nil
	}
	return decodeMark(bucket.Get(markKey))
}

func decodeMark(raw []byte) (m Mark, err error) {
	end := len(raw) - 4
	if end < markSize || crc32.Checksum(raw[:end], castagnoli) != binary.BigEndian.Uint32(raw[end:]) {
		return m, fmt.Errorf("%w: what it says of its journal cannot be read", store.ErrDamaged)
	}
	m.Replica = raw[0] == replicaMark && end == markSize+len(m.Link)
	if raw[0] != markVersion && !m.Replica {
		return m, fmt.Errorf("%w: its journal has another version: use a newer jrweb", store.ErrFormat)
	}
	m.InUse = raw[1] != 0
	copy(m.Journal[:], raw[2:])
	m.Position = binary.BigEndian.Uint64(raw[markPosition:])
	if m.Replica {
		copy(m.Link[:], raw[markSize:])
	} else {
		m.Dir = string(raw[markSize:end])
	}
	return m, nil
}

// ReadPosition reads the position of the mark of a file. Its pages may be damaged since the
// file was opened.
func ReadPosition(tx *bolt.Tx) (position uint64, err error) {
	err = Guard(func() error {
		m, err := ReadMark(tx)
		position = m.Position
		return err
	})
	return position, err
}

// WriteMark writes the mark of a file.
func WriteMark(tx *bolt.Tx, m Mark) error {
	raw := make([]byte, 2, markSize+len(m.Dir)+len(m.Link)+4)
	raw[0] = markVersion
	if m.InUse {
		raw[1] = 1
	}
	raw = append(raw, m.Journal[:]...)
	raw = binary.BigEndian.AppendUint64(raw, m.Position)
	if m.Replica {
		raw[0] = replicaMark
		raw = append(raw, m.Link[:]...)
	} else {
		raw = append(raw, m.Dir...)
	}
	raw = binary.BigEndian.AppendUint32(raw, crc32.Checksum(raw, castagnoli))
	bucket, err := tx.CreateBucketIfNotExists([]byte(MarkBucket))
	if err != nil {
		return err
	}
	return bucket.Put(markKey, raw)
}
