package eventlog

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// leases knows when the writer of each open session was last active, and seals the sessions
// whose writers are silent for too long. It is in memory only: after an open, all leases
// start again. It uses the monotonic clock, so that setting the clock ends no session.
type leases struct {
	log     *Log
	sooner  chan struct{} // holds a token when next may be sooner than before
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	open map[SessionID]*lease
	next leaseHeap // those that can expire
}

// lease is the right of one session to stay open.
type lease struct {
	task    string
	id      SessionID
	silence time.Duration // how long it may be silent; 0: for ever
	reason  string        // of the seal, after that silence

	seen time.Time // when its writer was last active
	head uint64    // its value at that time
	// proved is the value of seen for which a commit, at half of the silence, showed that the
	// log still hears of writers. Only for logs of a cluster.
	proved time.Time
	// expiring is set when the committer has decided to seal the session. Then a heartbeat
	// goes through the committer to learn the outcome.
	expiring bool

	// look is when the lease must be checked. A renewal does not move it: the check then
	// finds the lease alive, and puts it back into the heap. So an append only sets seen.
	look  time.Time
	index int // in the heap, or -1
}

const (
	// leaseSeals is how many sessions one transaction seals at most.
	leaseSeals = 100
	// leaseRetry is how long to wait after a seal that could not be committed.
	leaseRetry = time.Second
	// leaseProof is how long a commit may take before the log must assume that it missed
	// heartbeats.
	leaseProof = time.Second
)

func (ls *leases) init(l *Log) {
	ls.log = l
	ls.sooner = make(chan struct{}, 1)
	ls.open = map[SessionID]*lease{}
}

// start begins to seal sessions.
func (ls *leases) start() {
	var ctx context.Context
	ctx, ls.cancel = context.WithCancel(context.Background())
	ls.running.Go(func() { ls.run(ctx) })
}

// begin gives each open session in the store its lease.
func (ls *leases) begin(r store.Reader) {
	now := time.Now()
	for key, raw := range r.Ascend(store.Open, nil, nil) {
		record, err := openSession(r, key, raw)
		if err != nil {
			// The rest of the log still works. Reads of the damaged session report the
			// damage.
			ls.log.o.Logger.Error("an open session cannot be read, nothing will end it", "error", err)
			continue
		}
		ls.alive(record, now)
	}
}

// openSession reads the session that a key of store.Open names.
func openSession(r store.Reader, key, raw []byte) (*record.Session, error) {
	if _, err := record.Decode(store.Open, key, raw); err != nil {
		return nil, err
	}
	cut := len(key) - len(SessionID{})
	task, id := string(key[:cut-1]), SessionID(key[cut:])
	record, err := record.ReadSession(r, task, id)
	if err != nil {
		return nil, fmt.Errorf("open session %s of task %s: %w", id, task, err)
	}
	return record, nil
}

func (ls *leases) stop() {
	ls.cancel()
	ls.running.Wait()
}

// renew reports whether the session is certainly open, and notes that its writer is alive.
func (ls *leases) renew(task string, id SessionID) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.open[id]
	if l == nil || l.task != task || l.expiring {
		return false
	}
	l.seen = time.Now()
	return true
}

// alive notes that the writer of an open session is alive.
func (ls *leases) alive(s *record.Session, now time.Time) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.renewed(s, now)
}

func (ls *leases) renewed(s *record.Session, now time.Time) {
	l := ls.open[s.ID]
	isNew := l == nil
	if isNew {
		if s.Brief {
			return // it is known, unless its record could not be read
		}
		l = &lease{task: s.Task, id: s.ID, silence: s.Lease, reason: "lease expired", index: -1}
		if l.silence == 0 {
			l.silence, l.reason = ls.log.o.IdleTimeout, "idle timeout"
		}
		ls.open[s.ID] = l
	}
	l.seen, l.head, l.expiring = now, s.Head, false
	if isNew && l.silence > 0 {
		ls.lookAt(l, ls.lookNext(l))
	}
}

func (ls *leases) lookAt(l *lease, at time.Time) {
	l.look = at
	heap.Push(&ls.next, l)
	if l.index == 0 {
		notify(ls.sooner)
	}
}

// committed renews the leases of the sessions that were appended to, before the writers get
// their answers. So no acknowledged append is followed by a seal for the silence before it. It
// returns how many of the sessions that have ended had a lease.
func (ls *leases) committed(o *record.Outcome) (ended int) {
	if len(o.Started)+len(o.Appended)+len(o.Ended) == 0 {
		return 0
	}
	now := time.Now()
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, s := range o.Started {
		ls.renewed(s, now)
	}
	for i := range o.Appended {
		ls.renewed(o.Appended[i].Record, now)
	}
	for _, s := range o.Ended {
		if l := ls.open[s.ID]; l != nil {
			ended++
			delete(ls.open, s.ID)
			if l.index >= 0 {
				heap.Remove(&ls.next, l.index)
			}
		}
	}
	return ended
}

func (ls *leases) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due, prove, wait := ls.due(time.Now())
		if len(due) > 0 {
			ls.expire(ctx, due)
			continue
		}
		if prove {
			_ = ls.hears(ctx) // if it fails, all leases start again
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-ls.sooner:
		case <-ls.log.done: // closed or failed: nothing can be sealed any more
			return
		case <-ctx.Done():
			return
		}
	}
}

// begun starts all leases again, because this process may not have heard of their writers so
// far.
func (ls *leases) begun() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	now := time.Now()
	for _, l := range ls.open {
		l.seen = now
	}
	notify(ls.sooner)
}

// tried starts all leases again after a commit that failed or took long. As long as the engine
// of a cluster is away, what writers tell other replicas does not arrive, so their silence says
// nothing.
func (ls *leases) tried(took time.Duration, err error) {
	if ls.log.lags() && (took > leaseProof || errors.Is(err, ErrNotCommitted) || errors.Is(err, ErrUnsettled)) {
		ls.begun()
	}
}

// due takes the expired leases from the heap. If there are none, wait is the time until one
// may expire. prove asks for a proof that the log can hear of writers.
func (ls *leases) due(now time.Time) (due []*lease, prove bool, wait time.Duration) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if !ls.log.writes() {
		return nil, false, time.Hour
	}
	for len(ls.next) > 0 && len(due) < leaseSeals {
		l := ls.next[0]
		if wait := l.look.Sub(now); wait > 0 {
			return due, prove, wait
		}
		if at := ls.lookNext(l); at.After(now) {
			l.look = at
			heap.Fix(&ls.next, 0)
			continue
		}
		if ls.unproved(l) {
			l.proved, prove = l.seen, true
			continue
		}
		heap.Pop(&ls.next)
		due = append(due, l)
	}
	return due, prove, time.Hour // any time will do: a new lease wakes the caller, and a new term
}

// unproved reports whether the silence of a lease may fall into a time when the log could not
// receive heartbeats. One proof, after half of it, is enough for a writer that sends a heartbeat
// each third: what loses two of them is noticed by the proof between them.
func (ls *leases) unproved(l *lease) bool { return ls.log.lags() && !l.proved.Equal(l.seen) }

// lookNext is when a lease must be checked, if its writer stays silent.
func (ls *leases) lookNext(l *lease) time.Time {
	if ls.unproved(l) {
		return l.seen.Add(l.silence / 2)
	}
	return l.seen.Add(l.silence)
}

// verdict is the committer's decision about an expired lease.
type verdict int

const (
	leaseOver  verdict = iota // the session is sealed now, or was before, or was deleted
	leaseLives                // its writer was active after all
)

// expire seals the sessions whose leases have expired, unless the committer finds that a
// lease has been renewed.
func (ls *leases) expire(ctx context.Context, due []*lease) {
	verdicts := make([]verdict, len(due))
	var damage error
	err := ls.hears(ctx)
	if err == nil {
		err = ls.log.committer.doFreeing(ctx, func(tx *record.Txn) error {
			damage = nil
			for i, l := range due {
				var err error
				verdicts[i], err = ls.judge(tx, l)
				damage = errors.Join(damage, err)
			}
			return nil
		})
	}
	switch {
	case err != nil && ctx.Err() == nil && ls.log.Err() == nil && !errors.Is(err, store.ErrNotWriter):
		ls.log.o.Logger.Warn("sessions whose leases have run out cannot be sealed yet", "sessions", len(due), "error", err)
	case err == nil && damage != nil:
		ls.log.damaged(damage)
		ls.log.o.Logger.Error("a session whose lease has run out cannot be sealed", "error", damage)
	}

	ls.mu.Lock()
	defer ls.mu.Unlock()
	for i, l := range due {
		switch {
		case ls.open[l.id] != l: // it has ended
		case err != nil:
			l.expiring = false
			ls.lookAt(l, time.Now().Add(leaseRetry))
		case verdicts[i] == leaseOver:
			delete(ls.open, l.id)
		default:
			ls.lookAt(l, ls.lookNext(l))
		}
	}
}

// hears makes sure that the log can commit. If it cannot, all leases start again.
func (ls *leases) hears(ctx context.Context) error {
	if ls.log.surelyWrites() {
		return nil
	}
	return ls.log.committer.doFreeing(ctx, func(*record.Txn) error { return nil })
}

// judge seals the session of a lease, if the lease has really expired.
func (ls *leases) judge(tx *record.Txn, l *lease) (verdict, error) {
	t, err := tx.Task(l.task)
	if err != nil {
		return leaseOver, record.UnlessGone(err)
	}
	s, err := tx.Session(l.task, l.id)
	if err != nil || s.Status != StatusOpen {
		return leaseOver, record.UnlessGone(err)
	}
	if !ls.silent(l, s) {
		return leaseLives, nil
	}
	tx.Interrupt(t, s, l.reason)
	return leaseOver, nil
}

// silent decides whether the session of an expired lease must be sealed. Appends before
// this transaction, or in it, show in the head. A heartbeat shows in seen; or it finds
// expiring set and waits for its turn.
func (ls *leases) silent(l *lease, s *record.Session) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l.expiring = time.Since(l.seen) >= l.silence && s.Head == l.head
	return l.expiring
}
