package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"jrweb/eventlog"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
	"jrweb/internal/disktest"
)

// fillUp appends events of a size to a session until there is no room, and returns how many
// were accepted.
func (f *fixture) fillUp(s *eventlog.Session, size int) (taken int) {
	f.Helper()
	e := says(strings.Repeat("x", size))
	for {
		_, err := s.Append(f.Context(), e)
		if errors.Is(err, eventlog.ErrFull) {
			return taken
		}
		f.ok(err)
		taken++
	}
}

// untilFull repeats a small change until there is no room for it, because a free page may
// take a few.
func (f *fixture) untilFull(what string, change func() error) {
	f.Helper()
	for range 1000 {
		err := change()
		if errors.Is(err, eventlog.ErrFull) {
			return
		}
		if err != nil {
			f.Fatalf("%s: got error %v, want %v", what, err, eventlog.ErrFull)
		}
	}
	f.Fatalf("%s is never refused", what)
}

// full are the ways in which a log can be full.
var full = map[string]func(t *testing.T) *fixture{
	"on a full disk": func(t *testing.T) *fixture {
		path := filepath.Join(disktest.NewSmall(t, "8m").Dir, "jr.db")
		return newFixture(t, func() store.Store { return openStore(t, path) }, nil)
	},
	"at the limit of its bytes": func(t *testing.T) *fixture {
		path := filepath.Join(t.TempDir(), "jr.db")
		return newFixture(t, func() store.Store {
			store, err := filestore.Open(path, &filestore.Options{MaxBytes: 4 << 20})
			if err != nil {
				t.Fatal(err)
			}
			return store
		}, nil)
	},
}

func TestALogWithoutRoomRefusesOnlyWhatTakesRoom(t *testing.T) {
	for name, open := range full {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			first, second := f.start("t-1"), f.start("t-2")
			taken := f.fillUp(first, 20<<10) + f.fillUp(first, 2000) + f.fillUp(first, 200)
			if taken < 50 {
				t.Errorf("only %d events of 20 KiB were taken", taken)
			}
			f.untilFull("a small append", func() error {
				_, err := second.Append(t.Context(), says("small"))
				return err
			})
			n := 0
			another := func() string { n++; return fmt.Sprintf("t-more-%d", n) }
			f.untilFull("a start", func() error {
				_, err := f.Start(t.Context(), another(), nil)
				return err
			})
			f.untilFull("a new task", func() error {
				_, _, err := f.PutTask(t.Context(), another(), eventlog.TaskChange{})
				return err
			})
			f.untilFull("an end of what is not there", func() error {
				_, err := f.Append(t.Context(), &eventlog.Batch{Task: another(), Events: []eventlog.Event{complete()}})
				return err
			})

			wantErr(t, "probe", f.Probe(t.Context()), nil)
			wantErr(t, "heartbeat", first.Heartbeat(t.Context()), nil)
			wantEqual(t, "events that are read", len(f.events(first, 0)), taken)
			wantErr(t, "complete", second.Complete(t.Context(), eventlog.Succeeded, ""), nil)
			wantErr(t, "trim", f.Trim(t.Context(), "t-1", first.ID(), uint64(taken/2)), nil)

			// The space that the trim freed can be used by appends.
			_, err := first.Append(t.Context(), says(strings.Repeat("x", 20<<10)))
			wantErr(t, "append after the trim", err, nil)
			wantErr(t, "delete", f.DeleteTask(t.Context(), "t-1"), nil)
			wantEqual(t, "the log works", f.Err(), nil)

			f.reopen()
			wantEqual(t, "status of the session that was completed", f.task("t-2").Status, eventlog.Succeeded)
			f.appendTo("t-3", says("there is room"))
		})
	}
}

// The largest events are the hardest to remove: bbolt moves their neighbors on a page.
func TestWithoutRoomEventsOfEverySizeCanBeRemoved(t *testing.T) {
	for name, test := range map[string]struct {
		size int
		disk string
	}{"4 MiB": {4<<20 - 20, "96m"}, "1 MiB": {1 << 20, "32m"}, "5,000 bytes": {5000, "10m"}, "300 bytes": {300, "6m"}} {
		t.Run(name, func(t *testing.T) {
			size := test.size
			path := filepath.Join(disktest.NewSmall(t, test.disk).Dir, "jr.db")
			f := newFixture(t, func() store.Store { return openStore(t, path) }, &eventlog.Options{KeepOpen: true})
			s := f.start("t-1")
			beside := f.startBeside("t-1")
			f.fillBothUp(s, beside, size)
			head := f.info(s).Head
			f.reopen() // so that the reserve is on the disk, not in memory
			f.ok(f.Trim(t.Context(), "t-1", s.ID(), 1))
			f.ok(f.Trim(t.Context(), "t-1", s.ID(), head-1))
			f.ok(f.Trim(t.Context(), "t-1", beside.ID(), 2))
			f.append(s, says(strings.Repeat("x", size-100)))
			wantEqual(t, "head", f.info(s).Head, head+1)
		})
	}
}

func (f *fixture) fillBothUp(a, b *eventlog.Session, size int) {
	f.Helper()
	// In batches, so that small events take few commits.
	batch := make([]eventlog.Event, max(1, min(5000, (2<<20)/size)))
	for i := range batch {
		batch[i] = says(strings.Repeat("x", size-100))
	}
	for {
		for _, s := range []*eventlog.Session{a, b} {
			_, err := f.Session(s.Task(), s.ID()).Append(f.Context(), batch...)
			if errors.Is(err, eventlog.ErrFull) {
				if len(batch) == 1 {
					return
				}
				batch = batch[:len(batch)/2]
				continue
			}
			f.ok(err)
		}
	}
}

func TestInOneGroupOnlyWhatTakesRoomIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := filestore.Open(filepath.Join(t.TempDir(), "jr.db"), &filestore.Options{MaxBytes: 4 << 20})
		if err != nil {
			t.Fatal(err)
		}
		s := &spy{Store: db}
		f := newFixture(t, func() store.Store { return s }, nil)
		first, second := f.start("t-1"), f.start("t-2")
		f.fillUp(first, 20<<10)

		// While a slow commit runs, a group gathers.
		slow := make(chan struct{})
		s.update = func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
			<-slow
			return next(ctx, fn)
		}
		before := s.updates.Load()
		var appended, completed error
		var wg sync.WaitGroup
		wg.Go(func() { f.ok(f.Probe(t.Context())) })
		synctest.Wait()
		wg.Go(func() { _, appended = first.Append(t.Context(), says(strings.Repeat("x", 1<<20))) })
		wg.Go(func() { completed = second.Complete(t.Context(), eventlog.Succeeded, "") })
		synctest.Wait()
		close(slow)
		wg.Wait()
		wantErr(t, "append", appended, eventlog.ErrFull)
		wantErr(t, "complete", completed, nil)
		wantEqual(t, "status", f.task("t-2").Status, eventlog.Succeeded)
		// One for the probe, one for the group, one for the append alone, which might have
		// fitted, and one for the end.
		wantEqual(t, "transactions", s.updates.Load()-before, 4)
	})
}

func TestTheFileIsLargerThanItsLimitOnlyByTheReserve(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	f := newFixture(t, func() store.Store {
		store, err := filestore.Open(path, &filestore.Options{MaxBytes: 4 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}, nil)
	f.fillUp(f.start("t-1"), 20<<10)
	stats := f.Stats().Store
	if used := stats.Size - stats.Free; used > 4<<20 || used < 4<<20-512<<10 {
		t.Errorf("%d bytes are in use, with a limit of 4 MiB", used)
	}
	file, err := os.Stat(path)
	f.ok(err)
	if file.Size() > 8<<20 {
		t.Errorf("the file has %d bytes, with a limit of 4 MiB", file.Size())
	}
}

func TestFreeBytesAreKnownAfterAReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	f := newFixture(t, func() store.Store { return openStore(t, path) }, nil)
	s := f.start("t-1")
	for range 50 {
		f.append(s, says(strings.Repeat("x", 20<<10)))
	}
	f.ok(s.Complete(t.Context(), eventlog.Succeeded, ""))
	f.ok(f.Trim(t.Context(), "t-1", s.ID(), 50))
	f.reopen() // the file has everything then
	before := f.Stats().Store
	if before.Free < 1<<20 {
		t.Errorf("%d bytes are free", before.Free)
	}
	f.close()
	db := openStore(t, path)
	defer db.Close()
	after := db.(store.StatsStore).Stats()
	wantEqual(t, "free", after.Free, before.Free)
	wantEqual(t, "size", after.Size, before.Size)
}
