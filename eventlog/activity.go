package eventlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// bucketActivity lists tasks by their changes. Every commit that changes a task
// gives it a greater number and puts an entry with that number to the end of the
// bucket, where it costs one page, however many tasks the commit changes. The
// number also stands in what was written for the change: the record of the task,
// or the states of its open sessions. The greatest of these is the task's own.
//
// The entry that stood for the task before goes at once if it is near the end.
// Else it is on a page of its own, so it is left there: readers skip an entry that
// is not its task's last one. The new entry names it, and once in a while a commit
// removes what is named since the last time (sweep). How far that went stands in
// keyLastSweep, so that an open finds in a few entries what is still to be removed.

const (
	// sweepChanges is how many changes are made before what they replaced is
	// removed: few enough that no append waits for long, and no reader skips much.
	sweepChanges = 1000
	// nearChanges is how far from the end an entry is likely to be on the last page.
	nearChanges = 64
)

// state is what the committer carries from one commit to the next.
type state struct {
	session SessionID // the greatest id issued
	change  uint64    // the greatest change issued
	swept   uint64    // the change of the last sweep
	stale   []uint64  // entries that were left since, in any order
}

var (
	keyLastSession = []byte("last_session")
	// keyLastChange holds the change of the last deletion of a task. Every other
	// change stands in bucketActivity, until a greater one takes its place.
	keyLastChange = []byte("last_change")
	// keyLastSweep holds the change up to which no entry of bucketActivity names
	// one that is still there.
	keyLastSweep = []byte("last_sweep")
)

// readState reads what the last commit left.
func readState(r Reader) (last state, err error) {
	if raw := r.Get(bucketMeta, keyLastSession); raw != nil {
		id, err := decodeRecord(bucketMeta, keyLastSession, raw)
		if err != nil {
			return state{}, err
		}
		copy(last.session[:], id)
	}
	for _, number := range []struct {
		key []byte
		to  *uint64
	}{{keyLastChange, &last.change}, {keyLastSweep, &last.swept}} {
		if raw := r.Get(bucketMeta, number.key); raw != nil {
			payload, err := decodeRecord(bucketMeta, number.key, raw)
			if err != nil {
				return state{}, err
			}
			*number.to = parseNumber(payload)
		}
	}
	// A damaged entry hides what it names, which readers skip; the last one hides
	// where counting goes on.
	var damage error
	for key, raw := range r.Ascend(bucketActivity, changeKey(last.swept+1), nil) {
		_, left, err := decodeActivity(key, raw)
		if damage = err; err == nil {
			last.stale = append(last.stale, left...)
			last.change = max(last.change, parseNumber(key))
		}
	}
	last.change = max(last.change, last.swept)
	return last, damage
}

// encodeActivity makes the entry of a change: the task, 00, then the changes
// whose entries it replaces, 8 bytes each.
func encodeActivity(key []byte, task string, replaced []uint64) []byte {
	record := make([]byte, recordHeader, recordHeader+len(task)+1+8*len(replaced))
	record = append(append(record, task...), 0)
	for _, change := range replaced {
		record = binary.BigEndian.AppendUint64(record, change)
	}
	return sealRecord(bucketActivity, key, record)
}

func decodeActivity(key, record []byte) (task string, replaced []uint64, err error) {
	payload, err := decodeRecord(bucketActivity, key, record)
	if err != nil {
		return "", nil, err
	}
	end := slices.Index(payload, 0)
	if end < 0 || (len(payload)-end-1)%8 != 0 {
		return "", nil, &DamageError{Bucket: bucketActivity, Key: append([]byte(nil), key...), Reason: "is no entry of a task"}
	}
	for rest := payload[end+1:]; len(rest) > 0; rest = rest[8:] {
		replaced = append(replaced, binary.BigEndian.Uint64(rest))
	}
	return string(payload[:end]), replaced, nil
}

// replace removes the entry of a change, or leaves it to a sweep. It adds to left
// what the entry in its place has to name.
func (tx *txn) replace(change uint64, left []uint64) []uint64 {
	if tx.last.change-change >= nearChanges {
		tx.last.stale = append(tx.last.stale, change)
		return append(left, change)
	}
	key := changeKey(change)
	if raw := tx.Get(bucketActivity, key); raw != nil && change > tx.last.swept {
		// In a damaged entry the names are lost: then what they name is only skipped.
		if _, named, err := decodeActivity(key, raw); err == nil {
			left = append(left, named...)
		}
	}
	tx.Delete(bucketActivity, key)
	return left
}

// sweep removes the entries that were left, if they may have become many. In a
// shared store none are: what this log remembers of them is nothing to go by. It
// may change some hundred pages; where the store has no room left for them, an
// append that would have fitted is refused with it.
func (tx *txn) sweep() {
	last := &tx.last
	switch due := last.change - last.swept; {
	case due == 0, due < sweepChanges && !tx.shared:
		return
	case tx.full != nil: // it may change many pages, and the reserve is for ends and deletions
		return
	}
	// Sorted, they lie side by side. The committer may need its own again.
	for _, change := range slices.Sorted(slices.Values(last.stale)) {
		tx.Delete(bucketActivity, changeKey(change))
	}
	last.swept, last.stale = last.change, nil
	tx.Put(bucketMeta, keyLastSweep, encodeRecord(bucketMeta, keyLastSweep, changeKey(last.swept)))
}

// entriesOf returns the keys of the entries of changes, and of all that they
// replaced and that are still there.
func (tx *txn) entriesOf(changes []uint64) (keys [][]byte) {
	for seen := map[uint64]bool{0: true}; len(changes) > 0; {
		change := changes[0]
		changes = changes[1:]
		key := changeKey(change)
		raw := tx.Get(bucketActivity, key)
		if seen[change] || raw == nil {
			continue
		}
		seen[change] = true
		keys = append(keys, key)
		// A damaged entry goes as well; what it replaced, its readers skip.
		if _, replaced, err := decodeActivity(key, raw); err == nil {
			changes = append(changes, replaced...)
		}
	}
	return keys
}

// activity reads tasks by their entries in bucketActivity, each task once. It keeps
// nothing of them but their changes: a task may have a long description.
type activity struct {
	Reader
	log     *Log
	changes map[string]uint64 // the last one of each task; 0: there is none that can be read
}

func (l *Log) newActivity(r Reader) *activity {
	return &activity{Reader: r, log: l, changes: map[string]uint64{}}
}

// task returns the task of an entry. ok is false if the task has changed since, is
// gone, or is damaged.
func (a *activity) task(key, raw []byte) (task Task, ok bool) {
	id, _, err := decodeActivity(key, raw)
	if err != nil {
		a.log.passOver(err)
		return Task{}, false
	}
	change := parseNumber(key)
	last, seen := a.changes[id]
	if seen && (last == 0 || last > change) {
		return Task{}, false
	}
	record, err := a.log.readTask(a.Reader, id)
	if err != nil {
		a.changes[id] = 0
		if !errors.Is(err, ErrTaskNotFound) {
			a.log.passOver(fmt.Errorf("task %s: %w", id, err))
		}
		return Task{}, false
	}
	a.changes[id] = record.Change
	switch {
	case record.Change > change:
		return Task{}, false
	case record.Change < change:
		a.log.passOver(&DamageError{Bucket: bucketActivity, Key: bytes.Clone(key), Reason: "the task has not changed so late"})
		return Task{}, false
	}
	return record.info(), true
}
