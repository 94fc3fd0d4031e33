package journal

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"

	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/store"
)

// Entry is a record that was read.
type Entry struct {
	Position uint64
	Payload  []byte
	segment  int
	at, size int // of the record within its segment
}

// Contents are the records of a journal that its database does not have.
type Contents struct {
	// Older are the records of the segment that was used before, Newer those of the active
	// one. Both are in the order of their positions.
	Older, Newer []Entry
	id           ID
	last         uint64 // the newest position
	data         [2][]byte
}

// Read reads a journal whose database has everything up to the position after. It changes
// nothing. The error wraps [store.ErrDamaged] if a segment is missing or of another journal,
// or if a record is missing or damaged that was acknowledged.
func Read(p Place, id ID, after uint64) (*Contents, error) {
	c := &Contents{id: id, last: after}
	var entries []Entry
	for n := range c.data {
		data, err := readSegment(p, id, n)
		if err != nil {
			return nil, err
		}
		c.data[n] = data
		entries = append(entries, find(data, id, n, after)...)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Position, b.Position) })
	for _, e := range entries {
		if e.Position != c.last+1 {
			return nil, fmt.Errorf("%w: its journal has no whole record %d, but one with the number %d, in %s at byte %d",
				store.ErrDamaged, c.last+1, e.Position, p.Segment(e.segment), e.at)
		}
		c.last++
	}
	if len(entries) == 0 {
		return c, nil
	}
	active := entries[len(entries)-1].segment
	first := slices.IndexFunc(entries, func(e Entry) bool { return e.segment == active })
	c.Older, c.Newer = entries[:first], entries[first:]
	for _, use := range [][]Entry{c.Older, c.Newer} {
		for i, e := range use {
			if e.segment != use[0].segment || i > 0 && e.at < use[i-1].at {
				return nil, fmt.Errorf("%w: record %d of its journal is in the wrong place, in %s at byte %d", store.ErrDamaged, e.Position, p.Segment(e.segment), e.at)
			}
		}
	}
	return c, nil
}

// find returns all whole records of a segment behind a position, wherever they stand.
func find(data []byte, id ID, number int, after uint64) (entries []Entry) {
	for at := headSize; ; {
		next := bytes.Index(data[min(at, len(data)):], magic)
		if next < 0 {
			return entries
		}
		at += next
		position, size, ok := parse(data[at:], id)
		if !ok {
			at++
			continue
		}
		if position > after {
			entries = append(entries, Entry{position, data[at+HeaderSize : at+size], number, at, size})
		}
		at += size
	}
}

// Open opens a journal for appends after its contents were read, and makes sure that these
// are on the disk: after a sync that failed, the kernel may treat pages as clean that are
// not on the disk, and a second sync proves nothing. So the records are written again.
func (c *Contents) Open(p Place) (j *Journal, err error) {
	j = &Journal{id: c.id, last: c.last}
	defer func() {
		if err != nil {
			err = errors.Join(err, j.Close())
		}
	}()
	for n, data := range c.data {
		file, err := os.OpenFile(p.Segment(n), os.O_RDWR, 0)
		if err != nil {
			return j, err
		}
		size := int64(len(data))
		j.segments[n] = &segment{file: file, path: p.Segment(n), end: headSize, size: size, filled: size}
	}
	for _, entries := range [][]Entry{c.Older, c.Newer} {
		if len(entries) == 0 {
			continue
		}
		first, last := entries[0], entries[len(entries)-1]
		s := j.segments[last.segment]
		j.active, s.end = last.segment, int64(last.at+last.size)
		if _, err := s.file.WriteAt(c.data[last.segment][first.at:s.end], int64(first.at)); err != nil {
			return j, fmt.Errorf("%w: settle the journal: %w", store.ErrFailed, err)
		}
		if err := disk.SyncData(s.file); err != nil {
			return j, fmt.Errorf("%w: settle the journal: %w", store.ErrFailed, err)
		}
	}
	return j, nil
}
