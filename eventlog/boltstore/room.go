package boltstore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"jrweb/eventlog/store"
)

// room is the space of a bbolt file. The file is longer than what bbolt uses of
// it, and has that space from the disk already: a commit stays within it, so
// that a full disk is met here, before the commit, and not by a sync. Nearest to
// the end is the reserve, which only changes that end or remove something may
// use: they work when there is no more space to be had.
//
// Only the one Update that runs uses it.
type room struct {
	file *os.File
	max  int64 // how many bytes may be in use after an append, 0 for any number

	written int64     // zeros were written up to here, or bbolt uses it
	backed  int64     // the disk has given the file its space up to here, 0 if that is not known yet
	kept    int64     // what the reserve had for large values before the file was opened
	largest int64     // the largest value written: pages with such values are moved when their neighbors go
	refused time.Time // when the disk last had no space
}

const (
	minReserve = 2 << 20
	// maxRewritten is enough for the largest events that a log takes by default.
	maxRewritten = 40 << 20
	// rewrites is how many large values one deletion may have to move: bbolt
	// keeps up to four on one page, merges that with the next one, and both ends
	// of what is deleted have such a page.
	rewrites = 10
	// refusedPause is how long a disk that was full is not asked again for the
	// reserve. Appends ask each time.
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

// growStep is how much the file grows at once, so that the sync that this takes
// is rare.
func growStep(used int64) int64 { return min(max(1<<20, used/8), 64<<20) }

// step is growStep, but for what no append could use.
func (r *room) step(used int64) int64 {
	if r.max > 0 {
		return min(growStep(used), max(0, r.max-used))
	}
	return growStep(used)
}

// reserve is how much is kept back when bbolt uses the file up to used. It
// holds the list of free pages, which takes 1/512 of the file if all are free,
// three times over.
func (r *room) reserve(used int64) int64 {
	return minReserve + used/128 + min(max(r.kept, rewrites*r.largest), maxRewritten)
}

// limit is how far bbolt may use the file in the next transaction.
func (r *room) limit(used int64, useReserve bool) (int64, error) {
	if useReserve { // also of what the disk has not promised: to try harms nothing
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
	return max(1, limit), nil // bbolt takes 0 for no limit
}

// check refuses an append that would go beyond the number of bytes that may be in use.
func (r *room) check(inUse, added int64) error {
	if r.max > 0 && inUse+added > r.max {
		return fmt.Errorf("%w: %d bytes of the database are in use, and %d are the limit", store.ErrFull, inUse, r.max)
	}
	return nil
}

// keepReserve makes the reserve whole, if the disk has the space.
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
		return nil // there may be room for this transaction all the same
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

// extend gets space for the reserve and more bytes ahead of used. An error that
// wraps store.ErrFull or store.ErrNotCommitted leaves things as they were. Any other is of a
// sync, after which nothing is known.
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

// backTail gets space for the part of the file that is there and not in use: it
// may have been made longer without.
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

// writeAhead writes aheadStep bytes at once: little enough for the sync of one commit.
// It does so in small writes, because the page cache keeps what was written together in
// one piece, and a sync of one page in a large piece takes longer.
const (
	aheadStep  = 1 << 20
	aheadWrite = 16 << 10
)

var zeros [aheadWrite]byte

// writeAhead writes zeros behind used, when a commit that puts so many bytes comes near
// what was not written to yet. In space that was only allocated, each first write of a
// page makes the file system note that the page holds something now, and the sync waits
// for that too: so one commit pays it for many. Nothing refers to what is behind used,
// and it may hold anything. A failure changes nothing, and the commit that needs the
// space meets it again.
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

// notCommitted wraps the failure of something that is known to have changed nothing.
func notCommitted(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w", store.ErrFull, err)
		}
	}
	return fmt.Errorf("%w: %w", store.ErrNotCommitted, err)
}
