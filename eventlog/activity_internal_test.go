package eventlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	rand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"jrweb/eventlog/dbfile"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// busy is a log in which a test changes tasks at random, several at once in one
// commit, and keeps a model of what it must show.
type busy struct {
	*testing.T
	log    *Log
	store  *heldStore
	path   string
	random *rand.Rand

	tasks map[string]*busyTask
	order []string // by their last changes, the newest last
	after uint64   // the change up to which Changes was read
	since []string // tasks that changed after it
}

type busyTask struct {
	events map[SessionID]uint64
	open   []SessionID
}

func newBusy(t *testing.T) *busy {
	b := &busy{T: t, random: rand.New(rand.NewPCG(1, 2)), tasks: map[string]*busyTask{}}
	b.open(filepath.Join(t.TempDir(), "jr.db"))
	t.Cleanup(func() { b.ok(b.log.Close()) })
	return b
}

// heldStore is a store whose Updates a test can delay.
type heldStore struct {
	store.Store
	writing sync.Mutex
}

func (s *heldStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.Store.Update(ctx, fn)
}

func (b *busy) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *busy) open(path string) {
	b.Helper()
	opened, err := filestore.Open(path, nil)
	b.ok(err)
	b.path, b.store = path, &heldStore{Store: opened}
	b.log, err = New(b.store, &Options{KeepOpen: true})
	b.ok(err)
}

// kill continues with the file as a kill would leave it now, and closes the old one.
func (b *busy) kill() {
	b.Helper()
	b.store.writing.Lock() // against the purger
	left := b.files()
	for !maps.EqualFunc(left, b.files(), bytes.Equal) { // a checkpoint was going on
		left = b.files()
	}
	b.store.writing.Unlock()
	b.ok(b.log.Close())
	path := filepath.Join(b.TempDir(), "jr.db")
	for suffix, content := range left {
		b.ok(os.WriteFile(path+suffix, content, 0o600))
	}
	b.open(path)
	b.after, b.since = b.log.LastChange(), nil
}

// files reads the database file and its journal, by what follows the path in their names.
func (b *busy) files() map[string][]byte {
	b.Helper()
	files := map[string][]byte{}
	for _, suffix := range []string{"", "-journal.0", "-journal.1"} {
		content, err := os.ReadFile(b.path + suffix)
		if suffix != "" && errors.Is(err, fs.ErrNotExist) {
			continue // not in use
		}
		b.ok(err)
		files[suffix] = content
	}
	return files
}

// commit makes n changes of any task in one commit.
func (b *busy) commit(n, tasks int) {
	b.Helper()
	var touched, deleted []string // a task that is deleted, then made again, is touched by the latter
	b.ok(b.log.committer.do(b.Context(), 0, func(tx *record.Txn) error {
		for range n {
			id := fmt.Sprintf("t-%d", b.random.IntN(tasks))
			touched = append(touched, id)
			if err := b.change(tx, id); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			if b.tasks[id] == nil {
				touched, deleted = slices.DeleteFunc(touched, func(other string) bool { return other == id }), append(deleted, id)
			}
		}
		return nil
	}))
	gone := func(id string) bool { return slices.Contains(touched, id) || slices.Contains(deleted, id) }
	b.order, b.since = slices.DeleteFunc(b.order, gone), slices.DeleteFunc(b.since, gone)
	for i, id := range touched {
		if !slices.Contains(touched[:i], id) {
			b.order, b.since = append(b.order, id), append(b.since, id)
		}
	}
}

func (b *busy) change(tx *record.Txn, id string) error {
	m := b.tasks[id]
	if m == nil {
		m = &busyTask{events: map[SessionID]uint64{}}
		b.tasks[id] = m
	}
	t, _, err := tx.TaskOrNew(id)
	if err != nil {
		return err
	}
	anOpen := SessionID{}
	if len(m.open) > 0 {
		anOpen = m.open[b.random.IntN(len(m.open))]
	}
	forget := func(session SessionID) {
		m.open = slices.DeleteFunc(m.open, func(id SessionID) bool { return id == session })
	}
	switch what := b.random.IntN(100); {
	case what < 10 || anOpen.IsZero() && what < 90:
		concurrent := b.random.IntN(2) == 0
		s := &record.Session{Started: Time{Time: tx.Now}}
		if err := tx.StartSession(t, s, concurrent); err != nil {
			return err
		}
		if !concurrent {
			for _, id := range m.open {
				m.events[id]++ // its complete event
			}
			m.open = nil
		}
		m.events[s.ID], m.open = 0, append(m.open, s.ID)
	case what < 85: // appends to open sessions, and sometimes ends one
		note := record.Prepared{Event: Event{Type: "note", Actor: Agent, Data: json.RawMessage(`{}`)}}
		events := []record.Prepared{note, note}
		if what < 20 {
			events = append(events, record.Completion(Succeeded, ""))
		}
		t, s, err := target(tx, &Batch{Task: id, Session: anOpen}, events)
		if err != nil {
			return err
		}
		tx.AppendTo(t, s, events)
		m.events[anOpen] += uint64(len(events))
		if what < 20 {
			forget(anOpen)
		}
	case what < 90:
		t.Title = fmt.Sprint(b.random.IntN(1000))
		tx.Touch(id)
	case what < 97 && len(m.events) > 0:
		sessions := slices.SortedFunc(maps.Keys(m.events), record.CompareIDs)
		session := sessions[b.random.IntN(len(sessions))]
		s, err := tx.Session(id, session)
		if err != nil {
			return err
		}
		tx.DeleteSession(t, s)
		tx.Touch(id)
		delete(m.events, session)
		forget(session)
	case what < 97:
		tx.Touch(id)
	default:
		delete(b.tasks, id)
		return tx.DeleteTask(t)
	}
	return nil
}

// check compares what the log shows with the model.
func (b *busy) check(when string) {
	b.Helper()
	listed := []string{}
	for before := uint64(0); ; {
		page, err := b.log.Tasks(b.Context(), before, 7)
		b.ok(err)
		if len(page) == 0 || len(listed) > len(b.order) {
			break
		}
		for _, task := range page {
			listed, before = append(listed, task.ID), task.Change
			var events uint64
			for _, n := range b.tasks[task.ID].events {
				events += n
			}
			if task.Totals.Events != events || task.Sessions != len(b.tasks[task.ID].events) {
				b.Errorf("%s, task %s has %d events in %d sessions, want %d in %d", when, task.ID,
					task.Totals.Events, task.Sessions, events, len(b.tasks[task.ID].events))
			}
		}
	}
	slices.Reverse(listed)
	if !slices.Equal(listed, b.order) {
		b.Errorf("%s, listed are\n%v, want\n%v", when, listed, b.order)
	}
	changed := []string{}
	for more := true; more; {
		c, err := b.log.Changes(b.Context(), TaskCursor{Change: b.after}, 5)
		b.ok(err)
		for _, task := range c.Tasks {
			changed = append(changed, task.ID)
		}
		b.after, more = c.Next.Change, c.More
	}
	if !slices.Equal(changed, b.since) {
		b.Errorf("%s, changed are\n%v, want\n%v", when, changed, b.since)
	}
	b.since = nil
}

// entries counts the entries of store.Activity.
func (b *busy) entries() (n int) {
	b.Helper()
	b.ok(b.log.view(b.Context(), func(r store.Reader) error {
		for range r.Ascend(store.Activity, nil, nil) {
			n++
		}
		return nil
	}))
	return n
}

func (b *busy) wantSound(when string) {
	b.Helper()
	_, err := dbfile.Check(b.Context(), b.path, &dbfile.CheckOptions{Found: func(f dbfile.Finding) { b.Errorf("%s: %s", when, f) }})
	if err != nil && !errors.Is(err, ErrDamaged) {
		b.Error(err)
	}
}

// Replaced entries stay in the list until the next sweep. No task may be listed twice or be
// missing because of that, also after a kill in between. Kills before each sweep must not
// make the entries pile up.
func TestEachTaskIsListedOnceUnderItsLastChange(t *testing.T) {
	b := newBusy(t)
	const tasks = 200
	swept, most := 0, 0
	before := 0
	for round := range 200 {
		b.commit(1+b.random.IntN(30), tasks)
		b.check(fmt.Sprintf("after commit %d", round))
		n := b.entries()
		most = max(most, n)
		if n < before-record.SweepChanges/10 {
			swept++
		}
		before = n
		if round%50 == 49 {
			b.kill()
			b.check(fmt.Sprintf("after a kill behind commit %d", round))
		}
		if round%100 == 74 {
			b.ok(b.log.Close())
			b.wantSound(fmt.Sprintf("after commit %d", round))
			b.open(b.path)
			b.after, b.since = b.log.LastChange(), nil
		}
	}
	// Each task may have one entry for itself, and one for each open session.
	live := tasks
	for _, task := range b.tasks {
		live += len(task.open)
	}
	if limit := record.SweepChanges + 30 + 2*live; most > limit {
		t.Errorf("there were %d entries, want at most %d", most, limit)
	}
	if swept < 2 || most < live+record.SweepChanges/4 { // the control
		t.Errorf("there were at most %d entries, and %d sweeps", most, swept)
	}
}

// The reserve has no room for as many pages as a sweep may change.
func TestNoSweepUsesTheReserve(t *testing.T) {
	b := newBusy(t)
	const left = 7
	for _, c := range []struct {
		full error
		want bool // the entry that was left still exists
	}{{ErrFull, true}, {nil, false}} {
		err := b.store.Update(t.Context(), func(storeTx store.Tx) error {
			storeTx.Put(store.Activity, record.ChangeKey(left), record.EncodeActivity(record.ChangeKey(left), "t", nil))
			tx := record.NewTxn(storeTx, time.Now(), record.Carried{Change: 2 * record.SweepChanges, Stale: []uint64{left}})
			tx.Full = c.full
			b.ok(tx.Flush())
			if there := tx.Get(store.Activity, record.ChangeKey(left)) != nil; there != c.want {
				t.Errorf("with %v, the entry is there: %v", c.full, there)
			}
			return errNothing
		})
		if !errors.Is(err, errNothing) {
			t.Fatal(err)
		}
	}
}

func FuzzDecodeState(f *testing.F) {
	key := record.StateKey(SessionID{1}, 2)
	state := &record.State{Head: 2, Totals: record.Totals{Events: 2}, Updated: Time{Time: time.UnixMilli(-1)}, Change: 3}
	f.Add(record.EncodeState(key, "t-1", state)[record.RecordHeader:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		s, task, err := record.DecodeState(key, record.Encode(store.Events, key, payload))
		if err != nil {
			wantDamaged(t, err)
			return
		}
		written := record.EncodeState(key, string(task), &s)
		again, _, err := record.DecodeState(key, written)
		if err != nil || string(record.EncodeState(key, string(task), &again)) != string(written) {
			t.Errorf("%x reads as %+v, then as %+v, %v", payload, s, again, err)
		}
	})
}

func FuzzDecodeActivity(f *testing.F) {
	key := record.ChangeKey(7)
	f.Add(record.EncodeActivity(key, "t-1", nil)[record.RecordHeader:])
	f.Add(record.EncodeActivity(key, "t-1", []uint64{1, 2})[record.RecordHeader:])
	f.Add([]byte("t-1"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw := record.Encode(store.Activity, key, payload)
		task, replaced, err := record.DecodeActivity(key, raw)
		if err != nil {
			wantDamaged(t, err)
			return
		}
		if again := record.EncodeActivity(key, task, replaced); string(again) != string(raw) {
			t.Errorf("%x reads as %s %v, which is written as %x", raw, task, replaced, again)
		}
	})
}

// Retention changes the record of a task; an append to another session does not. If both
// are in one commit, in either order, both must be seen.
func TestARetiredSessionIsNotCountedAlthoughItsTaskIsAppendedTo(t *testing.T) {
	for _, retireFirst := range []bool{true, false} {
		b := newBusy(t)
		const task = "t-1"
		note := []record.Prepared{{Event: Event{Type: "note", Actor: Agent, Data: json.RawMessage(`{}`)}}}
		var old, open SessionID
		b.ok(b.log.committer.do(t.Context(), 0, func(tx *record.Txn) error {
			task, _, err := tx.TaskOrNew(task)
			if err != nil {
				return err
			}
			for _, id := range []*SessionID{&open, &old} { // the latest one will be deleted
				s := &record.Session{Started: Time{Time: tx.Now}}
				if err := tx.StartSession(task, s, true); err != nil {
					return err
				}
				tx.AppendTo(task, s, slices.Clone(note))
				*id = s.ID
			}
			s, err := tx.Session(task.ID, old)
			if err == nil {
				tx.AppendTo(task, s, []record.Prepared{record.Completion(Succeeded, "")})
			}
			return err
		}))
		retireOld := func(tx *record.Txn) error { return retire(tx, retired{task: task, id: old}, &tidied{}) }
		add := func(tx *record.Txn) error {
			_, s, err := target(tx, &Batch{Task: task, Session: open}, note)
			if err == nil {
				tx.AppendTo(nil, s, slices.Clone(note))
			}
			return err
		}
		steps := []func(*record.Txn) error{retireOld, add}
		if !retireFirst {
			slices.Reverse(steps)
		}
		b.ok(b.log.committer.do(t.Context(), 0, func(tx *record.Txn) error { return errors.Join(steps[0](tx), steps[1](tx)) }))
		got, err := b.log.Task(t.Context(), task)
		b.ok(err)
		if got.Sessions != 1 || got.Totals.Events != 2 || got.Latest != open || got.Status != StatusOpen {
			t.Errorf("retired first: %v: %+v", retireFirst, got)
		}
		b.ok(b.log.Close())
		b.wantSound(fmt.Sprintf("retired first: %v", retireFirst))
		b.open(b.path)
	}
}

func wantDamaged(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got error %v", err)
	}
}
