package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// gate is a store whose Updates wait until the test lets them through.
type gate struct {
	spy
	closed  atomic.Bool
	arrived chan struct{} // gets a token when an Update waits
	through chan struct{} // takes a token for each Update that may go on
}

func newGate() *gate {
	g := &gate{spy: spy{Store: eventlogtest.NewStore()}, arrived: make(chan struct{}), through: make(chan struct{})}
	g.update = func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
		if g.closed.Load() {
			g.arrived <- struct{}{}
			<-g.through
		}
		return next(ctx, fn)
	}
	return g
}

func TestManyAppendsShareOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGate()
		f := on(t, store, nil)
		s := f.start("t-1")
		synctest.Wait() // the purger has looked for trash
		before := store.updates.Load()
		store.closed.Store(true)
		const appenders = 64
		var wg sync.WaitGroup
		appendOne := func() {
			if _, err := s.Append(t.Context(), says("x")); err != nil {
				t.Error(err)
			}
		}
		wg.Go(appendOne)
		<-store.arrived // one commit has begun
		for range appenders {
			wg.Go(appendOne)
		}
		synctest.Wait() // the others wait for it
		store.closed.Store(false)
		store.through <- struct{}{}
		wg.Wait()
		wantEqual(t, "updates", store.updates.Load()-before, 2)
		wantEqual(t, "head", f.info(s).Head, appenders+1)
	})
}

func TestManyAppendersOnDiskShareCommits(t *testing.T) {
	store := &spy{Store: openStore(t, t.TempDir()+"/jr.db")}
	f := on(t, store, nil)
	s := f.start("t-1")
	before := store.updates.Load()
	const appenders, each = 64, 10
	var wg sync.WaitGroup
	for range appenders {
		wg.Go(func() {
			for range each {
				if _, err := s.Append(t.Context(), says("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if updates := store.updates.Load() - before; updates > appenders*each/4 {
		t.Errorf("%d appends took %d updates", appenders*each, updates)
	}
	wantEqual(t, "events", len(f.events(s, 0)), appenders*each)
}

func TestARefusedAppendDoesNotDisturbItsGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGate()
		f := on(t, store, nil)
		sealed, open := f.start("t-1"), f.startBeside("t-1")
		f.append(sealed, complete())
		synctest.Wait()
		store.closed.Store(true)
		var wg sync.WaitGroup
		wg.Go(func() { wantErr(t, "probe", f.Probe(t.Context()), nil) })
		<-store.arrived
		for range 10 {
			wg.Go(func() {
				_, err := sealed.Append(t.Context(), says("no"))
				wantErr(t, "append to the sealed one", err, eventlog.ErrSealed)
			})
			wg.Go(func() {
				_, err := open.Append(t.Context(), says("yes"))
				wantErr(t, "append to the open one", err, nil)
			})
		}
		synctest.Wait()
		store.closed.Store(false)
		store.through <- struct{}{}
		wg.Wait()
		wantEqual(t, "events", len(f.events(open, 0)), 10)
		wantEqual(t, "head of the sealed one", f.info(sealed).Head, 1)
	})
}

func TestACancelledAppendIsEitherReportedOrCertainlyNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGate()
		f := on(t, store, nil)
		s := f.start("t-1")
		synctest.Wait()
		store.closed.Store(true)
		appending := func(text string) (cancel context.CancelFunc, outcome chan error) {
			ctx, cancel := context.WithCancel(t.Context())
			outcome = make(chan error, 1)
			go func() {
				_, err := s.Append(ctx, says(text))
				outcome <- err
			}()
			return cancel, outcome
		}
		cancelTaken, taken := appending("taken")
		<-store.arrived
		cancelWaiting, waiting := appending("waiting")
		synctest.Wait()
		cancelTaken()
		cancelWaiting()
		wantErr(t, "append that waited", <-waiting, context.Canceled)
		synctest.Wait()
		select {
		case err := <-taken:
			t.Errorf("the append that was being committed returned %v before its outcome was known", err)
		default:
		}
		store.closed.Store(false)
		store.through <- struct{}{}
		wantErr(t, "append that was being committed", <-taken, nil)
		f.append(s, says("after"))
		wantSlice(t, "contents", f.contents(s), []string{"taken", "after"})
	})
}

func TestAppendsCancelledAtAnyMoment(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	var want []string
	var mu sync.Mutex
	var wg sync.WaitGroup
	for a := range 8 {
		wg.Go(func() {
			for i := range 200 {
				text := fmt.Sprintf("%d/%d", a, i)
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				_, err := s.Append(ctx, says(text))
				if err == nil {
					mu.Lock()
					want = append(want, text)
					mu.Unlock()
				} else if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got := f.contents(s)
	slices.Sort(got)
	slices.Sort(want)
	wantSlice(t, "what was acknowledged", got, want)
}

func TestCloseAcknowledgesOrRefusesWhatIsUnderWay(t *testing.T) {
	for _, store := range []struct {
		name string
		open func(*testing.T, *eventlog.Options) *fixture
	}{{"in memory", inMemory}, {"on disk", onDisk}} {
		t.Run(store.name, func(t *testing.T) {
			f := store.open(t, &eventlog.Options{KeepOpen: true})
			s := f.start("t-1")
			var mu sync.Mutex
			var acknowledged []string
			enough := make(chan struct{})
			var wg sync.WaitGroup
			for a := range 16 {
				wg.Go(func() {
					for i := 0; ; i++ {
						text := fmt.Sprintf("%d/%d", a, i)
						_, err := s.Append(t.Context(), says(text))
						if err != nil {
							wantErr(t, "refusal", err, eventlog.ErrClosed)
							return
						}
						mu.Lock()
						if acknowledged = append(acknowledged, text); len(acknowledged) == 100 {
							close(enough)
						}
						mu.Unlock()
					}
				})
			}
			<-enough
			done := f.Done()
			f.close()
			<-done
			wg.Wait()
			wantErr(t, "log", f.Err(), eventlog.ErrClosed)
			f.reopen()
			got := f.contents(s)
			slices.Sort(got)
			slices.Sort(acknowledged)
			wantSlice(t, "what was acknowledged", got, acknowledged)
		})
	}
}

func TestAfterCloseEveryCallIsRefused(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	calls := everyCall(f, s)
	f.close()
	for name, call := range calls {
		wantErr(t, name, call(), eventlog.ErrClosed)
	}
}

// everyCall is every call of a log that touches its store.
func everyCall(f *fixture, s *eventlog.Session) map[string]func() error {
	ctx, log, task, id := f.Context(), f.Log, s.Task(), s.ID()
	watch := log.Watch(task)
	f.Cleanup(watch.Close)
	return map[string]func() error{
		"Append":        func() error { _, err := s.Append(ctx, says("x")); return err },
		"Append latest": func() error { _, err := log.Append(ctx, &eventlog.Batch{Task: "t-1", Events: many(1)}); return err },
		"Trim":          func() error { return log.Trim(ctx, task, id, 1) },
		"Heartbeat":     func() error { return s.Heartbeat(ctx) },
		"Info":          func() error { _, err := s.Info(ctx); return err },
		"Events": func() (err error) {
			for _, err = range s.Events(ctx, 0) {
			}
			return err
		},
		"Read":         func() error { _, err := log.Read(ctx, task, id, 0); return err },
		"Watch.Scan":   func() error { _, err := readWatch(ctx, watch, id, 0); return err },
		"Task":         func() error { _, err := log.Task(ctx, task); return err },
		"Tasks":        func() error { _, err := log.Tasks(ctx, 0, 1); return err },
		"NewestTasks":  func() error { _, err := log.NewestTasks(ctx, 1); return err },
		"Changes":      func() error { _, err := log.Changes(ctx, eventlog.TaskCursor{}, 1); return err },
		"Sessions":     func() error { _, err := log.Sessions(ctx, task, eventlog.SessionID{}, 1); return err },
		"SessionAfter": func() error { _, _, err := log.SessionAfter(ctx, task, eventlog.SessionID{}); return err },
		"PutTask":      func() error { _, _, err := log.PutTask(ctx, "t-2", eventlog.TaskChange{}); return err },
		"Probe":        func() error { return log.Probe(ctx) },
		"Start beside": func() error { _, err := log.Start(ctx, "t-3", nil); return err },
	}
}

func TestAFailedCommitIsFinal(t *testing.T) {
	errDisk := errors.New("the disk is gone")
	for _, c := range []struct {
		name    string
		applied bool // the failed commit reached the store anyway
	}{{"before anything was written", false}, {"after all was written", true}} {
		t.Run(c.name, inBubble(func(t *testing.T) {
			db := &spy{Store: eventlogtest.NewStore()}
			f := on(t, db, &eventlog.Options{KeepOpen: true})
			synctest.Wait() // the purger has looked for trash
			s := f.start("t-1")
			f.append(s, says("acknowledged"))
			watch := f.Watch("t-1")
			defer watch.Close()
			_, err := readWatch(t.Context(), watch, s.ID(), 0)
			f.ok(err)
			calls := everyCall(f, s)
			for name, call := range calls { // the control: all of them work
				wantErr(t, name+" before", call(), nil)
			}
			f.append(s, says("acknowledged, too"))
			head := f.info(s).Head
			changed := watch.Changed()

			db.update = func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
				if c.applied {
					if err := next(ctx, fn); err != nil {
						return err
					}
				}
				return errDisk
			}
			_, err = s.Append(t.Context(), says("lost"))
			wantErr(t, "append", err, eventlog.ErrFailed)
			wantErr(t, "append, its cause", err, errDisk)
			db.update = nil // the disk is back: that must not matter
			<-f.Done()
			wantErr(t, "Err", f.Err(), eventlog.ErrFailed)
			for name, call := range calls {
				wantErr(t, name+" after", call(), eventlog.ErrFailed)
			}
			wantErr(t, "DeleteSession", f.DeleteSession(t.Context(), "t-1", s.ID()), eventlog.ErrFailed)
			wantErr(t, "DeleteTask", f.DeleteTask(t.Context(), "t-1"), eventlog.ErrFailed)
			select {
			case <-changed:
				t.Error("readers were woken for a commit that failed")
			default:
			}
			wantEqual(t, "statistics of the store", f.Stats().Store, store.Stats{})

			f.reopen()
			want := head
			if c.applied {
				want++
			}
			wantEqual(t, "head after a reopen", f.info(s).Head, want)
		}))
	}
}

func TestAppendsBehindAFailedCommitFailToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newGate()
		f := on(t, db, nil)
		s := f.start("t-1")
		synctest.Wait()
		errDisk := errors.New("the disk is gone")
		arrived, through := make(chan struct{}), make(chan struct{})
		var failures atomic.Int64
		db.update = func(context.Context, func(store.Tx) error, updateFunc) error {
			failures.Add(1)
			close(arrived) // a second Update would panic here
			<-through
			return errDisk
		}
		var wg sync.WaitGroup
		failing := func() {
			_, err := s.Append(t.Context(), says("x"))
			wantErr(t, "append", err, eventlog.ErrFailed)
		}
		wg.Go(failing)
		<-arrived
		for range 10 {
			wg.Go(failing)
		}
		synctest.Wait()
		close(through)
		wg.Wait()
		wantEqual(t, "commits tried", failures.Load(), 1)
	})
}

func TestAReadDuringAFailedCommitShowsNothing(t *testing.T) {
	synctest.Test(t, testAReadDuringAFailedCommit)
}

func testAReadDuringAFailedCommit(t *testing.T) {
	db := &spy{Store: eventlogtest.NewStore()}
	f := on(t, db, nil)
	synctest.Wait() // the purger has looked for trash
	s := f.start("t-1")
	db.update = func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
		return errors.Join(errors.New("the sync failed"), next(ctx, fn))
	}
	db.view = func(ctx context.Context, fn func(store.Reader) error, next viewFunc) error {
		_, err := s.Append(ctx, says("never acknowledged")) // fails after the reader was let in
		wantErr(t, "append", err, eventlog.ErrFailed)
		return next(ctx, fn)
	}
	_, err := f.Read(t.Context(), "t-1", s.ID(), 0)
	wantErr(t, "read", err, eventlog.ErrFailed)
}

func TestAProbeReallyWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &spy{Store: eventlogtest.NewStore()}
		f := on(t, store, nil)
		synctest.Wait()
		before := store.updates.Load()
		f.ok(f.Probe(t.Context()))
		f.ok(f.Probe(t.Context()))
		wantEqual(t, "updates of two probes in a second", store.updates.Load()-before, 1)
		time.Sleep(time.Second) // of the bubble's time
		f.ok(f.Probe(t.Context()))
		wantEqual(t, "updates of a probe a second later", store.updates.Load()-before, 2)
	})
}

func TestAProbeWaitsForAnotherOnlyAsLongAsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &spy{Store: eventlogtest.NewStore()}
		f := on(t, db, nil)
		synctest.Wait()
		hangs := make(chan struct{})
		db.update = func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
			<-hangs
			return next(ctx, fn)
		}
		first := make(chan error)
		go func() { first <- f.Probe(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantErr(t, "a probe behind one that hangs", f.Probe(ctx), context.DeadlineExceeded)
		close(hangs)
		f.ok(<-first)
	})
}

// inBubble makes a test with its own time, in which synctest.Wait waits until nothing runs.
func inBubble(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, test) }
}

// While the disk hangs, callers time out and try again. The appends that they gave up must
// not fill the memory until the disk works again.
func TestAnAppendThatWasGivenUpHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newGate()
		f := on(t, store, nil)
		s := f.start("t-1")
		synctest.Wait()
		store.closed.Store(true)
		var wg sync.WaitGroup
		wg.Go(func() { wantErr(t, "the append under way", f.Probe(t.Context()), nil) })
		<-store.arrived
		ctx, cancel := context.WithCancel(t.Context())
		giveUp := func(data []byte) weak.Pointer[byte] {
			wg.Go(func() {
				_, err := s.Append(ctx, eventlog.Event{Type: eventlog.TypeAssistant, Data: data})
				wantErr(t, "the append that is given up", err, context.Canceled)
			})
			return weak.Make(&data[0])
		}
		held := giveUp(fmt.Appendf(nil, `{"content":"%s"}`, strings.Repeat("x", 1<<19)))
		synctest.Wait() // it waits behind the other
		if runtime.GC(); held.Value() == nil {
			t.Error("nothing is held while the append waits: this test sees nothing")
		}
		cancel()
		synctest.Wait()
		if runtime.GC(); held.Value() != nil {
			t.Error("its data is held")
		}
		store.closed.Store(false)
		store.through <- struct{}{}
		wg.Wait()
	})
}
