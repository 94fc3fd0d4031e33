package filestore

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/store"
)

// room is the space of a bbolt file. The file is longer than the part that bbolt uses, and
// the disk has already given it that space. Room is decided when something is appended, not
// when a checkpoint takes it into the file: so a full disk shows before anything is
// acknowledged, and not at a sync. The last part of the file is the reserve. Only changes
// that end or remove something may count on it, so they work when the disk has no more
// space.
type room struct {
	mu   sync.Mutex
	file *os.File
	max  int64 // how many bytes may be in use after an append, 0 for no limit

	used, free int64     // what bbolt uses of the file, and what is free of that
	backed     int64     // the disk has given the file its space up to here, 0 if that is not known yet
	kept       int64     // the reserve for large values that the file had when it was opened
	largest    int64     // the largest value written: a page with such a value is moved when its neighbors are deleted
	refused    time.Time // when the disk last had no space
}

// size is about how much something takes that is not in the file yet.
type size struct {
	bytes   int64
	ops     int64
	reserve bool // it may use the reserve
}

func (s size) plus(t size) size { return size{bytes: s.bytes + t.bytes, ops: s.ops + t.ops} }

const (
	minReserve = 2 << 20
	// maxRewritten is enough for the largest events that a log takes by default.
	maxRewritten = 40 << 20
	// rewrites is how many large values one deletion may have to move. bbolt keeps up to
	// four on one page and merges that page with the next one, and a deleted range has such
	// a page at both ends.
	rewrites = 10
	// refusedPause is how long a full disk is not asked again for the reserve. Each append
	// that needs space asks anyway.
	refusedPause = time.Second
	// pageBytes is what an op may take beside its bytes: a page that is copied to be
	// changed.
	pageBytes = 4096
)

func (r *room) init(f *os.File, used, maxBytes int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r.file, r.max = f, maxBytes
	r.kept = max(0, info.Size()-used-used/128-minReserve-growStep(used))
	return nil
}

// counted sets what bbolt uses of the file, and what is free of that.
func (r *room) counted(used, free int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used, r.free = used, free
}

// wrote notes the largest value of a transaction.
func (r *room) wrote(largest int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.largest = max(r.largest, largest)
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

// admit makes sure that there is room for what is not in the file yet. An error that wraps
// [store.ErrFull] or [store.ErrNotCommitted] changed nothing.
func (r *room) admit(pending size) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Pages are not full, and are rewritten when they change. Their old copies become free when
	// nobody reads them any more.
	need := 2 * pending.bytes
	if inUse := r.used - r.free + need; r.max > 0 && inUse > r.max {
		return fmt.Errorf("%w: %d bytes of the database would be in use, and %d are the limit", store.ErrFull, inUse, r.max)
	}
	need += min(pending.ops*pageBytes, r.used)
	if r.max > 0 {
		need = min(need, max(0, r.max-r.used)+minReserve/2)
	}
	// The reserve may consist of free pages, too.
	if r.backed-r.used+r.free >= need+r.reserve(r.used) {
		return r.keepReserve()
	}
	err := r.extend(r.used, need-r.free+r.step(r.used))
	if errors.Is(err, store.ErrFull) {
		err = r.extend(r.used, need-r.free)
	}
	return err
}

// keepReserve makes the reserve complete again, if the disk has the space.
func (r *room) keepReserve() error {
	if r.backed >= r.used+r.reserve(r.used) || time.Since(r.refused) < refusedPause {
		return nil
	}
	err := r.extend(r.used, r.step(r.used))
	if errors.Is(err, store.ErrFull) {
		err = r.extend(r.used, 0)
	}
	if errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrNotCommitted) {
		r.refused = time.Now()
		return nil // there is room without it
	}
	return err
}

// limit is how far bbolt may use the file in the next transaction, whose largest value is
// given.
func (r *room) limit(used, largest int64, useReserve bool) (int64, error) {
	if useReserve { // including space that the disk has not promised: to try harms nothing
		info, err := r.file.Stat()
		if err != nil {
			return 0, fmt.Errorf("%w: %w", store.ErrNotCommitted, err)
		}
		return info.Size(), nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.largest
	r.largest = max(r.largest, largest)
	limit := r.backed - r.reserve(used)
	r.largest = before
	return max(1, limit), nil // 0 would mean no limit to bbolt
}

// grow makes room for a transaction that did not fit and needs about more bytes.
func (r *room) grow(used, more int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
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
	if err := disk.Allocate(r.file, r.backed, end-r.backed); err != nil {
		return disk.NotCommitted(err)
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
		err = disk.Allocate(r.file, used, info.Size()-used)
	}
	if err != nil {
		return disk.NotCommitted(err)
	}
	r.backed = max(used, info.Size())
	return nil
}
