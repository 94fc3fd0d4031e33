package boltstore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"jrweb/eventlog/store"
)

// room is the space of a bbolt file. The file is longer than the part that bbolt uses, and
// the disk has already given it that space. A commit stays within it, so a full disk shows
// here, before the commit, and not at a sync. The last part of the file is the reserve.
// Only changes that end or remove something may use it, so they work when the disk has no
// more space.
//
// Only the one running Update uses room.
type room struct {
	file *os.File
	max  int64 // how many bytes may be in use after an append, 0 for no limit

	written int64     // zeros were written up to here, or bbolt uses it
	backed  int64     // the disk has given the file its space up to here, 0 if that is not known yet
	kept    int64     // the reserve for large values that the file had when it was opened
	largest int64     // the largest value written: a page with such a value is moved when its neighbors are deleted
	refused time.Time // when the disk last had no space
}

const (
	minReserve = 2 << 20
	// maxRewritten is enough for the largest events that a log takes by default.
	maxRewritten = 40 << 20
	// rewrites is how many large values one deletion may have to move. bbolt keeps up to
	// four on one page and merges that page with the next one, and a deleted range has such
	// a page at both ends.
	rewrites = 10
	// refusedPause is how long a full disk is not asked again for the reserve. Each append
	// asks anyway.
	refusedPause = time.Second
)

func newRoom(f *os.File, used, maxBytes int64) (room, error) {
	info, err := f.Stat()
	if err != nil {
		return room{}, err
	}
	kept := max(0, info.Size()-used-used/128-minReserve-growStep(used))
	return room{file: f, max: maxBytes, kept: kept}, nil
}

// growStep is how much the file grows at once, so that the sync that this takes is rare.
func growStep(used int64) int64 { return min(max(1<<20, used/8), 64<<20) }

// step is growStep, without space that no append could use.
func (r *room) step(used int64) int64 {
	if r.max > 0 {
		return min(growStep(used), max(0, r.max-used))
	}
	return growStep(used)
}

// reserve is how much is kept back when bbolt uses the file up to used. It has room for
// three copies of the list of free pages, which takes 1/512 of the file if all pages are
// free.
func (r *room) reserve(used int64) int64 {
	return minReserve + used/128 + min(max(r.kept, rewrites*r.largest), maxRewritten)
}

// limit is how far bbolt may use the file in the next transaction.
func (r *room) limit(used int64, useReserve bool) (int64, error) {
	if useReserve { // including space that the disk has not promised: to try harms nothing
		info, err := r.file.Stat()
		if err != nil {
			return 0, fmt.Errorf("%w: %w", store.ErrNotCommitted, err)
		}
		return info.Size(), nil
	}
	limit := r.backed - r.reserve(used)
	if r.max > 0 {
		limit = min(limit, r.max)
	}
	return max(1, limit), nil // 0 would mean no limit to bbolt
}

// check refuses an append if more bytes than allowed would be in use.
func (r *room) check(inUse, added int64) error {
	if r.max > 0 && inUse+added > r.max {
		return fmt.Errorf("%w: %d bytes of the database are in use, and %d are the limit", store.ErrFull, inUse, r.max)
	}
	return nil
}

// keepReserve makes the reserve complete again, if the disk has the space.
func (r *room) keepReserve(used int64) error {
	if r.backed >= used+r.reserve(used) || time.Since(r.refused) < refusedPause {
		return nil
	}
	err := r.extend(used, r.step(used))
	if errors.Is(err, store.ErrFull) {
		err = r.extend(used, 0)
	}
	if errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrNotCommitted) {
		r.refused = time.Now()
		return nil // there may still be room for this transaction
	}
	return err
}

// grow makes room for a transaction that did not fit and needs about more bytes.
func (r *room) grow(used, more int64, useReserve bool) error {
	if !useReserve && r.max > 0 && used+more > r.max {
		return fmt.Errorf("%w: the database takes %d bytes, and %d are the limit", store.ErrFull, used, r.max)
	}
	err := r.extend(used, more+r.step(used))
	if errors.Is(err, store.ErrFull) {
		err = r.extend(used, more)
	}
	return err
}

// extend gets space for the reserve and more bytes after used. An error that wraps
// store.ErrFull or store.ErrNotCommitted changed nothing. Any other error is one of a sync,
// and the outcome is unknown.
func (r *room) extend(used, more int64) error {
	if r.backed < used {
		if err := r.backTail(used); err != nil {
			return err
		}
	}
	end := used + r.reserve(used) + more
	end += -end & (1<<16 - 1)
	if end <= r.backed {
		return nil
	}
	if err := allocate(r.file, r.backed, end-r.backed); err != nil {
		return notCommitted(err)
	}
	if err := r.file.Sync(); err != nil {
		return err
	}
	r.backed = end
	return nil
}

// backTail gets space for the part of the file that exists but is not in use: the file may
// have been made longer without it.
func (r *room) backTail(used int64) error {
	r.backed = used
	info, err := r.file.Stat()
	if err == nil && info.Size() > used {
		err = allocate(r.file, used, info.Size()-used)
	}
	if err != nil {
		return notCommitted(err)
	}
	r.backed = max(used, info.Size())
	return nil
}

// writeAhead writes aheadStep bytes at once, few enough for the sync of one commit. It
// writes them in small pieces, because the page cache keeps what was written together in
// one piece, and a sync of one page in a large piece takes longer.
const (
	aheadStep  = 1 << 20
	aheadWrite = 16 << 10
)

var zeros [aheadWrite]byte

// writeAhead writes zeros after used, when a commit of added bytes comes near space that
// was never written. In space that was only allocated, the first write to each page makes
// the file system record that the page now holds data, and the sync waits for that too. So
// one commit pays this cost for many. Nothing refers to the space after used, so it may
// hold anything. A failure changes nothing; the commit that needs the space will meet it
// again.
func (r *room) writeAhead(used, added int64) {
	r.written = max(r.written, used)
	if r.written >= used+2*added+aheadStep/8 || added > aheadStep/4 {
		return
	}
	for end := min(r.written+aheadStep, r.backed); r.written < end; {
		n, err := r.file.WriteAt(zeros[:min(aheadWrite, end-r.written)], r.written)
		r.written += int64(n)
		if err != nil {
			return
		}
	}
}

// lengthen makes a file longer, if it ends before end.
func lengthen(f *os.File, end int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() >= end {
		return err
	}
	return f.Truncate(end)
}

// notCommitted wraps an error of an operation that is known to have changed nothing.
func notCommitted(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w", store.ErrFull, err)
		}
	}
	return fmt.Errorf("%w: %w", store.ErrNotCommitted, err)
}
