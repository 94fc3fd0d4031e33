package dbfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/event"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Restored is the result of [Restore].
type Restored struct {
	Figures
	// Interrupted is how many sessions were open in the backup.
	Interrupted int
}

// Restore makes a new database file from a backup. It fails if path exists already
// ([fs.ErrExist]) or if the backup is damaged ([store.ErrDamaged]), and leaves no file
// behind then. Progress, which may be nil, is called from time to time.
//
// The original database was used after the backup, and may have added events to the
// sessions that were open. So Restore gives these sessions new ids, in their old order but
// after all others, and seals them as [event.Interrupted], reason "restored". A cursor with
// an old id is then unknown: its reader is told so and starts again. So no cursor can stand
// for two different events. The stored answers for idempotency keys of such a session are
// deleted with its old id.
//
// The restored database never issues an id that the original issued after the backup. Ids
// start with the time. This database starts above its own last id and the clock, at a
// random place within a millisecond. So two ids could be equal only if they had the same
// time and the same 80 random bits. The new ids are also greater, unless the clock of this
// machine is behind that of the original.
func Restore(ctx context.Context, backup, path string, progress func(done, total int64)) (Restored, error) {
	restored, err := restore(ctx, backup, path, progress)
	if err != nil {
		return Restored{}, fmt.Errorf("eventlog: restore %s: %w", backup, err)
	}
	return restored, nil
}

func restore(ctx context.Context, backup, path string, tell func(done, total int64)) (restored Restored, err error) {
	if _, err := os.Lstat(path); err == nil {
		return restored, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	from, err := boltfile.OpenAtRest(backup, false)
	if err != nil {
		return restored, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	steps := newSteps(tell, 2, 1)
	restored.Figures, err = check(ctx, from, &CheckOptions{Progress: steps.tell(0)})
	if err != nil {
		return restored, err
	}
	temporary, err := boltfile.NewUnfinished(path)
	if err != nil {
		return restored, err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // the file stays under its other name
	if err := temporary.Close(); err != nil {
		return restored, err
	}
	pending, err := filestore.ReadPending(from)
	if err != nil {
		return restored, err
	}
	renaming, err := newRenaming(from, pending, time.Now())
	if err != nil {
		return restored, err
	}
	copying := progressTo(steps.tell(1), restored.Size-restored.Free)
	if err := from.CopyRecords(ctx, temporary.Name(), pending.Over, renaming.rewrite, copying.addBytes); err != nil {
		return restored, err
	}
	if err := renaming.seal(ctx, temporary.Name()); err != nil {
		return restored, err
	}
	restored.Interrupted = len(renaming.ids)
	// Unlike a rename, a link never replaces a file that another process has made in the
	// meantime.
	if err := os.Link(temporary.Name(), path); err != nil {
		return restored, err
	}
	return restored, disk.SyncDir(filepath.Dir(path))
}

// renaming gives new ids to the sessions that were open in a backup. In the order of all
// events of their tasks they are new as well: ids rise with the starts. So all that they
// did is of the last change of the backup.
type renaming struct {
	ids  map[event.SessionID]event.SessionID // old to new
	of   map[string][]event.SessionID        // by task, the oldest first
	last event.SessionID                     // the last issued id
	// change is the last change.
	change uint64
	open   [][]byte // keys of the open sessions in the new database
}

func newRenaming(c *boltfile.File, pending *filestore.Pending, now time.Time) (*renaming, error) {
	n := &renaming{ids: map[event.SessionID]event.SessionID{}, of: map[string][]event.SessionID{}}
	err := c.DB.View(func(tx *bolt.Tx) error {
		r := pending.Over(&boltfile.Reader{Tx: tx})
		for key := range r.Ascend(store.Open, nil, nil) {
			task, id, _ := record.SplitSessionKey(key) // the file was checked
			n.ids[id] = event.SessionID{}
			n.of[task] = append(n.of[task], id)
		}
		last, err := record.ReadCarried(r)
		n.last, n.change = last.Session, last.Change
		return err
	})
	if err != nil {
		return nil, err
	}
	// Within the millisecond of its last id, the original may have counted up from that id.
	if next := startedAt(n.last).Add(time.Millisecond); next.After(now) {
		now = next
	}
	n.last = record.NextSessionID(now, n.last)
	for _, old := range slices.SortedFunc(maps.Keys(n.ids), record.CompareIDs) {
		n.last = record.NextSessionID(now, n.last)
		n.ids[old] = n.last
	}
	return n, nil
}

// rewrite makes a record of the new database from one of the backup.
func (n *renaming) rewrite(r *boltfile.Record) (keep bool, err error) {
	payload, err := record.Decode(r.Bucket, r.Key, r.Value)
	if err != nil {
		return false, err
	}
	switch r.Bucket {
	case store.Meta:
		if bytes.Equal(r.Key, record.KeyLastSession) {
			r.Value = record.Encode(r.Bucket, r.Key, n.last[:])
		}
		return true, nil
	case store.Events:
		to, isOpen := n.ids[event.SessionID(r.Key[:len(event.SessionID{})])]
		if !isOpen {
			return true, nil
		}
		key := record.EventKey(to, record.EventSequence(r.Key))
		if !record.IsState(r.Value) {
			var e event.Event
			if err := record.ViewEvent(&e, r.Key, r.Value); err != nil {
				return false, err
			}
			e.Change = n.change
			r.Key, r.Value = key, record.EncodeEvent(key, &e)
			return true, nil
		}
		r.Key = key
	case store.Sessions:
		task, id, _ := record.SplitSessionKey(r.Key)
		to, isOpen := n.ids[id]
		if !isOpen {
			return true, nil
		}
		s, err := record.DecodeSession(task, r.Key, r.Value)
		if err != nil {
			return false, err
		}
		s.Born, s.Beside = n.change, nil
		for _, older := range n.of[task] { // they end together
			if older == id {
				break
			}
			s.Beside = append(s.Beside, n.ids[older])
		}
		if s.First > 1 {
			s.Trimmed = n.change
		}
		r.Key = record.SessionKey(task, to)
		r.Value = s.Encode(r.Key)
		return true, nil
	case store.Open:
		task, id, _ := record.SplitSessionKey(r.Key)
		to, isOpen := n.ids[id]
		if !isOpen {
			return true, nil
		}
		r.Key = record.SessionKey(task, to)
		n.open = append(n.open, r.Key)
	case store.Spent, store.Said:
		to, isOpen := n.ids[event.SessionID(r.Key[:len(event.SessionID{})])]
		if !isOpen {
			return true, nil
		}
		r.Key = append(to[:], r.Key[len(to):]...)
	case store.Accounts:
		a, kind, of, _ := record.SplitAccountKey(r.Key)
		to, isOpen := n.ids[of]
		if kind != record.AccountCredit || !isOpen {
			return true, nil
		}
		r.Key = record.CreditKey(a, to)
	case store.External:
		agent, external, id, _ := record.SplitExternalKey(r.Key)
		to, isOpen := n.ids[id]
		if !isOpen {
			return true, nil
		}
		r.Key = record.ExternalKey(agent, external, to)
	case store.Keys:
		owner, _ := record.SplitRequestKey(r.Key)
		_, isOpen := n.ids[owner.Session]
		return !isOpen, nil
	case store.Tasks:
		t := &record.Task{}
		if err := record.DecodeJSON(r.Bucket, r.Key, r.Value, t); err != nil {
			return false, err
		}
		if len(t.Open) == 0 {
			return true, nil
		}
		for i, id := range t.Open {
			t.Open[i] = n.ids[id]
		}
		// The greatest id is the latest, and new ids are greater than all others.
		t.Latest, t.Status = slices.MaxFunc(t.Open, record.CompareIDs), event.StatusOpen
		t.Carried = slices.DeleteFunc(t.Carried, func(id event.SessionID) bool {
			_, isOpen := n.ids[id]
			return isOpen
		})
		r.Value = record.EncodeJSON(r.Bucket, r.Key, t)
		return true, nil
	default:
		return true, nil
	}
	r.Value = record.Encode(r.Bucket, r.Key, payload)
	return true, nil
}

// sealSessions is how many sessions one transaction seals at most.
const sealSessions = 1000

// seal seals the sessions that have new ids, in a file that nobody uses yet.
func (n *renaming) seal(ctx context.Context, path string) (err error) {
	db, err := filestore.Open(path, &filestore.Options{NoJournal: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for some := range slices.Chunk(n.open, sealSessions) {
		err := db.Update(ctx, func(storeTx store.Tx) error {
			last, err := record.ReadCarried(storeTx)
			if err != nil {
				return err
			}
			tx := record.NewTxn(storeTx, time.Now().UTC().Truncate(time.Millisecond), last)
			for _, key := range some {
				task, id, _ := record.SplitSessionKey(key)
				t, err := tx.Task(task)
				if err != nil {
					return err
				}
				s, err := tx.Session(task, id)
				if err != nil {
					return err
				}
				tx.Interrupt(t, s, "restored")
			}
			return tx.Flush()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// startedAt is when an id was made, by the clock of the machine that made it.
func startedAt(id event.SessionID) time.Time {
	var ms [8]byte
	copy(ms[2:], id[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:])))
}
