package eventlog

import (
	"container/heap"
	"context"
	"errors"
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

const (
	// leaseSeals is how many sessions one transaction seals at most.
	leaseSeals = 100
	// leaseRetry is how long to wait after a seal that could not be committed.
	leaseRetry = time.Second
)

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
