package eventlog_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// A store shows a commit before its Update returns, and memory has it after that. Here the
// Update is stopped in between.
func TestWhatAReadHasSeenTheNextReaderOfMemorySees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stop atomic.Bool
		stopped, goOn := make(chan struct{}), make(chan struct{})
		db := &spy{Store: eventlogtest.NewStore()}
		db.update = func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
			err := next(ctx, fn)
			if stop.Load() {
				close(stopped)
				<-goOn
			}
			return err
		}
		f := on(t, db, nil)
		s := f.start("t-1")
		f.append(s, says("one"))
		watch := f.Watch("t-1")
		defer watch.Close()
		head := func() uint64 {
			t.Helper()
			page, err := readWatch(t.Context(), watch, s.ID(), 1)
			f.ok(err)
			return page.Head
		}
		head() // from now on memory has what follows

		stop.Store(true)
		go f.append(s, says("two"))
		<-stopped
		if n := countKeys(t, db, store.Events); n != 3 { // with the state of the session
			t.Fatalf("the store shows %d keys, so its commit was not stopped after it was shown", n)
		}
		var returned atomic.Bool
		read := make(chan uint64)
		go func() {
			page, err := f.Read(t.Context(), "t-1", s.ID(), 0)
			f.ok(err)
			returned.Store(true)
			read <- page.Head
		}()
		synctest.Wait()
		if got := head(); returned.Load() && got != 2 {
			t.Errorf("a read of the store has returned, and one of memory after it sees head %d", got)
		}
		stop.Store(false)
		close(goOn)
		if got := <-read; got != 2 {
			t.Errorf("the read of the store saw head %d, not what the store showed", got)
		}
		if got := head(); got != 2 {
			t.Errorf("memory has head %d after the commit", got)
		}
	})
}

// A store that does not tell how many commits it has makes no read wait for them.
func TestNoReadWaitsForCommitsThatAreNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newToldStore()
		s.uncounted = true
		writer, other := on(t, s.replica(), nil), on(t, s.replica(), nil)
		session := writer.start("t-1")
		writer.append(session, says("one"))
		for _, f := range []*fixture{writer, other} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			page, err := f.Read(ctx, "t-1", session.ID(), 0)
			cancel()
			if err != nil || page.Head != 1 {
				t.Errorf("head %d, %v", page.Head, err)
			}
		}
	})
}

// The trace runs within a commit, and may read what was committed.
func TestTheTraceMayReadWhatWasCommitted(t *testing.T) {
	var f *fixture
	var heads []uint64
	f = inMemory(t, &eventlog.Options{Trace: &eventlog.Trace{Committed: func(e *eventlog.Event) {
		sessions, err := f.Sessions(t.Context(), "t-1", eventlog.SessionID{}, 1)
		f.ok(err)
		heads = append(heads, sessions[0].Head)
	}}})
	f.append(f.start("t-1"), says("one"), says("two"))
	if len(heads) != 2 || heads[0] != 2 {
		t.Errorf("the trace read heads %d", heads)
	}
}
