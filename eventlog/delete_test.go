package eventlog_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
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

// purgedStore is a spy that counts what each Update deletes, and can delay the purger.
type purgedStore struct {
	spy
	committed chan struct{} // gets a token after each Update
	most      atomic.Int64  // deletions in one Update
	hold      atomic.Bool   // hides the trash
}

func newPurgedStore() *purgedStore {
	s := &purgedStore{spy: spy{Store: eventlogtest.NewStore()}, committed: make(chan struct{}, 1)}
	s.update = func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
		counted := &countingTx{}
		err := next(ctx, func(tx store.Tx) error {
			counted.Tx = tx
			return fn(counted)
		})
		s.most.Store(max(s.most.Load(), counted.deletes))
		select {
		case s.committed <- struct{}{}:
		default:
		}
		return err
	}
	s.view = func(ctx context.Context, fn func(store.Reader) error, next viewFunc) error {
		return next(ctx, func(r store.Reader) error {
			if s.hold.Load() {
				r = trashless{r}
			}
			return fn(r)
		})
	}
	return s
}

// trashless hides the trash from the purger.
type trashless struct{ store.Reader }

func (r trashless) Ascend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	if b == "trash" {
		return func(func(k, v []byte) bool) {}
	}
	return r.Reader.Ascend(b, from, to)
}

type countingTx struct {
	store.Tx
	deletes int64
}

func (t *countingTx) Delete(b store.Bucket, key []byte) {
	t.deletes++
	t.Tx.Delete(b, key)
}

// purged waits until the trash is empty.
func (s *purgedStore) purged(t *testing.T) {
	t.Helper()
	for countKeys(t, s.Store, "trash") > 0 {
		select {
		case <-s.committed:
		case <-t.Context().Done():
			t.Fatal("the trash is never emptied")
		}
	}
}

func TestWhatIsDeletedIsGoneAtOnceAndFreedInTheBackground(t *testing.T) {
	store := newPurgedStore()
	f := on(t, store, nil)
	s := f.start("t-1")
	kept := f.start("t-10") // its name begins like the other's
	f.append(kept, says("kept"))
	f.append(s, many(2500)...)
	_, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: s.ID(), Events: many(1), Key: withKey("k")})
	f.ok(err)
	f.ok(f.DeleteTask(t.Context(), "t-1"))

	_, err = f.Task(t.Context(), "t-1")
	wantErr(t, "task", err, eventlog.ErrTaskNotFound)
	_, err = s.Info(t.Context())
	wantErr(t, "session", err, eventlog.ErrSessionNotFound)
	_, err = f.Read(t.Context(), "t-1", s.ID(), 0)
	wantErr(t, "read", err, eventlog.ErrSessionNotFound)
	wantErr(t, "second deletion", f.DeleteTask(t.Context(), "t-1"), eventlog.ErrTaskNotFound)
	wantEqual(t, "open sessions", f.Stats().OpenSessions, 1)

	store.purged(t)
	wantEqual(t, "events in the store, and states", countKeys(t, store.Store, "events"), 1+1)
	wantEqual(t, "keys in the store", countKeys(t, store.Store, "keys"), 0)
	wantEqual(t, "sessions in the store", countKeys(t, store.Store, "sessions"), 1)
	if most := store.most.Load(); most > 1100 {
		t.Errorf("one transaction deleted %d keys: an append behind it waits", most)
	}
	wantSlice(t, "the neighbour", f.contents(kept), []string{"kept"})
}

func TestADeletedSessionLeavesTheOthers(t *testing.T) {
	store := newPurgedStore()
	f := on(t, store, nil)
	first, second := f.start("t-1"), f.startBeside("t-1")
	f.append(first, says("1"))
	f.append(second, says("2"), says("3"))
	f.ok(f.DeleteSession(t.Context(), "t-1", second.ID()))
	task := f.task("t-1")
	wantEqual(t, "sessions", task.Sessions, 1)
	wantEqual(t, "latest", task.Latest, first.ID())
	wantEqual(t, "events", task.Totals.Events, 1)
	wantErr(t, "second deletion", f.DeleteSession(t.Context(), "t-1", second.ID()), eventlog.ErrSessionNotFound)
	_, err := second.Append(t.Context(), says("4"))
	wantErr(t, "append", err, eventlog.ErrSessionNotFound)
	wantEqual(t, "where the latest goes on", f.appendTo("t-1", says("5")).Session, first.ID())
	store.purged(t)
	wantSlice(t, "contents", f.contents(first), []string{"1", "5"})
}

func TestATaskMayBeMadeAgainBeforeTheOldOneIsPurged(t *testing.T) {
	store := newPurgedStore()
	f := on(t, store, &eventlog.Options{KeepOpen: true})
	store.purged(t)
	store.hold.Store(true)
	withKeyK := func() eventlog.Appended {
		a, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{says("1")}, Key: withKey("k")})
		f.ok(err)
		return a
	}
	old := withKeyK()
	f.ok(f.DeleteTask(t.Context(), "t-1"))
	f.close()
	wantEqual(t, "trash is left", countKeys(t, store.Store, "trash") > 0, true)
	f.reopen() // the deletion was the last change, and only the store knows its number
	made := withKeyK()
	wantEqual(t, "replayed", made.Replayed, false)
	if made.Session == old.Session {
		t.Error("a deleted session's id was given again")
	}
	f.close()
	store.hold.Store(false)
	f.reopen()
	store.purged(t)
	wantEqual(t, "repeat after the purge is replayed", withKeyK().Replayed, true)
	wantEqual(t, "events in the store, and states", countKeys(t, store.Store, "events"), 1+1)
}

func TestTrashIsPurgedAfterAReopen(t *testing.T) {
	store := newPurgedStore()
	store.hold.Store(true)
	f := on(t, store, nil)
	s := f.start("t-1")
	f.append(s, says("1"), says("2"))
	f.ok(f.DeleteTask(t.Context(), "t-1"))
	f.close()
	wantEqual(t, "events before the reopen", countKeys(t, store.Store, "events"), 2)
	store.hold.Store(false)
	f.reopen()
	store.purged(t)
	wantEqual(t, "events after it", countKeys(t, store.Store, "events"), 0)
}

func TestDamagedTrashDeletesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := eventlogtest.NewStore()
		f := on(t, db, nil)
		s := f.start("t-1")
		f.append(s, says("kept"), complete())
		f.close()
		id := s.ID()
		f.ok(db.Update(t.Context(), func(tx store.Tx) error {
			tx.Put("trash", append([]byte("events\x00"), id[:]...), []byte("damaged"))
			return nil
		}))
		var logged bytes.Buffer
		f.options = &eventlog.Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))}
		f.reopen()
		synctest.Wait() // the purger has looked for trash
		wantEqual(t, "events", len(f.events(s, 0)), 2)
		wantEqual(t, "is logged", strings.Contains(logged.String(), eventlog.ErrDamaged.Error()), true)
	})
}

func TestATrimmedSession(t *testing.T) {
	f := inMemory(t, nil)
	for _, c := range []struct {
		name    string
		events  int
		seal    bool
		through uint64
		first   uint64
	}{
		{"nothing", 3, false, 0, 1},
		{"the front", 5, false, 2, 3},
		{"all of an open one", 3, false, 3, 4},
		{"beyond the head of an open one", 3, false, 1 << 63, 4},
		{"a sealed one keeps its complete", 3, true, 1 << 63, 4},
		{"an empty one", 0, false, 10, 1},
		{"in many transactions", 3500, false, 3400, 3401},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := f.startBeside("t-1")
			watch := f.Watch("t-1")
			defer watch.Close()
			for i := range c.events {
				if c.events > 100 {
					f.append(s, many(c.events)...)
					break
				}
				f.append(s, says(fmt.Sprint(i+1)))
			}
			if c.seal {
				f.append(s, complete())
			}
			head := f.info(s).Head
			_, err := readWatch(t.Context(), watch, s.ID(), head) // now there is a tail
			f.ok(err)
			changed := watch.Changed()
			f.ok(f.Trim(t.Context(), "t-1", s.ID(), c.through))
			for range 2 { // and again: a second trim is harmless
				for name, read := range map[string]func(context.Context, eventlog.SessionID, uint64) (eventlog.Page, error){
					"Log.Read": func(ctx context.Context, id eventlog.SessionID, after uint64) (eventlog.Page, error) {
						return f.Read(ctx, "t-1", id, after)
					},
					"Watch.Scan": func(ctx context.Context, id eventlog.SessionID, after uint64) (eventlog.Page, error) {
						return readWatch(ctx, watch, id, after)
					},
				} {
					page, err := read(t.Context(), s.ID(), 0)
					f.ok(err)
					wantEqual(t, name+": first", page.First, c.first)
					wantEqual(t, name+": gap", page.Gap(0), c.first > 1)
					wantEqual(t, name+": no gap for who has the front", page.Gap(c.first-1), false)
					wantEqual(t, name+": head", page.Head, head)
					wantEqual(t, name+": events", uint64(len(page.Events)), head+1-c.first)
					if len(page.Events) > 0 {
						wantEqual(t, name+": first event", page.Events[0].Sequence, c.first)
					}
				}
				f.ok(f.Trim(t.Context(), "t-1", s.ID(), c.through))
			}
			if c.first > 1 {
				<-changed
			}
			if !c.seal {
				f.append(s, says("next"))
				wantEqual(t, "head after one more", f.info(s).Head, head+1)
			}
		})
	}
	wantErr(t, "no such task", f.Trim(t.Context(), "t-2", eventlog.SessionID{1}, 1), eventlog.ErrSessionNotFound)
}

func many(n int) []eventlog.Event {
	events := make([]eventlog.Event, n)
	for i := range events {
		events[i] = says("x")
	}
	return events
}

func TestADeletionEndsAWatchedSession(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	f.append(s, says("1"))
	watch := f.Watch("t-1")
	defer watch.Close()
	_, err := readWatch(t.Context(), watch, s.ID(), 1)
	f.ok(err)
	changed := watch.Changed()
	f.ok(f.DeleteSession(t.Context(), "t-1", s.ID()))
	<-changed
	wantEqual(t, "behind", watch.Behind(eventlog.Cursor{Session: s.ID(), Sequence: 1}), true)
	_, err = readWatch(t.Context(), watch, s.ID(), 1)
	wantErr(t, "read", err, eventlog.ErrSessionNotFound)
	changed = watch.Changed()
	f.ok(f.DeleteTask(t.Context(), "t-1"))
	<-changed
}

func TestAPurgeThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &spy{Store: eventlogtest.NewStore()}
		var works atomic.Bool
		db.update = func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
			if !works.Load() && countKeys(t, db.Store, "trash") > 0 {
				return eventlog.ErrNotCommitted
			}
			return next(ctx, fn)
		}
		f := on(t, db, nil)
		s := f.start("t-1")
		f.append(s, says("1"))
		f.ok(f.DeleteTask(t.Context(), "t-1"))
		synctest.Wait()
		wantEqual(t, "events after a commit that failed", countKeys(t, db.Store, "events"), 1)
		works.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		wantEqual(t, "events a minute later", countKeys(t, db.Store, "events"), 0)
	})
}
