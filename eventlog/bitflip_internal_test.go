package eventlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	rand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog/dbfile"
	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/store"
)

// flipped is a database of which the test knows every event, and the place of each record
// in the file.
type flipped struct {
	content  []byte
	sessions []SessionInfo
	events   map[SessionID][]Event
	places   []span // of records
}

type span struct{ from, to int64 }

func (f *flipped) inRecord(at int64) bool {
	return slices.ContainsFunc(f.places, func(s span) bool { return s.from <= at && at < s.to })
}

func newFlipped(t *testing.T) *flipped {
	t.Helper()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "jr.db")
	log, err := Open(path, nil)
	ok(err)
	for i := range 12 {
		task := fmt.Sprintf("t-%d", i)
		var events []Event
		for n := range 100 {
			data := fmt.Sprintf(`{"content":"%d of %s%s"}`, n, task, strings.Repeat("x", n*n/8))
			events = append(events, Event{Type: TypeThought, Data: json.RawMessage(data)})
		}
		events = append(events, Event{Type: TypeCost, Data: json.RawMessage(`{"usd":1}`)})
		if i%2 == 0 {
			events = append(events, Event{Type: TypeComplete, Data: json.RawMessage(`{}`)})
		}
		_, err := log.Append(t.Context(), &Batch{Task: task, Key: Key{ID: "k"}, Events: events})
		ok(err)
	}
	ok(log.Close())
	_, _, err = dbfile.Compact(t.Context(), path, nil)
	ok(err)

	f := &flipped{events: map[SessionID][]Event{}}
	f.content, err = os.ReadFile(path)
	ok(err)
	log, err = Open(path, &Options{KeepOpen: true})
	ok(err)
	for i := range 12 {
		sessions, err := log.Sessions(t.Context(), fmt.Sprintf("t-%d", i), SessionID{}, 10)
		ok(err)
		f.sessions = append(f.sessions, sessions...)
		for _, s := range sessions {
			for e, err := range log.Session(s.Task, s.ID).Events(t.Context(), 0) {
				ok(err)
				f.events[s.ID] = append(f.events[s.ID], e)
			}
		}
	}
	ok(log.Close())

	file := bytes.NewReader(f.content)
	head, bad := boltfile.ReadHead(file)
	walk := &boltfile.Walk{
		File: file, Head: head, Bad: bad,
		Found: func(page uint64, reason string) { t.Fatalf("page %d: %s", page, reason) },
		Record: func(_ store.Bucket, at int64, key, value []byte) error {
			if !bytes.Equal(f.content[at:][:len(key)], key) || !bytes.Equal(f.content[at:][len(key):][:len(value)], value) {
				t.Fatalf("no record stands at %d", at)
			}
			f.places = append(f.places, span{at, at + int64(len(key)+len(value))})
			return nil
		},
	}
	ok(walk.Run())
	return f
}

// flip writes the database with one bit flipped.
func (f *flipped) flip(t *testing.T, at int64, bit int) (path string) {
	t.Helper()
	f.content[at] ^= 1 << bit
	defer func() { f.content[at] ^= 1 << bit }()
	return f.write(t)
}

func (f *flipped) write(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "jr.db")
	if err := os.WriteFile(path, f.content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serve reads what a log serves from the file at path, and returns the number of events.
// Each must be the one that was appended there.
func (f *flipped) serve(t *testing.T, path string) (served int, err error) {
	t.Helper()
	log, err := Open(path, &Options{KeepOpen: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	for _, s := range f.sessions {
		var failed error
		for e, eventErr := range log.Session(s.Task, s.ID).Events(t.Context(), 0) {
			if failed = eventErr; failed != nil {
				break
			}
			want := f.events[s.ID]
			if e.Sequence > uint64(len(want)) {
				t.Fatalf("event %d of session %s, which has %d", e.Sequence, s.ID, len(want))
			}
			if w := want[e.Sequence-1]; e.Type != w.Type || e.Actor != w.Actor || !e.Time.Equal(w.Time) || !bytes.Equal(e.Data, w.Data) {
				t.Fatalf("event %d of session %s is %+v, was %+v", e.Sequence, s.ID, e, w)
			}
			served++
		}
		err = errors.Join(err, failed)
	}
	return served, err
}

// TestNoFlippedBitIsServedAndCheckFindsItInARecord flips single bits all over a
// file. With JRWEB_TORTURE set it flips five times as many.
func TestNoFlippedBitIsServedAndCheckFindsItInARecord(t *testing.T) {
	f := newFlipped(t)
	all := 0
	for _, events := range f.events {
		all += len(events)
	}
	clean := f.write(t)
	if _, err := dbfile.Check(t.Context(), clean, nil); err != nil {
		t.Errorf("the control, with no bit flipped: %v", err)
	}
	if served, err := f.serve(t, clean); err != nil || served != all {
		t.Errorf("the control: %d events of %d, %v", served, all, err)
	}

	rounds := 100
	if os.Getenv("JRWEB_TORTURE") != "" {
		rounds = 500
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	inRecords, damaged, unread := 0, 0, 0
	for i := range rounds {
		at := random.Int64N(int64(len(f.content)))
		if i%2 == 0 { // else most would hit the largest events
			place := f.places[random.IntN(len(f.places))]
			at = place.from + random.Int64N(place.to-place.from)
		}
		bit := random.IntN(8)
		t.Run(fmt.Sprintf("seed %d bit %d of byte %d", seed, bit, at), func(t *testing.T) {
			path := f.flip(t, at, bit)
			var found []string
			_, err := dbfile.Check(t.Context(), path, &dbfile.CheckOptions{Found: func(f dbfile.Finding) { found = append(found, f.String()) }})
			if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) {
				t.Errorf("check: %v", err)
			}
			if err != nil {
				damaged++
			}
			if f.inRecord(at) {
				inRecords++
				if !errors.Is(err, ErrDamaged) {
					t.Errorf("check did not find a flipped bit in a record: %v", err)
				}
			}
			if slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, "is used twice") }) {
				return // bbolt would loop until the memory is full, and serve nothing
			}
			_, err = f.serve(t, path)
			if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrSessionNotFound) {
				t.Errorf("serve: %v", err)
			}
			if err != nil {
				unread++
			}
		})
	}
	t.Logf("%d of %d flips were in records; check found %d, %d kept something from being read", inRecords, rounds, damaged, unread)
}
