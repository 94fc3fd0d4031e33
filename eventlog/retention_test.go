package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

const day = 24 * time.Hour

// run is a session with a number of events, from its start to its end.
func (f *fixture) run(task string, events int) *eventlog.Session {
	f.Helper()
	s := f.startBeside(task)
	f.append(s, append(many(events), complete())...)
	return s
}

// kept are the numbers of the sessions that still exist.
func (f *fixture) kept(sessions ...*eventlog.Session) (numbers []int) {
	f.Helper()
	for i, s := range sessions {
		_, err := f.Session(s.Task(), s.ID()).Info(f.Context())
		if err == nil {
			numbers = append(numbers, i)
			continue
		}
		wantErr(f, "session that is gone", err, eventlog.ErrSessionNotFound)
		_, err = f.Read(f.Context(), s.Task(), s.ID(), 0)
		wantErr(f, "its events", err, eventlog.ErrSessionNotFound)
	}
	return numbers
}

// wantIndexed checks that the index of the sessions that have ended agrees with
// the sessions.
func wantIndexed(t *testing.T, store store.Store) {
	t.Helper()
	ended := countKeys(t, store, "sessions") - countKeys(t, store, "open")
	wantEqual(t, "sessions in the index of those that have ended", countKeys(t, store, "ended"), ended)
}

func TestASessionIsKeptForAnAgeAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := eventlogtest.NewStore()
		f := on(t, store, &eventlog.Options{RetainAge: 30 * day})
		open := f.startBeside("t-1")
		f.append(open, says("as old as the others"))
		old := f.run("t-1", 3)
		_, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: open.ID(), Events: many(1), Key: withKey("k")})
		f.ok(err)
		time.Sleep(time.Hour)
		young := f.run("t-1", 3)
		watch := f.Watch("t-1")
		defer watch.Close()

		time.Sleep(30*day - time.Hour - time.Millisecond)
		synctest.Wait()
		wantSlice(t, "kept a millisecond before", f.kept(old, young, open), []int{0, 1, 2})
		changed := watch.Changed()
		time.Sleep(time.Millisecond)
		synctest.Wait()
		wantSlice(t, "kept", f.kept(old, young, open), []int{1, 2})
		<-changed
		task := f.task("t-1")
		wantEqual(t, "sessions", task.Sessions, 2)
		wantEqual(t, "events of the task", task.Totals.Events, 2+4)
		wantEqual(t, "events in the store, and states", countKeys(t, store, "events"), 2+4+1)
		wantIndexed(t, store)

		time.Sleep(time.Hour)
		synctest.Wait()
		wantSlice(t, "kept an hour later", f.kept(old, young, open), []int{2})
		wantEqual(t, "status of the task", f.task("t-1").Status, eventlog.StatusOpen)
		wantIndexed(t, store)
	})
}

func TestWhatIsOldWhenTheLogIsOpenedGoesThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newPurgedStore()
		f := on(t, store, nil)
		var all []*eventlog.Session
		for i := range 350 {
			all = append(all, f.run(fmt.Sprintf("t-%d", i%7), 1))
		}
		all = append(all, f.run("t-8", 2500))
		time.Sleep(day + time.Millisecond)
		all = append(all, f.run("t-0", 1))
		f.close()
		store.most.Store(0)
		f.options = &eventlog.Options{RetainAge: day}
		f.reopen()
		synctest.Wait()
		wantSlice(t, "kept", f.kept(all[len(all)-1]), []int{0})
		wantEqual(t, "sessions in the store", countKeys(t, store.Store, "sessions"), 1)
		wantEqual(t, "events in the store", countKeys(t, store.Store, "events"), 2)
		wantIndexed(t, store.Store)
		if most := store.most.Load(); most > 1100 {
			t.Errorf("one transaction deleted %d keys: an append behind it waits", most)
		}
	})
}

func TestRetentionIsNobodysActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, &eventlog.Options{RetainAge: 2 * day})
		title := "kept"
		_, _, err := f.PutTask(t.Context(), "titled", eventlog.TaskChange{Title: &title})
		f.ok(err)
		ended := map[string]*eventlog.Session{"titled": f.run("titled", 1), "plain": f.run("plain", 1), "two": f.run("two", 1)}
		open := f.startBeside("two")
		before := map[string]eventlog.Task{"titled": f.task("titled"), "two": f.task("two")}
		last := f.LastChange()
		time.Sleep(2 * day)
		synctest.Wait()
		for _, s := range ended {
			_, err := s.Info(t.Context())
			wantErr(t, "session", err, eventlog.ErrSessionNotFound)
		}
		_, err = f.Task(t.Context(), "plain")
		wantErr(t, "task of which nobody said anything", err, eventlog.ErrTaskNotFound)
		for id, was := range before {
			task := f.task(id)
			wantEqual(t, "time of the last change", task.Updated, was.Updated)
			wantEqual(t, "last change", task.Change, was.Change)
			wantEqual(t, "sessions", task.Sessions, was.Sessions-1)
		}
		wantEqual(t, "status without a session", f.task("titled").Status, eventlog.StatusNone)
		wantEqual(t, "status with one", f.task("two").Status, eventlog.StatusOpen)
		changes, err := f.Changes(t.Context(), eventlog.TaskCursor{Change: last}, 10)
		f.ok(err)
		wantEqual(t, "changed tasks", len(changes.Tasks), 0)
		wantSlice(t, "deleted tasks", changes.Deleted, []string{"plain"})
		f.append(open, says("goes on"))

		f.reopen()
		if again := f.appendTo("plain", says("again")); again.Session.String() <= ended["plain"].ID().String() {
			t.Errorf("after %s came %s", ended["plain"].ID(), again.Session)
		}
	})
}

func TestATaskStaysWhileItsKeysAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, &eventlog.Options{RetainAge: time.Hour})
		start := func() bool {
			_, replayed, err := f.StartInfo(t.Context(), "t-1", &eventlog.StartOptions{Key: withKey("k")})
			f.ok(err)
			return replayed
		}
		start()
		_, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{complete()}})
		f.ok(err)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		wantEqual(t, "sessions", f.task("t-1").Sessions, 0)
		wantEqual(t, "a repeat of the start is replayed", start(), true)
	})
}

func TestTheNewestSessionsOfATaskAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := eventlogtest.NewStore()
		f := on(t, store, &eventlog.Options{RetainSessions: 2})
		oldOpen := f.startBeside("t-1")
		first, second := f.run("t-1", 1), f.run("t-1", 1)
		other := f.run("t-10", 1) // its name begins like the other's
		synctest.Wait()
		wantSlice(t, "kept of three, the oldest open", f.kept(oldOpen, first, second, other), []int{0, 1, 2, 3})
		newOpen := f.startBeside("t-1")
		synctest.Wait()
		wantSlice(t, "kept of four, two open", f.kept(oldOpen, first, second, newOpen, other), []int{0, 2, 3, 4})
		f.append(oldOpen, complete())
		synctest.Wait()
		wantSlice(t, "kept after the oldest has ended", f.kept(oldOpen, second, newOpen, other), []int{1, 2, 3})
		f.append(newOpen, complete())
		synctest.Wait()
		wantSlice(t, "kept after all have ended", f.kept(second, newOpen, other), []int{0, 1, 2})
		f.start("t-1")
		synctest.Wait()
		wantSlice(t, "kept after a start", f.kept(second, newOpen, other), []int{1, 2})
		wantEqual(t, "sessions", f.task("t-1").Sessions, 2)
		wantIndexed(t, store)
	})
}

func TestTooManySessionsAtTheOpeningGoThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newPurgedStore()
		f := on(t, store, nil)
		for i := range 250 {
			f.run("t-1", 1)
			f.run(fmt.Sprintf("u-%d", i), 1)
		}
		for i := range 1100 { // more tasks than one read takes
			f.run(fmt.Sprintf("v-%04d", i), 1)
		}
		for range 3 {
			f.run("w", 1)
		}
		f.close()
		store.most.Store(0)
		f.options = &eventlog.Options{RetainSessions: 1}
		f.reopen()
		synctest.Wait()
		wantEqual(t, "sessions of the task with many", f.task("t-1").Sessions, 1)
		wantEqual(t, "sessions of the last task", f.task("w").Sessions, 1)
		wantEqual(t, "sessions in the store", countKeys(t, store.Store, "sessions"), 250+1100+2)
		wantIndexed(t, store.Store)
		if most := store.most.Load(); most > 1100 {
			t.Errorf("one transaction deleted %d keys: an append behind it waits", most)
		}
	})
}

// sizedStore is a store in memory whose size is the size of its keys and values.
type sizedStore struct{ *purgedStore }

func (s sizedStore) Stats() store.Stats {
	const free = 1 << 20
	var used int64
	_ = s.Store.View(context.Background(), func(r store.Reader) error {
		for _, b := range store.Buckets() {
			for key, value := range r.Ascend(b, nil, nil) {
				used += int64(len(key) + len(value))
			}
		}
		return nil
	})
	return store.Stats{Size: used + free, Free: free}
}

func (s sizedStore) used() int64 {
	stats := s.Stats()
	return stats.Size - stats.Free
}

func TestTheStoreIsKeptBelowASize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := sizedStore{newPurgedStore()}
		const limit = 200_000
		f := on(t, store, &eventlog.Options{RetainBytes: limit})
		later := f.startBeside("t-1") // started first, ends last
		var all []*eventlog.Session
		for i := range 30 {
			time.Sleep(time.Second)
			all = append(all, f.run(fmt.Sprintf("t-%d", i%3), 100))
			synctest.Wait()
			if used := store.used(); used > limit {
				t.Errorf("after session %d, %d bytes are used", i, used)
			}
		}
		f.append(later, complete())
		kept := f.kept(all...)
		first := 30 - len(kept)
		for i, n := range kept {
			wantEqual(t, "kept", n, first+i) // those that ended last
		}
		if used := store.used(); used < limit*8/10 || first == 0 {
			t.Errorf("%d sessions are gone, and %d bytes used: too much was deleted, or nothing", first, used)
		}
		wantSlice(t, "the one that ended last", f.kept(later), []int{0})
		wantIndexed(t, store.Store)
	})
}

// checkpointedStore counts its checkpoints.
type checkpointedStore struct {
	sizedStore
	checkpoints *atomic.Int32
}

// Checkpoint implements [store.CheckpointStore].
func (s checkpointedStore) Checkpoint(context.Context) error {
	s.checkpoints.Add(1)
	return nil
}

// Appends wait while a checkpoint takes everything into the file. So there is none as long as
// there is nothing to delete.
func TestRetentionMakesNoCheckpointBelowItsSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := checkpointedStore{sizedStore{newPurgedStore()}, &atomic.Int32{}}
		f := on(t, store, &eventlog.Options{RetainBytes: 50_000})
		synctest.Wait()
		opened := store.checkpoints.Load()
		f.run("t-1", 10)
		synctest.Wait()
		wantEqual(t, "checkpoints", store.checkpoints.Load(), opened)
		for range 10 { // the control
			f.run("t-1", 100)
			synctest.Wait()
		}
		if store.checkpoints.Load() == opened || store.used() > 50_000 {
			t.Errorf("%d checkpoints, and %d bytes are used", store.checkpoints.Load(), store.used())
		}
	})
}

func TestAVeryLongOpenSessionIsTrimmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := sizedStore{newPurgedStore()}
		const limit = 100_000
		f := on(t, store, &eventlog.Options{RetainBytes: limit})
		short, long, ended := f.startBeside("t-1"), f.startBeside("t-1"), f.run("t-2", 10)
		f.append(short, many(200)...)
		f.startBeside("t-1") // has no event to trim
		watch := f.Watch("t-1")
		defer watch.Close()
		for range 60 {
			f.append(long, many(100)...)
			synctest.Wait()
			if used := store.used(); used > limit {
				t.Errorf("%d bytes are used", used)
			}
		}
		wantEqual(t, "sessions that had ended", len(f.kept(ended)), 0)
		wantEqual(t, "first event of the short one", f.info(short).First, 1)
		info := f.info(long)
		wantEqual(t, "head of the long one", info.Head, 6000)
		if info.First < 2000 || info.Head-info.First < 100 {
			t.Errorf("%d to %d are left of the long one", info.First, info.Head)
		}
		page, err := readWatch(t.Context(), watch, long.ID(), 5)
		f.ok(err)
		wantEqual(t, "a reader hears of the gap", page.Gap(5), true)
		wantEqual(t, "events of the long one", uint64(len(f.events(long, info.First-1))), info.Head-info.First+1)
		if most := store.most.Load(); most > 1100 {
			t.Errorf("one transaction deleted %d keys: an append behind it waits", most)
		}
	})
}

func TestTheNewestEventsOfAnOpenSessionAreNeverTrimmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := sizedStore{newPurgedStore()}
		f := on(t, store, &eventlog.Options{RetainBytes: 1})
		s := f.start("t-1")
		f.append(s, many(3000)...)
		time.Sleep(time.Minute)
		synctest.Wait()
		info := f.info(s)
		wantEqual(t, "events left", info.Head-info.First+1, 100)
	})
}

func TestRetainBytesNeedsASize(t *testing.T) {
	_, err := eventlog.New(eventlogtest.NewStore(), &eventlog.Options{RetainBytes: 1})
	if err == nil || !strings.Contains(err.Error(), "RetainBytes") {
		t.Errorf("got error %v", err)
	}
}

func TestAFileIsKeptBelowASize(t *testing.T) {
	const limit = 4 << 20
	f := onDisk(t, nil)
	large := event(eventlog.TypeAssistant, `{"content":"`+strings.Repeat("x", 5000)+`"}`)
	used := func() int64 {
		stats := f.Stats().Store
		return stats.Size - stats.Free
	}
	var all []*eventlog.Session
	for i := range 40 {
		s := f.startBeside(fmt.Sprintf("t-%d", i))
		f.append(s, append(repeated(large, 30), complete())...)
		all = append(all, s)
	}
	f.reopen()
	before := used()
	if before < limit {
		t.Fatalf("only %d bytes are used: nothing to delete", before)
	}
	f.reopen()
	if now := used(); now > before+limit/10 {
		t.Fatalf("%d bytes were used, after a reopen %d", before, now)
	}
	var logged logLines
	f.options = &eventlog.Options{RetainBytes: limit, Logger: slog.New(slog.NewTextHandler(&logged, nil))}
	logged.wait = make(chan struct{}, 100)
	f.reopen()
	<-logged.wait // the janitor says what it did, once it has
	if now := used(); now > limit || now < limit/2 {
		t.Errorf("%d bytes are used, of %d", now, limit)
	}
	kept := f.kept(all...)
	if len(kept) == 0 || kept[len(kept)-1] != 39 || len(kept) != 40-kept[0] {
		t.Errorf("kept are %v, not those that ended last", kept)
	}
}

// logLines collects what is logged.
type logLines struct {
	bytes.Buffer
	wait chan struct{}
}

func (l *logLines) Write(p []byte) (int, error) {
	defer func() { l.wait <- struct{}{} }()
	return l.Buffer.Write(p)
}

func repeated(e eventlog.Event, n int) []eventlog.Event {
	events := make([]eventlog.Event, n)
	for i := range events {
		events[i] = e
	}
	return events
}

func TestRetentionThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, armed := interposed(func() error { return eventlog.ErrNotCommitted })
		f := on(t, store, &eventlog.Options{RetainAge: day})
		s := f.run("t-1", 1)
		synctest.Wait()
		armed.Store(true)
		time.Sleep(day)
		synctest.Wait()
		wantSlice(t, "kept after a commit that failed", f.kept(s), []int{0})
		time.Sleep(time.Minute)
		synctest.Wait()
		wantEqual(t, "kept a minute later", len(f.kept(s)), 0)
	})
}

func TestADamagedIndexDeletesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := eventlogtest.NewStore()
		f := on(t, db, nil)
		s := f.run("t-1", 1)
		f.close()
		f.ok(db.Update(t.Context(), func(tx store.Tx) error {
			for key, value := range tx.Ascend("ended", nil, nil) {
				key, value = bytes.Clone(key), bytes.Clone(value)
				tx.Delete("ended", key)
				key[3] ^= 0x80 // now it ended long ago
				tx.Put("ended", key, value)
				break
			}
			return nil
		}))
		var logged bytes.Buffer
		f.options = &eventlog.Options{RetainAge: time.Hour, Logger: slog.New(slog.NewTextHandler(&logged, nil))}
		f.reopen()
		synctest.Wait()
		wantSlice(t, "kept", f.kept(s), []int{0})
		wantEqual(t, "is logged", strings.Contains(logged.String(), eventlog.ErrDamaged.Error()), true)
	})
}

func TestAnAppendWaitsForOneStepOfRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGate()
		f := on(t, store, nil)
		for range 500 {
			f.run("t-1", 1)
		}
		s := f.startBeside("t-2")
		f.close()
		f.options = &eventlog.Options{RetainSessions: 1, KeepOpen: true}
		store.closed.Store(true)
		f.reopen()
		<-store.arrived // the first of many steps
		appended := make(chan error, 1)
		go func() {
			_, err := f.Session(s.Task(), s.ID()).Append(t.Context(), says("x"))
			appended <- err
		}()
		synctest.Wait()
		store.through <- struct{}{}
		<-store.arrived
		store.through <- struct{}{} // the second step takes the append along, or is the append alone
		wantErr(t, "append", <-appended, nil)
		if left := f.task("t-1").Sessions; left < 300 {
			t.Errorf("%d sessions were left: the append waited for the others to go", left)
		}
		<-store.arrived
		store.closed.Store(false)
		store.through <- struct{}{}
		synctest.Wait()
		wantEqual(t, "sessions left in the end", f.task("t-1").Sessions, 1)
	})
}

func TestDamageKeepsNothingElseFromBeingRetired(t *testing.T) {
	const damagedFirst = 120 // more than one transaction deletes
	for _, rule := range []struct {
		name string
		eventlog.Options
	}{
		{"age", eventlog.Options{RetainAge: day}},
		{"number", eventlog.Options{RetainSessions: 1}},
	} {
		for _, bucket := range []store.Bucket{"sessions", "ended"} {
			if rule.RetainSessions > 0 && bucket == "ended" {
				continue // this rule does not read it
			}
			t.Run(rule.name+" "+string(bucket), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := eventlogtest.NewStore()
					f := on(t, store, nil)
					damaged := map[int]bool{}
					var all []*eventlog.Session
					for i := range damagedFirst + 5 {
						s := f.run("t-1", 1)
						all = append(all, s)
						if damaged[i] = i < damagedFirst || i == damagedFirst+2; damaged[i] {
							id := s.ID()
							damage(t, store, bucket, string(id[:]))
						}
					}
					f.close()
					time.Sleep(day)
					var told journal
					o := rule.Options
					o.Logger = slog.New(slog.NewTextHandler(&told, nil))
					f.options = &o
					f.reopen()
					newest := f.run("t-1", 1)
					synctest.Wait()
					for i, s := range all {
						_, err := f.Session("t-1", s.ID()).Info(t.Context())
						if damaged[i] {
							wantEqual(t, fmt.Sprint("damaged session ", i, " is gone"), errors.Is(err, eventlog.ErrSessionNotFound), false)
						} else {
							wantErr(t, fmt.Sprint("session ", i), err, eventlog.ErrSessionNotFound)
						}
					}
					f.info(newest)
					time.Sleep(time.Hour) // it checks again
					synctest.Wait()
					wantEqual(t, "lines", told.count("something is damaged, and was passed over"), damagedFirst+1)
				})
			})
		}
	}
}

func TestDamageKeepsTheStoreFromNothingElseBelowASize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := sizedStore{newPurgedStore()}
		f := on(t, store, nil)
		first, second, third := f.run("t-1", 10), f.run("t-1", 10), f.run("t-1", 10)
		one, other := first.ID(), third.ID()
		damage(t, store, "sessions", string(one[:]))
		damage(t, store, "ended", string(other[:]))
		f.close()
		f.options = &eventlog.Options{RetainBytes: 1}
		f.reopen()
		synctest.Wait()
		_, err := f.Session("t-1", second.ID()).Info(t.Context())
		wantErr(t, "the session between two that are damaged", err, eventlog.ErrSessionNotFound)
		f.info(third)
	})
}
