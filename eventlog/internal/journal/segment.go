package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/store"
)

// segment is one of the two files of a journal. Its first block is its head: magic (8),
// version (4), number of the segment (4), id of the journal (16), length of the database's
// path (4), the path, CRC-32C (4) of all of these. It is written once. The records follow.
type segment struct {
	file   *os.File
	path   string
	end    int64 // where the next record goes
	size   int64 // of the file
	filled int64 // the file was written to up to here
}

const (
	headSize       = 4096 // so that no write to a record touches the head's block
	segmentVersion = 1
)

var segmentMagic = []byte("\xff\xf8jrseg\xfe")

// encodeHead makes the head of a segment. A database whose path is too long is not named.
func encodeHead(database string, id ID, number int) []byte {
	if len(database) > headSize/2 {
		database = ""
	}
	head := make([]byte, 0, headSize)
	head = append(head, segmentMagic...)
	head = binary.BigEndian.AppendUint32(head, segmentVersion)
	head = binary.BigEndian.AppendUint32(head, uint32(number))
	head = append(head, id[:]...)
	head = binary.BigEndian.AppendUint32(head, uint32(len(database)))
	head = append(head, database...)
	head = binary.BigEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
	return head[:headSize]
}

// decodeHead reads what encodeHead made.
func decodeHead(head []byte) (database string, id ID, number int, ok bool) {
	if len(head) < headSize || !bytes.HasPrefix(head, segmentMagic) {
		return "", id, 0, false
	}
	length := binary.BigEndian.Uint32(head[32:])
	if length > headSize/2 {
		return "", id, 0, false
	}
	end := 36 + length
	if crc32.Checksum(head[:end], castagnoli) != binary.BigEndian.Uint32(head[end:]) ||
		binary.BigEndian.Uint32(head[8:]) != segmentVersion {
		return "", id, 0, false
	}
	copy(id[:], head[16:])
	return string(head[36:end]), id, int(binary.BigEndian.Uint32(head[12:])), true
}

// createSegment makes a segment at a path where no file is, and syncs it. Its errors are
// those of [Create].
func createSegment(p Place, id ID, number int) (*segment, error) {
	file, err := os.OpenFile(p.Segment(number), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, disk.NotCommitted(err)
	}
	s := &segment{file: file, path: p.Segment(number), end: headSize, size: headSize + reserve, filled: headSize}
	err = disk.Allocate(file, 0, s.size)
	if err == nil {
		_, err = file.WriteAt(encodeHead(p.Database, id, number), 0)
	}
	if err != nil {
		err = disk.NotCommitted(err)
	} else {
		err = file.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(s.path))
	}
	return s, nil
}

// readSegment reads a whole segment of the journal id.
func readSegment(p Place, id ID, number int) ([]byte, error) {
	path := p.Segment(number)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: it is in use with its journal, and %s is missing: they belong together, bring it back", store.ErrDamaged, path)
	case err != nil:
		return nil, err
	}
	database, found, n, ok := decodeHead(data)
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: %s has no head of a journal", store.ErrDamaged, path)
	case found != id || n != number:
		return nil, fmt.Errorf("%w: %s is of another journal (%x, part %d) than the database (%x, part %d)", store.ErrDamaged, path, found[:4], n, id[:4], number)
	case p.isOther(database, false):
		return nil, fmt.Errorf("%w: %s is the journal of %s, of which this is a copy: move that one away if this one shall take its place", store.ErrDamaged, path, database)
	}
	return data, nil
}

const (
	// reserve is kept free in each segment for changes that end or remove something.
	reserve = 1 << 20
	// growStep is how much a segment grows at once: each growth makes one sync more expensive.
	growStep = 1 << 20
	// fillStep is how much zero space is written at once, ahead of the records. In space
	// that was only allocated, the first write to a page makes the file system record that
	// it now holds data, and a sync waits for that too. One append pays for many.
	fillStep  = 1 << 20
	fillWrite = 64 << 10
)

var zeros [fillWrite]byte

// makeRoom gets space for a record of n bytes. An error changed nothing.
func (s *segment) makeRoom(n int64, useReserve bool) error {
	need := s.end + n
	if !useReserve {
		need += reserve
	}
	if need > s.size {
		to := need + growStep
		err := disk.Allocate(s.file, s.size, to-s.size)
		if disk.IsFull(err) {
			to = need
			err = disk.Allocate(s.file, s.size, to-s.size)
		}
		if err != nil {
			return disk.NotCommitted(err)
		}
		s.size = to
	}
	s.fill(n)
	return nil
}

// fill writes zeros ahead of a record of n bytes, if it comes near space that was never
// written to. It never writes before the end of the records. A failure changes nothing: the
// record that needs the space will meet it again.
func (s *segment) fill(n int64) {
	s.filled = max(s.filled, s.end)
	if s.filled >= s.end+n+fillStep/8 || n > fillStep/4 {
		return
	}
	for to := min(s.filled+fillStep, s.size); s.filled < to; {
		wrote, err := s.file.WriteAt(zeros[:min(fillWrite, to-s.filled)], s.filled)
		s.filled += int64(wrote)
		if err != nil {
			return
		}
	}
}

// write writes a record behind the last one. [Journal.Sync] makes it durable. An error that
// wraps [store.ErrNotCommitted] changed nothing; after any other one the outcome is unknown.
func (s *segment) write(record []byte) error {
	if _, err := s.file.WriteAt(record, s.end); err != nil {
		return s.void(err, record)
	}
	return nil
}

// void makes sure that a record whose write has failed does not count. A record that is not
// whole in the file does not count, and the next one overwrites it: the disk gets what the
// file shows, nothing else. One that is whole anyway is destroyed.
func (s *segment) void(failed error, record []byte) error {
	is := make([]byte, len(record))
	if _, err := s.file.ReadAt(is, s.end); err != nil && !errors.Is(err, io.EOF) {
		return errors.Join(failed, err)
	}
	if bytes.Equal(is, record) { // else another record may stand there, of an earlier use
		_, err := s.file.WriteAt(zeros[:HeaderSize], s.end)
		if err == nil {
			err = disk.SyncData(s.file)
		}
		if err != nil {
			return errors.Join(failed, err)
		}
	}
	return disk.NotCommitted(failed)
}
