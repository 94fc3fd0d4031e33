package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// flips is a store in which one bit of one record may be wrong: in the values of Get and
// the iterators, and in the keys of iterators.
type flips struct {
	store.Store
	bucket store.Bucket
	key    []byte
	bit    int // in the value, or after it in the key; -1: none
}

func (s *flips) View(ctx context.Context, fn func(store.Reader) error) error {
	return s.Store.View(ctx, func(r store.Reader) error { return fn(flipReader{r, s}) })
}

func (s *flips) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(flipTx{tx, flipReader{tx, s}}) })
}

type flipReader struct {
	store.Reader
	s *flips
}

func (r flipReader) Get(b store.Bucket, key []byte) []byte {
	_, value := r.flip(b, key, r.Reader.Get(b, key))
	return value
}

func (r flipReader) Ascend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return r.each(b, r.Reader.Ascend(b, from, to))
}

func (r flipReader) Descend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return r.each(b, r.Reader.Descend(b, from, to))
}

func (r flipReader) each(b store.Bucket, seq iter.Seq2[[]byte, []byte]) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for k, v := range seq {
			if !yield(r.flip(b, k, v)) {
				return
			}
		}
	}
}

func (r flipReader) flip(b store.Bucket, key, value []byte) (k, v []byte) {
	if r.s.bit < 0 || b != r.s.bucket || !bytes.Equal(key, r.s.key) {
		return key, value
	}
	bit := r.s.bit
	if bit < 8*len(value) {
		value = bytes.Clone(value)
		value[bit/8] ^= 1 << (bit % 8)
		return key, value
	}
	bit -= 8 * len(value)
	key = bytes.Clone(key)
	key[bit/8] ^= 1 << (bit % 8)
	return key, value
}

// flipTx reads like a flipReader.
type flipTx struct {
	store.Tx
	flipReader
}

func (t flipTx) Get(b store.Bucket, key []byte) []byte { return t.flipReader.Get(b, key) }

func (t flipTx) Ascend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return t.flipReader.Ascend(b, from, to)
}

func (t flipTx) Descend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return t.flipReader.Descend(b, from, to)
}

func TestABitThatFlippedIsDamageAndNeverSomethingElse(t *testing.T) {
	db := &flips{Store: eventlogtest.NewStore(), bit: -1}
	keepOpen := &eventlog.Options{KeepOpen: true}
	f := on(t, db, keepOpen)
	s := f.start("t-1")
	_, err := f.Append(t.Context(), &eventlog.Batch{
		Task: "t-1", Session: s.ID(), Key: withKey("k"),
		Events: []eventlog.Event{says("first"), says("second")},
	})
	f.ok(err)

	repeat := func(l *eventlog.Log) error {
		a, err := l.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: s.ID(), Key: withKey("k"), Events: many(1)})
		if err == nil && (!a.Replayed || a.Last != 2) {
			err = fmt.Errorf("a repeat got %+v", a)
		}
		return err
	}
	read := func(l *eventlog.Log) error {
		page, err := l.Read(t.Context(), "t-1", s.ID(), 0)
		if err == nil && (len(page.Events) != 2 || content(page.Events[0]) != "first" || content(page.Events[1]) != "second") {
			err = fmt.Errorf("read %v", page.Events)
		}
		return err
	}
	list := func(l *eventlog.Log) error {
		tasks, err := l.Tasks(t.Context(), 0, 10)
		if err == nil && len(tasks) == 0 {
			return eventlog.ErrDamaged // it is left out
		}
		if err == nil && (len(tasks) != 1 || tasks[0].ID != "t-1" || tasks[0].Totals.Events != 2) {
			err = fmt.Errorf("listed %v", tasks)
		}
		return err
	}
	sessions := func(l *eventlog.Log) error {
		sessions, err := l.Sessions(t.Context(), "t-1", eventlog.SessionID{}, 10)
		if err == nil && len(sessions) == 0 {
			return eventlog.ErrDamaged // it is left out
		}
		if err == nil && (len(sessions) != 1 || sessions[0].ID != s.ID() || sessions[0].Head != 2) {
			err = fmt.Errorf("listed %v", sessions)
		}
		return err
	}
	appendOne := func(*eventlog.Log) error {
		l, err := eventlog.New(db, &eventlog.Options{KeepOpen: true}) // the first append to a session reads its state
		if err != nil {
			return err
		}
		_, err = l.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: s.ID(), Events: many(1)})
		return errors.Join(err, l.Close())
	}
	const state = "\x00\x00\x00\x00\x00\x00\x00\x03" // at the key of the next event
	reopen := func(*eventlog.Log) error {
		l, err := eventlog.New(db, nil) // seals the open sessions, so it reads these too
		if err == nil {
			err = l.Close()
		}
		return err
	}

	for _, c := range []struct {
		bucket store.Bucket
		key    string // part of the key; empty for any key
		inKey  bool   // the operation meets the key itself
		writes bool   // the operation changes the store, unless it fails
		do     func(*eventlog.Log) error
	}{
		{"events", "\x00\x00\x00\x00\x00\x00\x00\x02", true, false, read},
		{"events", state, true, false, read},
		{"events", state, true, false, list},
		{"sessions", "", false, false, read},
		{"sessions", "", true, false, sessions},
		{"tasks", "", false, false, list},
		{"activity", "", true, false, list},
		{"keys", "", false, false, repeat},
		{"events", state, true, true, appendOne},
		{"meta", "format", false, true, reopen},
		{"meta", "last_session", false, true, reopen},
		{"activity", "", true, true, reopen},
	} {
		t.Run(fmt.Sprintf("%s %s", c.bucket, c.key), func(t *testing.T) {
			db.bit = -1
			var key, value []byte
			f.ok(db.Store.View(t.Context(), func(r store.Reader) error {
				for k, v := range r.Ascend(c.bucket, nil, nil) {
					if bytes.Contains(k, []byte(c.key)) {
						key, value = bytes.Clone(k), bytes.Clone(v)
					}
				}
				return nil
			}))
			if key == nil {
				t.Fatal("there is no such record")
			}
			if !c.writes {
				if err := c.do(f.Log); err != nil {
					t.Fatalf("the control, with no bit flipped: %v", err)
				}
			}
			db.bucket, db.key = c.bucket, key
			bits := 8 * len(value)
			if c.inKey {
				bits += 8 * len(key)
			}
			for db.bit = range bits {
				if err := c.do(f.Log); !errors.Is(err, eventlog.ErrDamaged) && !errors.Is(err, eventlog.ErrFormat) {
					t.Errorf("bit %d of %s: got error %v", db.bit, c.bucket, err)
				}
			}
			db.bit = -1
		})
	}
	// The controls that change the store come last.
	f.ok(appendOne(f.Log))
	f.ok(reopen(nil))
}

// An open reads the entries of the newest changes. It needs only the last of these entries.
func TestALogOpensWithADamagedEntryOfAnOlderChange(t *testing.T) {
	db := &flips{Store: eventlogtest.NewStore(), bit: -1}
	f := on(t, db, nil)
	f.start("t-1")
	f.start("t-2")
	f.ok(db.Store.View(t.Context(), func(r store.Reader) error {
		for key := range r.Ascend("activity", nil, nil) {
			db.bucket, db.key = "activity", bytes.Clone(key)
			break
		}
		return nil
	}))
	f.close()
	db.bit = 0
	f.options = &eventlog.Options{KeepOpen: true}
	f.reopen()
	tasks, err := f.Tasks(t.Context(), 0, 10)
	f.ok(err)
	wantEqual(t, "tasks in the list", len(tasks), 1)
	wantEqual(t, "the task itself", f.task("t-1").Sessions, 1)
	db.bit = -1
}

func TestABitThatFlippedInTheFileIsNeverServed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	keepOpen := &eventlog.Options{KeepOpen: true}
	log, err := eventlog.Open(path, keepOpen)
	if err != nil {
		t.Fatal(err)
	}
	s, err := log.Start(t.Context(), "t-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	const text = "the only one of its kind"
	if _, err := s.Append(t.Context(), says(text)); err != nil {
		t.Fatal(err)
	}
	// With a small bucket, bbolt copies all of it at each commit.
	if _, err := log.Append(t.Context(), &eventlog.Batch{Task: "t-2", Events: []eventlog.Event{says(strings.Repeat("x", 8<<10))}}); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data := says(text).Data
	at := bytes.LastIndex(good, data)
	if at < 0 || bytes.Count(good, data) != 1 {
		t.Fatalf("the event stands %d times in the file", bytes.Count(good, data))
	}
	at -= 5 + 10 + len("assistant") + len("agent") + 24 // headers, type, actor, key
	record := good[at : bytes.LastIndex(good, data)+len(data)]

	read := func() error {
		log, err := eventlog.Open(path, keepOpen)
		if err != nil {
			return err
		}
		defer log.Close()
		page, err := log.Read(t.Context(), "t-1", s.ID(), 0)
		if err == nil && (len(page.Events) != 1 || content(page.Events[0]) != text) {
			t.Errorf("read %v", page.Events)
		}
		return err
	}
	if err := read(); err != nil {
		t.Fatalf("the control, with no bit flipped: %v", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for i := range record {
		bit := byte(1) << (i % 8)
		if _, err := file.WriteAt([]byte{record[i] ^ bit}, int64(at+i)); err != nil {
			t.Fatal(err)
		}
		if err := read(); !errors.Is(err, eventlog.ErrDamaged) {
			t.Errorf("bit %d of byte %d: got error %v", i%8, i, err)
		}
		if _, err := file.WriteAt(record[i:i+1], int64(at+i)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAMissingEventIsDamage(t *testing.T) {
	for _, missing := range []uint64{1, 2, 3} {
		db := eventlogtest.NewStore()
		f := on(t, db, nil)
		s := f.start("t-1")
		f.append(s, says("1"), says("2"), says("3"))
		f.ok(db.Update(t.Context(), func(tx store.Tx) error {
			for key := range tx.Ascend("events", nil, nil) {
				if key[len(key)-1] == byte(missing) {
					tx.Delete("events", bytes.Clone(key))
					break
				}
			}
			return nil
		}))
		_, err := f.Read(t.Context(), "t-1", s.ID(), 0)
		wantErr(t, fmt.Sprintf("read with event %d missing", missing), err, eventlog.ErrDamaged)
	}
}
