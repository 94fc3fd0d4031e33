package sqlite

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// wal is what is known of a write-ahead log: where the last committed state of each page in
// it is. It is read on from where it was read up to.
type wal struct {
	file   *os.File
	order  binary.ByteOrder // of the words that are summed up
	salts  [8]byte
	size   int64            // of a page
	end    int64            // up to where it is committed and read
	sum    [2]uint32        // of all up to there
	pages  map[uint32]int64 // where the last state of each page begins
	length uint32           // of the database, in pages
}

const (
	walHeader   = 32
	frameHeader = 24
)

// openWAL opens the log of a database. It returns nil if there is none, or nothing in it.
func openWAL(path string) (*wal, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	w := &wal{file: file, pages: map[uint32]int64{}}
	header, ok := w.header()
	if !ok {
		return nil, file.Close()
	}
	copy(w.salts[:], header[16:24])
	w.end = walHeader
	w.sum = w.add([2]uint32{}, header[:24])
	if w.sum != sumAt(header[24:]) {
		return nil, file.Close() // its first write is under way
	}
	if _, err := w.grow(nil); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return w, nil
}

// header reads the header, and what it says of the order of bytes and the size of pages.
func (w *wal) header() (header [walHeader]byte, ok bool) {
	if _, err := w.file.ReadAt(header[:], 0); err != nil {
		return header, false
	}
	switch binary.BigEndian.Uint32(header[:]) {
	case 0x377f0682:
		w.order = binary.LittleEndian
	case 0x377f0683:
		w.order = binary.BigEndian
	default:
		return header, false
	}
	w.size = int64(binary.BigEndian.Uint32(header[8:]))
	return header, w.size >= leastPage && w.size <= mostPage && w.size&(w.size-1) == 0
}

// same reports whether the log is still the one that was read: a writer starts it again, from
// its start, once all of it is in the database.
func (w *wal) same(path string) bool {
	now, err := os.Stat(path)
	if err != nil {
		return false
	}
	was, err := w.file.Stat()
	if err != nil || !os.SameFile(was, now) || now.Size() < w.end {
		return false
	}
	header, ok := w.header()
	return ok && [8]byte(header[16:24]) == w.salts
}

// grow reads what was committed since. Changed hears of each page; it may be nil.
func (w *wal) grow(changed func(page uint32)) (commits int, err error) {
	frame := make([]byte, frameHeader+w.size)
	at, sum := w.end, w.sum
	waiting := map[uint32]int64{}
	for {
		if _, err := w.file.ReadAt(frame, at); errors.Is(err, io.EOF) {
			return commits, nil
		} else if err != nil {
			return commits, err
		}
		sum = w.add(w.add(sum, frame[:8]), frame[frameHeader:])
		if [8]byte(frame[8:16]) != w.salts || sum != sumAt(frame[16:]) {
			return commits, nil // what follows is of an earlier use, or under way
		}
		page, length := binary.BigEndian.Uint32(frame), binary.BigEndian.Uint32(frame[4:])
		waiting[page] = at + frameHeader
		at += int64(len(frame))
		if length == 0 {
			continue
		}
		for page, at := range waiting {
			w.pages[page] = at
			if changed != nil {
				changed(page)
			}
		}
		clear(waiting)
		w.end, w.sum, w.length = at, sum, length
		commits++
	}
}

// add goes on with a sum.
func (w *wal) add(sum [2]uint32, data []byte) [2]uint32 {
	for ; len(data) >= 8; data = data[8:] {
		sum[0] += w.order.Uint32(data) + sum[1]
		sum[1] += w.order.Uint32(data[4:]) + sum[0]
	}
	return sum
}

func sumAt(data []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])}
}

func (w *wal) close() {
	if w != nil {
		_ = w.file.Close() // it was only read from
	}
}
