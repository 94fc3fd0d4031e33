package record

import (
	"encoding/binary"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// store.Activity lists tasks by their changes. Every commit that changes a task
// gives it a greater number and puts an entry with that number to the end of the
// bucket, where it costs one page, however many tasks the commit changes. The
// number also stands in what was written for the change: the record of the task,
// or the states of its open sessions. The greatest of these is the task's own.
//
// The entry that stood for the task before goes at once if it is near the end.
// Else it is on a page of its own, so it is left there: readers skip an entry that
// is not its task's last one. The new entry names it, and once in a while a commit
// removes what is named since the last time (sweep). How far that went stands in
// KeyLastSweep, so that an open finds in a few entries what is still to be removed.

const (
	// SweepChanges is how many changes are made before what they replaced is
	// removed: few enough that no append waits for long, and no reader skips much.
	SweepChanges = 1000
	// nearChanges is how far from the end an entry is likely to be on the last page.
	nearChanges = 64
)

// Carried is what the committer carries from one commit to the next.
type Carried struct {
	Session event.SessionID // the greatest id issued
	Change  uint64          // the greatest change issued
	swept   uint64          // the change of the last sweep
	Stale   []uint64        // entries that were left since, in any order
}

var (
	// KeyLastSession holds the greatest id that was given out.
	KeyLastSession = []byte("last_session")
	// keyLastChange holds the change of the last deletion of a task. Every other
	// change stands in store.Activity, until a greater one takes its place.
	keyLastChange = []byte("last_change")
	// KeyLastSweep holds the change up to which no entry of store.Activity names
	// one that is still there.
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
	// A damaged entry hides what it names, which readers skip; the last one hides
	// where counting goes on.
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

// EncodeActivity makes the entry of a change: the task, 00, then the changes
// whose entries it replaces, 8 bytes each.
func EncodeActivity(key []byte, task string, replaced []uint64) []byte {
	record := make([]byte, RecordHeader, RecordHeader+len(task)+1+8*len(replaced))
	record = append(append(record, task...), 0)
	for _, change := range replaced {
		record = binary.BigEndian.AppendUint64(record, change)
	}
	return seal(store.Activity, key, record)
}

// DecodeActivity returns the task of the entry of a change, and the changes whose entries it
// replaces.
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

// replace removes the entry of a change, or leaves it to a sweep. It adds to left
// what the entry in its place has to name.
func (tx *Txn) replace(change uint64, left []uint64) []uint64 {
	if tx.Last.Change-change >= nearChanges {
		tx.Last.Stale = append(tx.Last.Stale, change)
		return append(left, change)
	}
	key := ChangeKey(change)
	if raw := tx.Get(store.Activity, key); raw != nil && change > tx.Last.swept {
		// In a damaged entry the names are lost: then what they name is only skipped.
		if _, named, err := DecodeActivity(key, raw); err == nil {
			left = append(left, named...)
		}
	}
	tx.Delete(store.Activity, key)
	return left
}

// sweep removes the entries that were left, if they may have become many. In a
// shared store none are: what this log remembers of them is nothing to go by. It
// may change some hundred pages; where the store has no room left for them, an
// append that would have fitted is refused with it.
func (tx *Txn) sweep() {
	last := &tx.Last
	switch due := last.Change - last.swept; {
	case due == 0, due < SweepChanges && !tx.Shared:
		return
	case tx.Full != nil: // it may change many pages, and the reserve is for ends and deletions
		return
	}
	// Sorted, they lie side by side. The committer may need its own again.
	for _, change := range slices.Sorted(slices.Values(last.Stale)) {
		tx.Delete(store.Activity, ChangeKey(change))
	}
	last.swept, last.Stale = last.Change, nil
	tx.Put(store.Meta, KeyLastSweep, Encode(store.Meta, KeyLastSweep, ChangeKey(last.swept)))
}

// entriesOf returns the keys of the entries of changes, and of all that they
// replaced and that are still there.
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
		// A damaged entry goes as well; what it replaced, its readers skip.
		if _, replaced, err := DecodeActivity(key, raw); err == nil {
			changes = append(changes, replaced...)
		}
	}
	return keys
}
