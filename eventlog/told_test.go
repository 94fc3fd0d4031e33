package eventlog_test

import (
	"context"
	"errors"
	"slices"
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
	uncounted bool // it does not tell how many commits it has
	mu        sync.Mutex
	replicas  []*told
	term      uint64
}

// told is the store as one log sees it.
type told struct {
	*toldStore
	heard  func(store.Commit)
	make   func(context.Context, uint64, []byte) ([]byte, error)
	refuse error // if set, what this log commits fails
	cutOff error // if set, what this log hands on fails
	lose   int   // how many answers of this log get lost

	hand            func(change []byte) // if set, called before this log hands something on
	handed, updates int                 // how much this log has handed on, and committed
}

func newToldStore() *toldStore { return &toldStore{Store: eventlogtest.NewStore()} }

func (s *toldStore) replica() *told { return &told{toldStore: s} }

// Notify implements [store.NotifyingStore].
func (t *told) Notify(ctx context.Context, begin func(store.Reader) error, heard func(store.Commit), _ func(error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard, t.replicas = heard, append(t.replicas, t)
	return t.View(ctx, begin)
}

// Serve implements [store.NotifyingStore]. The first one is the writer.
func (t *told) Serve(do func(context.Context, uint64, []byte) ([]byte, error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.make = do; t.term == 0 {
		t.takeOver()
	}
}

// takeOver makes a replica the writer. mu must be held.
func (t *told) takeOver() {
	t.term++
	t.replicas = append([]*told{t}, slices.DeleteFunc(t.replicas, func(other *told) bool { return other == t })...)
	t.tell(nil, nil)
}

// commits is how many the store has.
func (t *told) commits() (n uint64) {
	if t.uncounted {
		return 0
	}
	_ = t.View(context.Background(), func(r store.Reader) error {
		n = store.Commits(r)
		return nil
	})
	return n
}

// tell tells all logs of a commit. The first replica is the writer.
func (t *told) tell(by *told, ops []store.Op) {
	for i, log := range t.replicas {
		c := store.Commit{Own: log == by, Commits: t.commits(), Ops: asDelta(ops)}
		if i == 0 {
			c.Term = t.term
		}
		log.heard(c)
	}
}

// Hand implements [store.NotifyingStore].
func (t *told) Hand(ctx context.Context, change []byte, repeat bool) ([]byte, error) {
	for {
		t.mu.Lock()
		writer, term, cutOff := t.replicas[0], t.term, t.cutOff
		t.handed++
		t.mu.Unlock()
		if cutOff != nil {
			return nil, cutOff
		}
		if t.hand != nil {
			t.hand(change)
		}
		if writer == t {
			return nil, store.ErrNotWriter
		}
		answer, err := writer.make(ctx, term, change)
		if errors.Is(err, store.ErrNotWriter) {
			continue
		}
		t.mu.Lock()
		lost := writer.lose > 0
		if lost {
			writer.lose--
		}
		t.mu.Unlock()
		if lost && !repeat {
			return nil, eventlog.ErrUnsettled
		} else if !lost {
			return answer, err
		}
	}
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
	if err == nil {
		t.updates++
		t.tell(t, ops)
	}
	return err
}

// Close implements [store.Store]. If the writer ends, another one takes over.
func (t *told) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	wrote := t.replicas[0] == t
	t.replicas = slices.DeleteFunc(t.replicas, func(other *told) bool { return other == t })
	if wrote && len(t.replicas) > 0 {
		t.replicas[0].takeOver()
	}
	return nil
}

// turns makes a replica the writer.
func (t *told) turns() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.takeOver()
}

// A lease ends by silence, and a writer that any log hears of is not silent.
func TestALeaseIsRenewedThroughAnyLogThatIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newToldStore()
		first := on(t, s.replica(), nil)
		session := first.lease("t-1", time.Minute)
		silent := first.lease("t-2", time.Minute)
		second := on(t, s.replica(), nil)
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
		first.close() // the other log seals it
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		wantEqual(t, "reason", second.info(session).Reason, "lease expired")
		wantEqual(t, "head", second.info(session).Head, 6)
		wantEqual(t, "open sessions", second.Stats().OpenSessions, 0)
	})
}

// Who becomes the writer has not heard of the heartbeats so far.
func TestLeasesBeginAnewWithATerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newToldStore()
		first, other := on(t, s.replica(), nil), s.replica()
		second := on(t, other, nil)
		session := first.lease("t-1", time.Minute)
		for range 3 {
			time.Sleep(40 * time.Second)
			first.ok(session.Heartbeat(t.Context()))
		}
		time.Sleep(30 * time.Second)
		other.turns()
		second.wantSealedAfter(second.Session("t-1", session.ID()), time.Minute, "lease expired")
		first.ok(first.CatchUp(t.Context()))
		if err := session.Heartbeat(t.Context()); !errors.Is(err, eventlog.ErrSealed) {
			t.Errorf("a heartbeat after the end: %v", err)
		}
	})
}

// As long as a cluster cannot commit, it refuses heartbeats, or does not get them. So silence
// says nothing then, and leases start again.
func TestASessionOutlivesTheTimeInWhichNothingCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newToldStore()
		first := s.replica()
		writer, other := on(t, first, nil), on(t, s.replica(), nil)
		session := writer.lease("t-1", time.Minute)
		there := other.Session("t-1", session.ID())
		away := func(err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			first.refuse = err
		}
		for _, refuses := range []error{eventlog.ErrNotCommitted, eventlog.ErrUnsettled} {
			away(refuses)
			for range 10 {
				time.Sleep(20 * time.Second)
				wantErr(t, "a heartbeat while nothing commits", there.Heartbeat(t.Context()), refuses)
			}
			away(nil)
			time.Sleep(20 * time.Second)
			synctest.Wait()
			wantEqual(t, "status when commits are made again", other.info(session).Status, eventlog.StatusOpen)
			other.ok(there.Heartbeat(t.Context()))
		}
		writer.wantSealedAfter(session, time.Minute, "lease expired") // the control
	})
}

// The engine is away for a shorter time than the lease, while nobody changes anything: only
// heartbeats are sent, one each third of the lease, and do not arrive. When they are due again
// the silence says nothing.
func TestASessionOutlivesATimeThatNobodyNoticed(t *testing.T) {
	for _, begins := range []time.Duration{1, 5, 10, 15, 19} { // after a heartbeat that arrived, in seconds
		synctest.Test(t, func(t *testing.T) {
			s := newToldStore()
			first, second := s.replica(), s.replica()
			writer, other := on(t, first, nil), on(t, second, nil)
			session := writer.lease("t-1", time.Minute)
			silent := writer.lease("t-2", time.Hour)
			there := other.Session("t-1", session.ID())
			away := func(err error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				first.refuse, second.cutOff = err, err
			}
			other.ok(there.Heartbeat(t.Context()))
			time.Sleep(begins * time.Second)
			away(eventlog.ErrNotCommitted)
			time.Sleep((21 - begins) * time.Second)
			wantErr(t, "a heartbeat while the engine is away", there.Heartbeat(t.Context()), eventlog.ErrNotCommitted)
			time.Sleep(21 * time.Second)
			wantErr(t, "the next one", there.Heartbeat(t.Context()), eventlog.ErrNotCommitted)
			time.Sleep(17 * time.Second)
			away(nil)
			time.Sleep(4 * time.Second) // what began with the last heartbeat that arrived has run out meanwhile
			synctest.Wait()
			wantEqual(t, "status when the engine is back", other.info(session).Status, eventlog.StatusOpen)
			other.ok(there.Heartbeat(t.Context()))
			writer.wantSealedAfter(session, time.Minute, "lease expired") // the control
			wantEqual(t, "status of one with a long lease", other.info(silent).Status, eventlog.StatusOpen)
		})
	}
}

// What a log has deleted when it ends is removed by the next writer.
func TestTheNextWriterRemovesWhatWasDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newToldStore()
		ends, next := s.replica(), s.replica()
		first, second := on(t, ends, nil), on(t, next, nil)
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
		synctest.Wait()
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
		next.turns()
		synctest.Wait()
		wantEqual(t, "records of events", events(), 0)
	})
}
