package journal

import (
	"errors"
	"fmt"
	"os"

	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/store"
)

// Journal is a journal that is open for appends. Its methods must not be called
// concurrently.
type Journal struct {
	id       ID
	segments [2]*segment
	active   int    // the segment that takes the records
	last     uint64 // position of the newest record
	written  int64  // size of the record that waits for Sync
}

// Create makes a new journal, durable, whose first record will have the position after+1.
// It removes the segments that are there: the database says that they do not count. It
// refuses to remove those of another database. An error that wraps [store.ErrFull] or
// [store.ErrNotCommitted] changed nothing that counts; any other one is that of a sync.
func Create(p Place, id ID, after uint64) (*Journal, error) {
	j := &Journal{id: id, last: after}
	if err := p.Check(); err != nil {
		return nil, disk.NotCommitted(err)
	}
	if err := p.Remove(); err != nil {
		return nil, disk.NotCommitted(err)
	}
	for n := range j.segments {
		s, err := createSegment(p, id, n)
		if err != nil {
			return nil, errors.Join(err, j.Remove())
		}
		j.segments[n] = s
	}
	if err := disk.SyncDir(p.dir()); err != nil {
		return nil, errors.Join(err, j.Remove())
	}
	return j, nil
}

// Write seals a record and writes it: HeaderSize bytes for the header, then the payload. Its
// position is one more than that of the last one. It counts, and is durable, once [Journal.Sync]
// has returned; nothing else may be done in between. With useReserve it may use space that is
// kept for changes that end or remove something. After an error that wraps [store.ErrFull] or
// [store.ErrNotCommitted] the journal is as before; after any other one the outcome is
// unknown, and the journal must not be used.
func (j *Journal) Write(record []byte, useReserve bool) error {
	if len(record)-HeaderSize > MaxPayload {
		return fmt.Errorf("%w: a change of %d bytes is too large", store.ErrNotCommitted, len(record))
	}
	s := j.segments[j.active]
	if err := s.makeRoom(int64(len(record)), useReserve); err != nil {
		return err
	}
	seal(record, j.id, j.last+1)
	if err := s.write(record); err != nil {
		return err
	}
	j.written = int64(len(record))
	if len(record) >= startSize {
		disk.StartWrite(s.file, s.end, j.written)
	}
	return nil
}

// startSize is the least size of a record that the disk begins to write before its sync. The
// store uses that time. For a smaller record, to say so costs more than it gains.
const startSize = 8 << 10

// Sync makes the record durable that was written. After an error its outcome is unknown, and
// the journal must not be used.
func (j *Journal) Sync() error {
	s := j.segments[j.active]
	if err := disk.SyncData(s.file); err != nil {
		return err
	}
	s.end += j.written
	j.last++
	return nil
}

// Next is the position of the next record.
func (j *Journal) Next() uint64 { return j.last + 1 }

// Skip leaves out a position: its change went straight to the database, which has all
// records before.
func (j *Journal) Skip() { j.last++ }

// Size is the size of both segments.
func (j *Journal) Size() int64 { return j.segments[0].size + j.segments[1].size }

// Switch makes the other segment the active one. The database must have all its records,
// on the disk.
func (j *Journal) Switch() {
	j.active = 1 - j.active
	j.segments[j.active].end = headSize
}

// Close closes the files.
func (j *Journal) Close() error {
	var failed error
	for _, s := range j.segments {
		if s != nil {
			failed = errors.Join(failed, s.file.Close())
		}
	}
	return failed
}

// Remove removes the files. The database must have all records, on the disk, and must not
// say that its journal is in use.
func (j *Journal) Remove() error {
	failed := j.Close()
	for _, s := range j.segments {
		if s != nil {
			failed = errors.Join(failed, os.Remove(s.path))
		}
	}
	return failed
}
