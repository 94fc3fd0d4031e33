package record

import (
	"encoding/binary"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// store.Activity lists tasks by their changes. Every commit that changes a task gives the
// task a greater number and adds an entry with that number at the end of the bucket. All
// new entries of a commit share a page, however many tasks it changes. The number also
// stands in what the change wrote: the record of the task, or the states of its open
// sessions. The greatest of these is the change of the task.
//
// The task's previous entry is removed at once if it is near the end. Otherwise its page is
// a different one, so the entry stays: readers skip an entry that is not the last one of
// its task. The new entry names it, and now and then a commit removes all entries that were
// named since the last time (sweep). KeyLastSweep records how far that went, so an open
// finds the entries that must still be removed by reading only a few.

const (
	// SweepChanges is the number of changes after which replaced entries are removed. It is
	// low enough that no append waits for long, and no reader skips many.
	SweepChanges = 1000
	// nearChanges is how far from the end an entry is likely to be on the last page.
	nearChanges = 64
)

// Carried is the state that the committer keeps from one commit to the next.
type Carried struct {
	Session event.SessionID // the greatest id issued
	Change  uint64          // the greatest change issued
	swept   uint64          // the change of the last sweep
	Stale   []uint64        // entries that were left since then, in any order
}

var (
	// KeyLastSession holds the greatest id that was given out.
	KeyLastSession = []byte("last_session")
	// keyLastChange holds the change of the last deletion of a task. Every other change is
	// in store.Activity, until a greater one replaces it.
	keyLastChange = []byte("last_change")
	// KeyLastSweep holds a change. No entry of store.Activity up to it names an entry that
	// still exists.
	KeyLastSweep = []byte("last_sweep")
)

// ReadCarried reads what the last commit left.
func ReadCarried(r store.Reader) (last Carried, err error) {
	if raw := r.Get(store.Meta, KeyLastSession); raw != nil {
		id, err := Decode(store.Meta, KeyLastSession, raw)
		if err != nil {
			return Carried{}, err
		}
		copy(last.Session[:], id)
	}
	for _, number := range []struct {
		key []byte
		to  *uint64
	}{{keyLastChange, &last.Change}, {KeyLastSweep, &last.swept}} {
		if raw := r.Get(store.Meta, number.key); raw != nil {
			payload, err := Decode(store.Meta, number.key, raw)
			if err != nil {
				return Carried{}, err
			}
			*number.to = ParseNumber(payload)
		}
	}
	// A damaged entry hides the names of older entries; readers skip those. But the last
	// entry says where counting goes on.
	var damage error
	for key, raw := range r.Ascend(store.Activity, ChangeKey(last.swept+1), nil) {
		_, left, err := DecodeActivity(key, raw)
		if damage = err; err == nil {
			last.Stale = append(last.Stale, left...)
			last.Change = max(last.Change, ParseNumber(key))
		}
	}
	last.Change = max(last.Change, last.swept)
	return last, damage
}

// EncodeActivity makes the entry of a change from its task and the changes whose entries it
// replaces.
func EncodeActivity(key []byte, task string, replaced []uint64) []byte {
	return encodeActivity(nil, key, task, replaced)
}

func encodeActivity(in *Scratch, key []byte, task string, replaced []uint64) []byte {
	record := in.room(RecordHeader + len(task) + 1 + 8*len(replaced))[:RecordHeader]
	record = append(append(record, task...), 0)
	for _, change := range replaced {
		record = binary.BigEndian.AppendUint64(record, change)
	}
	return seal(store.Activity, key, record)
}

// DecodeActivity returns the task of an entry, and the changes whose entries it replaces. An
// entry is the task, 00, then these changes, 8 bytes each.
func DecodeActivity(key, record []byte) (task string, replaced []uint64, err error) {
	payload, err := Decode(store.Activity, key, record)
	if err != nil {
		return "", nil, err
	}
	end := slices.Index(payload, 0)
	if end < 0 || (len(payload)-end-1)%8 != 0 {
		return "", nil, &store.DamageError{Bucket: store.Activity, Key: append([]byte(nil), key...), Reason: "is no entry of a task"}
	}
	for rest := payload[end+1:]; len(rest) > 0; rest = rest[8:] {
		replaced = append(replaced, binary.BigEndian.Uint64(rest))
	}
	return string(payload[:end]), replaced, nil
}

// replace removes the entry of a change, or leaves it for a sweep. It adds to left the
// changes that the next entry must name.
func (tx *Txn) replace(change uint64, left []uint64) []uint64 {
	if tx.Last.Change-change >= nearChanges {
		tx.Last.Stale = append(tx.Last.Stale, change)
		return append(left, change)
	}
	key := ChangeKey(change)
	if raw := tx.Get(store.Activity, key); raw != nil && change > tx.Last.swept {
		// The names in a damaged entry are lost. Readers skip the entries that it named.
		if _, named, err := DecodeActivity(key, raw); err == nil {
			left = append(left, named...)
		}
	}
	tx.Delete(store.Activity, key)
	return left
}

// sweep removes the entries that were left, once there may be many. It may change several
// hundred pages. If the store has no room for them, an append that would have
// fitted alone is refused as well.
func (tx *Txn) sweep() {
	last := &tx.Last
	switch due := last.Change - last.swept; {
	case due == 0, due < SweepChanges:
		return
	case tx.Full != nil: // it may change many pages, and the reserve is for ends and deletions
		return
	}
	// Sorted, so that neighbors are deleted together. The committer may need its own slice
	// again.
	for _, change := range slices.Sorted(slices.Values(last.Stale)) {
		tx.Delete(store.Activity, ChangeKey(change))
	}
	last.swept, last.Stale = last.Change, nil
	tx.Put(store.Meta, KeyLastSweep, Encode(store.Meta, KeyLastSweep, ChangeKey(last.swept)))
}

// entriesOf returns the keys of the entries of changes, and of all entries that they
// replaced and that still exist.
func (tx *Txn) entriesOf(changes []uint64) (keys [][]byte) {
	for seen := map[uint64]bool{0: true}; len(changes) > 0; {
		change := changes[0]
		changes = changes[1:]
		key := ChangeKey(change)
		raw := tx.Get(store.Activity, key)
		if seen[change] || raw == nil {
			continue
		}
		seen[change] = true
		keys = append(keys, key)
		// A damaged entry is removed as well. Readers skip the entries that it replaced.
		if _, replaced, err := DecodeActivity(key, raw); err == nil {
			changes = append(changes, replaced...)
		}
	}
	return keys
}
