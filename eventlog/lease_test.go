package eventlog_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// lease starts a session with a lease, beside the existing ones.
func (f *fixture) lease(task string, lease time.Duration) *eventlog.Session {
	f.Helper()
	s, err := f.Start(f.Context(), task, &eventlog.StartOptions{Lease: lease, Concurrent: true})
	f.ok(err)
	return s
}

// wantSealedAfter waits in the bubble's time and checks that the session is
// sealed then, and was not a millisecond before.
func (f *fixture) wantSealedAfter(s *eventlog.Session, d time.Duration, reason string) {
	f.Helper()
	time.Sleep(d - time.Millisecond)
	synctest.Wait()
	wantEqual(f, "status a millisecond before", f.info(s).Status, eventlog.StatusOpen)
	time.Sleep(time.Millisecond)
	synctest.Wait()
	info := f.info(s)
	wantEqual(f, "status", info.Status, eventlog.Interrupted)
	wantEqual(f, "reason", info.Reason, reason)
	wantEqual(f, "time of the end", info.Ended.Time, time.Now().UTC())
	events := f.events(s, info.Head-1)
	wantEqual(f, "last event", content(events[0]), fmt.Sprintf(`complete{"status":"interrupted","reason":"%s"}`, reason))
}

func TestASilentSessionIsSealed(t *testing.T) {
	for _, c := range []struct {
		name   string
		idle   time.Duration
		lease  time.Duration
		after  time.Duration // 0: never
		reason string
	}{
		{"with a lease", 0, time.Minute, time.Minute, "lease expired"},
		{"with a lease shorter than the idle timeout", time.Hour, 90 * time.Second, 90 * time.Second, "lease expired"},
		{"with a lease longer than the idle timeout", time.Minute, time.Hour, time.Hour, "lease expired"},
		{"without a lease", 24 * time.Hour, 0, 24 * time.Hour, "idle timeout"},
		{"without a lease and an idle timeout", 0, 0, 0, ""},
	} {
		t.Run(c.name, inBubble(func(t *testing.T) {
			f := inMemory(t, &eventlog.Options{IdleTimeout: c.idle})
			s := f.lease("t-1", c.lease)
			if c.after == 0 {
				time.Sleep(10 * 365 * 24 * time.Hour)
				wantEqual(t, "status", f.info(s).Status, eventlog.StatusOpen)
				return
			}
			watch := f.Watch("t-1")
			defer watch.Close()
			changed := watch.Changed()
			f.wantSealedAfter(s, c.after, c.reason)
			<-changed
			wantEqual(t, "status of the task", f.task("t-1").Status, eventlog.Interrupted)
			wantErr(t, "heartbeat", s.Heartbeat(t.Context()), eventlog.ErrSealed)
			_, err := s.Append(t.Context(), says("late"))
			wantErr(t, "append", err, eventlog.ErrSealed)
			wantErr(t, "end", s.Complete(t.Context(), eventlog.Succeeded, ""), eventlog.ErrSealed)
		}))
	}
}

func TestAppendsAndHeartbeatsRenewALease(t *testing.T) {
	for _, options := range []*eventlog.Options{nil, {IdleTimeout: time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			f := inMemory(t, options)
			lease, reason := time.Minute, "lease expired"
			if options != nil {
				lease, reason = 0, "idle timeout"
			}
			s := f.lease("t-1", lease)
			for i := range 10 {
				time.Sleep(time.Minute - time.Millisecond)
				if i%2 == 0 {
					f.ok(s.Heartbeat(t.Context()))
				} else {
					f.append(s, says("x"))
				}
			}
			f.wantSealedAfter(s, time.Minute, reason)
		})
	}
}

func TestASessionThatAnAppendStartsHasTheIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, &eventlog.Options{IdleTimeout: time.Hour})
		s := f.Session("t-1", f.appendTo("t-1", says("x")).Session)
		f.wantSealedAfter(s, time.Hour, "idle timeout")
	})
}

func TestALeaseThatEndsSoonerThanTheOthersIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, nil)
		long := f.lease("t-1", time.Hour)
		short := f.lease("t-1", time.Minute)
		f.wantSealedAfter(short, time.Minute, "lease expired")
		f.wantSealedAfter(long, 59*time.Minute, "lease expired")
	})
}

func TestAHeartbeatStaysInMemoryAndIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &spy{Store: eventlogtest.NewStore()}
		f := on(t, store, nil)
		s, deleted := f.lease("t-1", time.Minute), f.lease("t-1", time.Minute)
		f.start("t-2")
		f.ok(f.DeleteSession(t.Context(), "t-1", deleted.ID()))
		synctest.Wait()
		views, updates := store.views.Load(), store.updates.Load()
		for range 100 {
			f.ok(s.Heartbeat(t.Context()))
		}
		wantEqual(t, "views", store.views.Load(), views)
		wantEqual(t, "updates", store.updates.Load(), updates)

		wantErr(t, "deleted", deleted.Heartbeat(t.Context()), eventlog.ErrSessionNotFound)
		wantErr(t, "no such session", f.Session("t-1", eventlog.SessionID{1}).Heartbeat(t.Context()), eventlog.ErrSessionNotFound)
		wantErr(t, "session of another task", f.Session("t-2", s.ID()).Heartbeat(t.Context()), eventlog.ErrSessionNotFound)
		f.ok(f.DeleteTask(t.Context(), "t-1"))
		wantErr(t, "deleted task", s.Heartbeat(t.Context()), eventlog.ErrSessionNotFound)
		time.Sleep(time.Hour) // nothing is left to expire
		wantEqual(t, "open sessions", f.Stats().OpenSessions, 1)
	})
}

func TestAfterAnOpenEveryLeaseStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, &eventlog.Options{KeepOpen: true, IdleTimeout: time.Hour})
		leased, idle := f.lease("t-1", time.Minute), f.startBeside("t-1")
		time.Sleep(59 * time.Second)
		f.close()
		time.Sleep(24 * time.Hour)
		f.reopen()
		f.wantSealedAfter(leased, time.Minute, "lease expired")
		f.wantSealedAfter(idle, 59*time.Minute, "idle timeout")
	})
}

func TestASessionEndsForOneReasonOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, nil)
		ended, superseded := f.lease("t-1", time.Minute), f.lease("t-1", time.Minute)
		f.ok(ended.Complete(t.Context(), eventlog.Succeeded, "done"))
		f.start("t-1")
		left := f.lease("t-2", time.Minute)
		f.reopen()
		time.Sleep(time.Hour)
		for s, reason := range map[*eventlog.Session]string{ended: "done", superseded: "superseded", left: "process ended"} {
			info := f.info(s)
			wantEqual(t, "reason", info.Reason, reason)
			wantEqual(t, "head", info.Head, 1)
		}
	})
}

// An append that waits for its commit when the lease expires is in time.
func TestAnAppendUnderWayRenewsALease(t *testing.T) {
	for _, c := range []struct {
		name string
		held time.Duration // when the append is made
	}{{"long before", time.Second}, {"in the last moment", time.Minute - time.Millisecond}} {
		t.Run(c.name, inBubble(func(t *testing.T) {
			store := newGate()
			f := on(t, store, nil)
			s := f.lease("t-1", time.Minute)
			synctest.Wait()
			time.Sleep(c.held)
			store.closed.Store(true)
			var wg sync.WaitGroup
			wg.Go(func() { f.ok(f.Probe(t.Context())) })
			<-store.arrived // a slow commit, which the append waits for
			wg.Go(func() { f.append(s, says("in time")) })
			time.Sleep(time.Hour) // the seal waits behind the append, in the same group
			store.closed.Store(false)
			store.through <- struct{}{}
			wg.Wait()
			synctest.Wait()
			f.wantSealedAfter(s, time.Minute, "lease expired")
			wantEqual(t, "head", f.info(s).Head, 2)
		}))
	}
}

// interposed is a store that runs a function between the decisions of an Update and its
// commit. It does so for the next Update after each time that it is armed.
func interposed(between func() error) (db *spy, armed *atomic.Bool) {
	armed = &atomic.Bool{}
	db = &spy{Store: eventlogtest.NewStore()}
	db.update = func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
		if !armed.CompareAndSwap(true, false) {
			return next(ctx, fn)
		}
		return next(ctx, func(tx store.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return between()
		})
	}
	return db, armed
}

func TestAHeartbeatIsBeforeTheSealOrHearsOfIt(t *testing.T) {
	t.Run("before", inBubble(func(t *testing.T) {
		store := newGate()
		f := on(t, store, nil)
		s := f.lease("t-1", time.Minute)
		synctest.Wait()
		store.closed.Store(true)
		time.Sleep(time.Minute)
		<-store.arrived // the seal has begun
		f.ok(s.Heartbeat(t.Context()))
		store.closed.Store(false)
		store.through <- struct{}{}
		synctest.Wait()
		f.wantSealedAfter(s, time.Minute, "lease expired")
	}))
	t.Run("after", inBubble(func(t *testing.T) {
		arrived, through := make(chan struct{}), make(chan struct{})
		store, armed := interposed(func() error {
			arrived <- struct{}{}
			<-through
			return nil
		})
		f := on(t, store, nil)
		s := f.lease("t-1", time.Minute)
		synctest.Wait()
		armed.Store(true)
		time.Sleep(time.Minute)
		<-arrived // the seal is decided
		heard := make(chan error, 1)
		go func() { heard <- s.Heartbeat(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-heard:
			t.Errorf("the heartbeat returned %v before the seal was known", err)
		default:
		}
		through <- struct{}{}
		wantErr(t, "heartbeat", <-heard, eventlog.ErrSealed)
	}))
}

func TestASealThatIsNotCommittedIsTriedAgain(t *testing.T) {
	for _, heartbeat := range []bool{false, true} {
		t.Run(fmt.Sprintf("heartbeat=%v", heartbeat), inBubble(func(t *testing.T) {
			store, armed := interposed(func() error { return eventlog.ErrNotCommitted })
			f := on(t, store, nil)
			s := f.lease("t-1", time.Minute)
			synctest.Wait()
			armed.Store(true)
			time.Sleep(time.Minute)
			synctest.Wait()
			wantEqual(t, "status after the failed commit", f.info(s).Status, eventlog.StatusOpen)
			next := time.Second
			if heartbeat {
				f.ok(s.Heartbeat(t.Context()))
				next = time.Minute
			}
			f.wantSealedAfter(s, next, "lease expired")
			wantEqual(t, "head", f.info(s).Head, 1)
		}))
	}
}

// The pauses of the writers are as long as their leases, so that appends, heartbeats and
// seals meet.
func TestNoSealFollowsASignOfLifeTooSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, nil)
		const lease = 100 * time.Millisecond
		var wg sync.WaitGroup
		sealed := 0
		var mu sync.Mutex
		for i := range 100 {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			s := f.lease(fmt.Sprintf("t-%d", i), lease)
			wg.Go(func() {
				last := time.Now()
				for {
					time.Sleep(lease - 5*time.Millisecond + time.Duration(random.IntN(6))*time.Millisecond)
					asked := time.Now()
					var err error
					if random.IntN(2) == 0 {
						err = s.Heartbeat(t.Context())
					} else {
						_, err = s.Append(t.Context(), says("x"))
					}
					if err != nil {
						wantErr(t, "refusal", err, eventlog.ErrSealed)
						break
					}
					last = asked
				}
				ended := f.info(s).Ended.Time
				wantEqual(t, "silence before the seal", ended.Sub(last), lease)
				mu.Lock()
				sealed++
				mu.Unlock()
			})
		}
		wg.Wait()
		wantEqual(t, "sealed sessions", sealed, 100)
	})
}

func TestManyLeasesRunOutInFewTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &spy{Store: eventlogtest.NewStore()}
		f := on(t, store, nil)
		for range 250 {
			f.lease("t-1", time.Minute)
		}
		synctest.Wait()
		before := store.updates.Load()
		time.Sleep(time.Minute)
		synctest.Wait()
		wantEqual(t, "open sessions", f.Stats().OpenSessions, 0)
		wantEqual(t, "updates", store.updates.Load()-before, 3)
	})
}
