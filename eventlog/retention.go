package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

const (
	// retainPeriod is the longest time between two checks of the rules: the clock may have
	// been set, and failed deletions are tried again.
	retainPeriod = time.Minute
	// retainBatch is how many sessions one transaction deletes at most. It is low enough
	// that no append waits for long.
	retainBatch = 100
	// retainKeys is how long idempotency keys are kept at least.
	retainKeys = 24 * time.Hour
)

var errNoStats = errors.New("RetainBytes needs a store that knows its size")

// janitor deletes what the Options no longer keep. It checks the rules when the log is
// opened, when a session has ended, when much was appended, when the next session is old
// enough, and at least once every retainPeriod.
type janitor struct {
	log     *Log
	stats   store.StatsStore // set with RetainBytes
	more    chan struct{}    // holds a token when there may be something to do
	cancel  context.CancelFunc
	running sync.WaitGroup
	passed  map[SessionID]bool // damaged sessions, which stay

	mu    sync.Mutex
	tasks map[string]bool // those that may have more than RetainSessions
	grown int64           // bytes appended since the last check of the size
}

// init checks the rules.
func (j *janitor) init(l *Log) error {
	j.log, j.more, j.tasks, j.passed = l, make(chan struct{}, 1), map[string]bool{}, map[SessionID]bool{}
	if l.o.RetainBytes > 0 {
		var ok bool
		if j.stats, ok = l.store.(store.StatsStore); !ok {
			return errNoStats
		}
	}
	return nil
}

// start starts the janitor, if there is a rule.
func (j *janitor) start() {
	var ctx context.Context
	ctx, j.cancel = context.WithCancel(context.Background())
	if o := &j.log.o; o.RetainAge > 0 || o.RetainSessions > 0 || o.RetainBytes > 0 {
		j.running.Go(func() { j.run(ctx) })
	}
}

func (j *janitor) stop() {
	j.cancel()
	j.running.Wait()
}

// committed notes the commits after which a rule may delete something.
func (j *janitor) committed(tx *record.Txn) {
	o := &j.log.o
	wake := len(tx.Ended) > 0
	j.mu.Lock()
	if o.RetainSessions > 0 {
		for _, sessions := range [][]*record.Session{tx.Started, tx.Ended} {
			for _, s := range sessions {
				if t := tx.Tasks[s.Task]; t != nil && t.Sessions > o.RetainSessions {
					j.tasks[t.ID] = true
					wake = true
				}
			}
		}
	}
	if o.RetainBytes > 0 {
		for i := range tx.Appended {
			for k := range tx.Appended[i].Events {
				j.grown += int64(len(tx.Appended[i].Events[k].Data))
			}
		}
		wake = wake || j.grown > o.RetainBytes/retainShare
	}
	j.mu.Unlock()
	if wake {
		notify(j.more)
	}
}

func (j *janitor) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	all, in := false, uint64(0) // whether every task has been counted, and in which term
	for {
		var err error
		next := retainPeriod
		if term := j.log.turn.term.Load(); term != in {
			all, in = false, term // others may have changed what was counted
		}
		if j.log.writes() {
			if !all && j.log.o.RetainSessions > 0 {
				err = j.countAll(ctx)
				all = err == nil
			}
			var tidyErr error
			next, tidyErr = j.tidy(ctx)
			err = errors.Join(err, tidyErr)
		}
		more := j.more
		switch {
		case errors.Is(err, store.ErrNotWriter): // the writer goes on with it
		case err != nil:
			more = nil // an immediate retry would fail again
			if ctx.Err() == nil && j.log.Err() == nil {
				j.log.o.Logger.Error("retention failed", "error", err)
			}
		}
		timer.Reset(min(next, retainPeriod))
		select {
		case <-timer.C:
		case <-more:
		case <-j.log.done:
			return
		case <-ctx.Done():
			return
		}
	}
}

// tidy applies all the rules. next is the time until the next session is old enough.
func (j *janitor) tidy(ctx context.Context) (next time.Duration, err error) {
	o := &j.log.o
	next = retainPeriod
	sum := &tidied{}
	if o.RetainAge > 0 {
		next, err = j.byAge(ctx, sum)
	}
	if o.RetainSessions > 0 {
		err = errors.Join(err, j.byCount(ctx, sum))
	}
	if o.RetainBytes > 0 {
		err = errors.Join(err, j.bySize(ctx, sum))
	}
	if sum.sessions > 0 {
		j.log.purger.wake()
	}
	if *sum != (tidied{}) {
		j.log.retained.note(*sum)
	}
	return next, err
}

// tidied counts what was deleted.
type tidied struct {
	sessions, tasks int
	events          uint64
}

// retired is a session that must be deleted.
type retired struct {
	task string
	id   SessionID
}

// retire deletes the sessions that pick chooses, if they have ended, in one transaction. A
// damaged session stays, and later calls skip it. n is how many sessions were handled.
func (j *janitor) retire(ctx context.Context, sum *tidied, pick func(*record.Txn) ([]retired, error)) (n int, err error) {
	var did tidied
	var stay []SessionID
	err = j.log.committer.doFreeing(ctx, func(tx *record.Txn) error {
		did, stay = tidied{}, nil
		sessions, err := pick(tx)
		if err != nil {
			return err
		}
		for _, r := range sessions {
			if err := retire(tx, r, &did); err != nil {
				tx.Note(fmt.Errorf("session %s of task %s cannot be retired: %w", r.id, r.task, err))
				stay = append(stay, r.id)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, id := range stay {
		j.passed[id] = true
	}
	sum.sessions += did.sessions
	sum.tasks += did.tasks
	return did.sessions + len(stay), nil
}

func retire(tx *record.Txn, r retired, did *tidied) error {
	t, err := tx.Task(r.task)
	if err != nil {
		return record.UnlessGone(err)
	}
	if t.Pinned { // since it was looked for
		return nil
	}
	s, err := tx.Session(r.task, r.id)
	if err != nil || s.Status == StatusOpen {
		return record.UnlessGone(err)
	}
	tx.DeleteSession(t, s)
	did.sessions++
	tx.Tidy(t)
	unknown := t.Title == "" && t.Type == "" && t.Parent == "" && t.Description == "" && t.Project == ""
	if t.Sessions > 0 || !unknown || tx.Now.Sub(t.Updated.Time) < retainKeys {
		return nil
	}
	did.tasks++
	return tx.DeleteTask(t)
}
