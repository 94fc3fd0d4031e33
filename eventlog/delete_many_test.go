package eventlog_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// manySessions makes a task with n sessions of one event each, which have ended.
func manySessions(f *fixture, task string, n int) {
	f.Helper()
	for range n {
		s := f.start(task)
		f.ok(s.Complete(f.Context(), eventlog.Succeeded, ""))
	}
}

func TestATaskOfManySessionsIsDeletedInSmallTransactions(t *testing.T) {
	const sessions = 1000
	store := newPurgedStore()
	f := on(t, store, nil)
	manySessions(f, "t-1", sessions)
	kept := f.start("t-10") // its name begins like the other's
	store.most.Store(0)
	store.updates.Store(0)
	f.ok(f.DeleteTask(t.Context(), "t-1"))
	store.purged(t)
	if n := store.updates.Load(); n < sessions/250 || n > sessions/10 {
		t.Errorf("%d sessions were deleted and purged in %d transactions", sessions, n)
	}
	if most := store.most.Load(); most > 2000 { // entries of 1,000 changes of tasks may be among them
		t.Errorf("one transaction deleted %d keys: an append behind it waits", most)
	}
	wantErr(t, "second deletion", f.DeleteTask(t.Context(), "t-1"), eventlog.ErrTaskNotFound)
	wantEqual(t, "sessions in the store", countKeys(t, store.Store, "sessions"), 1)
	wantEqual(t, "ended sessions in the store", countKeys(t, store.Store, "ended"), 0)
	wantEqual(t, "events in the store, and states", countKeys(t, store.Store, "events"), 1)
	f.append(kept, says("goes on"))
}

func TestADeletionThatIsBrokenOffLeavesTheRestOfTheTask(t *testing.T) {
	const sessions = 600
	var breakOff atomic.Pointer[context.CancelFunc]
	db := &spy{Store: eventlogtest.NewStore()}
	db.update = func(c context.Context, fn func(store.Tx) error, next updateFunc) error {
		if cancel := breakOff.Load(); cancel != nil {
			(*cancel)()
		}
		return next(c, fn)
	}
	f := on(t, db, nil)
	manySessions(f, "t-1", sessions)
	ctx, cancel := context.WithCancel(t.Context())
	breakOff.Store(&cancel) // during the first of its transactions
	if err := f.DeleteTask(ctx, "t-1"); !errors.Is(err, context.Canceled) {
		t.Fatalf("it ends by %v", err)
	}
	task := f.task("t-1")
	if task.Sessions <= 0 || task.Sessions >= sessions {
		t.Errorf("it has %d of %d sessions", task.Sessions, sessions)
	}
	wantEqual(t, "its events", task.Totals.Events, uint64(task.Sessions))
	wantEqual(t, "its status", task.Status, eventlog.Succeeded)
	f.ok(f.DeleteTask(t.Context(), "t-1"))
}

func TestATaskHasSoManyOpenSessionsAtMost(t *testing.T) {
	const most = 256
	f := inMemory(t, nil)
	beside := &eventlog.StartOptions{Concurrent: true}
	var first *eventlog.Session
	for range most {
		s, err := f.Start(t.Context(), "t-1", beside)
		f.ok(err)
		if first == nil {
			first = s
		}
	}
	_, err := f.Start(t.Context(), "t-1", beside)
	wantErr(t, "one more", err, eventlog.ErrTooManyOpen)
	wantEqual(t, "sessions", f.task("t-1").Sessions, most)
	_, err = f.Start(t.Context(), "t-2", beside)
	wantErr(t, "one of another task", err, nil)
	f.ok(first.Complete(t.Context(), eventlog.Succeeded, ""))
	_, err = f.Start(t.Context(), "t-1", beside)
	wantErr(t, "one more after one has ended", err, nil)
	last := f.start("t-1")
	wantEqual(t, "open sessions after all were superseded", f.Stats().OpenSessions, 2)
	f.append(last, says("goes on"))
}
