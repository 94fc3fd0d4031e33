package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// retainPeriod is the longest time between two looks at the rules: the clock
	// may have been set, and what failed is tried again.
	retainPeriod = time.Minute
	// retainBatch is how many sessions one transaction takes out at most: few
	// enough that no append waits for long.
	retainBatch = 100
	// retainKeys is how long idempotency keys are kept at least.
	retainKeys = 24 * time.Hour
)

var errNoStats = errors.New("RetainBytes needs a store that knows its size")

// janitor deletes what Options say is no longer to be kept. It looks when the
// log is opened, when a session has ended, when much was appended, when the next
// session is old enough, and once in a while.
type janitor struct {
	log     *Log
	stats   StatsStore    // set with RetainBytes
	more    chan struct{} // holds a token when there may be something to do
	cancel  context.CancelFunc
	running sync.WaitGroup
	passed  map[SessionID]bool // damaged, and passed over: they stay

	mu    sync.Mutex
	tasks map[string]bool // may have more than RetainSessions
	grown int64           // bytes appended since the last look at the size
}

// init checks the rules.
func (j *janitor) init(l *Log) error {
	j.log, j.more, j.tasks, j.passed = l, make(chan struct{}, 1), map[string]bool{}, map[SessionID]bool{}
	if l.o.RetainBytes > 0 {
		var ok bool
		if j.stats, ok = l.store.(StatsStore); !ok {
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

// committed notes what gives the rules something to do.
func (j *janitor) committed(tx *txn) {
	o := &j.log.o
	wake := len(tx.ended) > 0
	j.mu.Lock()
	if o.RetainSessions > 0 {
		for _, sessions := range [][]*sessionRecord{tx.started, tx.ended} {
			for _, s := range sessions {
				if t := tx.tasks[s.task]; t != nil && t.Sessions > o.RetainSessions {
					j.tasks[t.id] = true
					wake = true
				}
			}
		}
	}
	if o.RetainBytes > 0 {
		for i := range tx.appended {
			for k := range tx.appended[i].events {
				j.grown += int64(len(tx.appended[i].events[k].Data))
			}
		}
		wake = wake || j.grown > o.RetainBytes/retainShare
	}
	j.mu.Unlock()
	if wake {
		select {
		case j.more <- struct{}{}:
		default:
		}
	}
}

func (j *janitor) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	all := false // whether every task has been counted
	for {
		var err error
		if !all && j.log.o.RetainSessions > 0 {
			err = j.countAll(ctx)
			all = err == nil
		}
		next, tidyErr := j.tidy(ctx)
		err = errors.Join(err, tidyErr)
		more := j.more
		if err != nil {
			more = nil // it will not go better at once
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

// tidy does what there is to do by all the rules. next is the time until the
// next session is old enough.
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

// tidied counts what went.
type tidied struct {
	sessions, tasks int
	events          uint64
}

// retired is a session that is to go.
type retired struct {
	task string
	id   SessionID
}

// retire deletes the sessions that pick chooses, if they have ended, in one
// transaction. One that is damaged stays, and is passed over from then on. n is how many
// were dealt with.
func (j *janitor) retire(ctx context.Context, sum *tidied, pick func(*txn) ([]retired, error)) (n int, err error) {
	var did tidied
	var stay []SessionID
	err = j.log.committer.doFreeing(ctx, func(tx *txn) error {
		did, stay = tidied{}, nil
		sessions, err := pick(tx)
		if err != nil {
			return err
		}
		for _, r := range sessions {
			if err := tx.retire(r, &did); err != nil {
				tx.note(fmt.Errorf("session %s of task %s cannot be retired: %w", r.id, r.task, err))
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

func (tx *txn) retire(r retired, did *tidied) error {
	t, err := tx.task(r.task)
	if err != nil {
		return unlessGone(err)
	}
	s, err := tx.session(r.task, r.id)
	if err != nil || s.Status == StatusOpen {
		return unlessGone(err)
	}
	tx.deleteSession(t, s)
	did.sessions++
	tx.tidy(t)
	unknown := t.Title == "" && t.Type == "" && t.Parent == "" && t.Description == "" && t.Project == ""
	if t.Sessions > 0 || !unknown || tx.now.Sub(t.Updated.Time) < retainKeys {
		return nil
	}
	did.tasks++
	return tx.deleteTask(t)
}

// byAge deletes the sessions that ended long enough ago.
func (j *janitor) byAge(ctx context.Context, sum *tidied) (next time.Duration, err error) {
	for {
		next = retainPeriod
		err := j.log.view(ctx, func(r Reader) error {
			for key := range r.Ascend(bucketEnded, nil, nil) {
				ended, id := splitEndedKey(key)
				if j.passed[id] {
					continue
				}
				next = ended.Add(j.log.o.RetainAge).Sub(j.log.now())
				break
			}
			return nil
		})
		if err != nil || next > 0 {
			return next, err
		}
		n, err := j.retire(ctx, sum, func(tx *txn) ([]retired, error) {
			last := tx.now.Add(-j.log.o.RetainAge)
			to := endedKey(last.Add(time.Millisecond), SessionID{})
			var old []retired
			for key, raw := range tx.Ascend(bucketEnded, nil, to) {
				if len(old) == retainBatch {
					break
				}
				if r, ok := j.endedSession(key, raw); ok {
					old = append(old, r)
				}
			}
			return old, nil
		})
		if err != nil || n == 0 {
			return retainPeriod, err
		}
	}
}

// endedSession returns the session that a key of bucketEnded names, unless it or the
// entry is damaged.
func (j *janitor) endedSession(key, raw []byte) (r retired, ok bool) {
	_, id := splitEndedKey(key)
	if j.passed[id] {
		return retired{}, false
	}
	task, err := decodeRecord(bucketEnded, key, raw)
	if err != nil {
		j.log.passOver(err)
		return retired{}, false
	}
	return retired{task: string(task), id: id}, true
}

// countAll notes all tasks that have more than RetainSessions.
func (j *janitor) countAll(ctx context.Context) error {
	from := []byte{}
	for from != nil {
		var over []string
		err := j.log.view(ctx, func(r Reader) error {
			n := 0
			for key, raw := range r.Ascend(bucketTasks, from, nil) {
				if n++; n > pageEvents {
					from = bytes.Clone(key)
					return nil
				}
				t := &taskRecord{}
				if err := decodeJSON(bucketTasks, key, raw, t); err != nil {
					j.log.passOver(err)
					continue
				}
				if t.Sessions > j.log.o.RetainSessions {
					over = append(over, string(key))
				}
			}
			from = nil
			return nil
		})
		if err != nil {
			return err
		}
		j.note(over)
	}
	return nil
}

func (j *janitor) note(tasks []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range tasks {
		j.tasks[id] = true
	}
}

// byCount deletes the oldest sessions of tasks that have too many.
func (j *janitor) byCount(ctx context.Context, sum *tidied) error {
	for {
		id, ok := j.takeTask()
		if !ok {
			return nil
		}
		for n := retainBatch; n == retainBatch; {
			var err error
			if n, err = j.retire(ctx, sum, func(tx *txn) ([]retired, error) { return j.surplus(tx, id) }); err != nil {
				j.note([]string{id})
				return err
			}
		}
	}
}

func (j *janitor) takeTask() (id string, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for id := range j.tasks {
		delete(j.tasks, id)
		return id, true
	}
	return "", false
}

// surplus picks sessions of a task that are not among the newest. Those that
// are open stay until they have ended, and those that are damaged for good.
func (j *janitor) surplus(tx *txn, task string) (old []retired, err error) {
	t, err := tx.task(task)
	if err != nil {
		if err = unlessGone(err); err != nil {
			tx.note(err)
		}
		return nil, nil
	}
	surplus := t.Sessions - j.log.o.RetainSessions
	prefix := taskPrefix(task)
	for key := range tx.Ascend(bucketSessions, prefix, prefixEnd(prefix)) {
		if surplus <= 0 || len(old) == retainBatch {
			break
		}
		surplus--
		id := SessionID(key[len(prefix):])
		if tx.Get(bucketOpen, key) == nil && !j.passed[id] {
			old = append(old, retired{task: task, id: id})
		}
	}
	return old, nil
}
