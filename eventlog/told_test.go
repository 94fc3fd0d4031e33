package eventlog_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// toldStore is a store in memory for several logs, which hear of each other's commits at
// once.
type toldStore struct {
	store.Store
	mu   sync.Mutex
	logs map[*told]bool
}

// told is the store as one log sees it.
type told struct {
	*toldStore
	heard  func(store.Commit)
	refuse error // if set, what this log commits fails
}

func newToldStore() *toldStore {
	return &toldStore{Store: eventlogtest.NewStore(), logs: map[*told]bool{}}
}

// Shared implements [store.SharedStore].
func (t *told) Shared() {}

// Notify implements [store.NotifyingStore].
func (t *told) Notify(ctx context.Context, begin func(store.Reader) error, heard func(store.Commit), _ func(error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard, t.logs[t] = heard, true
	return t.View(ctx, begin)
}

// Update implements [store.Store].
func (t *told) Update(ctx context.Context, fn func(store.Tx) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refuse != nil {
		return t.refuse
	}
	var ops []store.Op
	err := t.Store.Update(ctx, func(tx store.Tx) error { return fn(&recordingTx{Tx: tx, ops: &ops}) })
	if err != nil {
		return err
	}
	for log := range t.logs {
		log.heard(store.Commit{Own: log == t, Ops: asDelta(ops)})
	}
	return nil
}

// Close implements [store.Store].
func (t *told) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.logs, t)
	return nil
}

// A lease ends by silence, and a writer that any log hears of is not silent.
func TestALeaseIsRenewedThroughAnyLogThatIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newToldStore()
		first := on(t, &told{toldStore: s}, nil)
		session := first.lease("t-1", time.Minute)
		silent := first.lease("t-2", time.Minute)
		second := on(t, &told{toldStore: s}, nil)
		there := second.Session("t-1", session.ID())
		for i := range 10 {
			time.Sleep(40 * time.Second)
			if i < 5 {
				second.ok(there.Heartbeat(t.Context()))
			} else {
				second.append(there, says("x"))
			}
			wantEqual(t, "status", first.info(session).Status, eventlog.StatusOpen)
		}
		wantEqual(t, "reason of the silent one", second.info(silent).Reason, "lease expired")
		first.close() // whoever is left seals it
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		wantEqual(t, "reason", second.info(session).Reason, "lease expired")
		wantEqual(t, "head", second.info(session).Head, 6)
		wantEqual(t, "open sessions", second.Stats().OpenSessions, 0)
	})
}

// What a log has deleted when it ends is removed by another one.
func TestAnotherLogRemovesWhatWasDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newToldStore()
		ends := &told{toldStore: s}
		first, second := on(t, ends, nil), on(t, &told{toldStore: s}, nil)
		session := first.start("t-1")
		first.append(session, says("secret"))
		events := func() (n int) {
			second.ok(s.View(t.Context(), func(r store.Reader) error {
				for range r.Ascend(store.Events, nil, nil) {
					n++
				}
				return nil
			}))
			return n
		}
		s.mu.Lock()
		heard := ends.heard
		ends.heard = func(c store.Commit) { // the deletion is the last that it commits
			heard(c)
			ends.refuse = errors.Join(eventlog.ErrNotCommitted, errors.New("the process has ended"))
		}
		s.mu.Unlock()
		first.ok(first.DeleteTask(t.Context(), "t-1"))
		synctest.Wait()
		if events() == 0 {
			t.Fatal("nothing is left to remove: this proves nothing")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		wantEqual(t, "records of events", events(), 0)
	})
}
