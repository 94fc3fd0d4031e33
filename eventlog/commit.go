package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// op is a change that waits for its commit.
type op struct {
	// apply checks the change, then writes it. If it returns an error, it has written
	// nothing, and the other changes of the same commit go ahead. It may run more than
	// once; what the last run wrote counts.
	apply func(*record.Txn) error
	bytes int
	term  uint64 // the change must be made in this term; 0: in any
	frees bool   // it ends or removes something: it still works when no room is left
	state atomic.Int32
	err   error         // set before done is closed
	done  chan struct{} // closed after the commit
}

// A waiting op is either taken by the committer or given up by its caller.
const (
	opWaits int32 = iota
	opTaken
	opGivenUp
)

// A group commit takes all waiting ops, up to these limits.
const (
	maxGroupOps   = 4096
	maxGroupBytes = 8 << 20
)

// committer is the one goroutine that writes. While a commit syncs, the next group gathers:
// a single writer never waits for others, and many writers share one sync.
type committer struct {
	log     *Log
	queue   *queue
	running sync.WaitGroup

	// overtaken says that another process has committed since last and recent were true.
	overtaken atomic.Bool

	// Used by the goroutine alone. While a store that notifies runs an Update, it also uses tx.
	tx      *record.Txn // of the commit under way
	last    record.Carried
	recent  record.Recent
	scratch record.Scratch
	company int           // number of changes that the last commit made, and of those that waited when it ended
	took    time.Duration // duration of the last commit
}

func (c *committer) start(l *Log, last record.Carried) {
	c.log, c.last = l, last
	c.queue = newQueue()
	c.running.Go(c.run)
}

// stop commits the waiting ops and ends the goroutine.
func (c *committer) stop() {
	c.queue.stop()
	c.running.Wait()
}

// do hands a change to the committer and waits for its commit. If ctx ends first and do
// returns its error, the change was not made and never will be.
func (c *committer) do(ctx context.Context, bytes int, apply func(*record.Txn) error) error {
	return c.wait(ctx, &op{apply: apply, bytes: bytes})
}

// doFreeing is do for a change that ends or removes something. Such a change still works
// when the store is full, because it may use the reserve.
func (c *committer) doFreeing(ctx context.Context, apply func(*record.Txn) error) error {
	return c.wait(ctx, &op{apply: apply, frees: true})
}

func (c *committer) wait(ctx context.Context, o *op) error {
	err := c.waitFor(ctx, o)
	if errors.Is(err, ErrFull) {
		c.log.refused.note(refused{1, err})
	}
	return err
}

func (c *committer) waitFor(ctx context.Context, o *op) error {
	o.done, o.term = make(chan struct{}), termOf(ctx)
	if err := c.send(ctx, o); err != nil {
		return err
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		if o.state.CompareAndSwap(opWaits, opGivenUp) {
			o.apply = nil // the op may stay in the queue for long; this frees what apply refers to
			return ctx.Err()
		}
		<-o.done // the commit has begun: its outcome is known soon
		return o.err
	}
}

func (c *committer) send(ctx context.Context, o *op) error {
	if err := c.log.Err(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.queue.add(o)
}

func (c *committer) run() {
	for range c.queue.filled {
		c.commitQueue()
	}
	c.commitQueue()
}

// commitQueue commits until nothing waits.
func (c *committer) commitQueue() {
	for {
		c.gather()
		group := c.queue.take()
		if len(group) == 0 {
			return
		}
		began := time.Now()
		c.commit(group)
		c.took = time.Since(began)
	}
}

// maxYields bounds how often gather yields: a clock may stand still, as it does in the
// bubble of testing/synctest while any goroutine runs. maxGather bounds how long gather
// waits after a commit that took very long.
const (
	maxYields = 1000
	maxGather = 5 * time.Millisecond
)

// gather waits for the writers that the last commit has answered, so that those who append
// again at once join the next commit. With many writers nearly all of them then share each
// sync. A single writer waits for nobody. gather yields for at most a quarter of the time
// of a commit, because some writers may not come back.
func (c *committer) gather() {
	until := time.Now().Add(min(c.took/4, maxGather))
	for range maxYields {
		n := c.queue.length.Load()
		if n == 0 || n >= int64(c.company) || !time.Now().Before(until) {
			return
		}
		runtime.Gosched()
	}
}

// errNothing rolls back a transaction that has nothing to write.
var errNothing = errors.New("nothing to commit")

// commit makes the changes of a group and answers their callers.
func (c *committer) commit(group []*op) {
	err := c.log.Err()
	if err == nil {
		err = c.write(group, nil)
	}
	c.company = len(group) + int(c.queue.length.Load())
	if errors.Is(err, store.ErrUpdateTooLarge) {
		c.split(group, err)
		return
	}
	if !errors.Is(err, ErrFull) {
		answer(group, err)
		return
	}
	var growing, freeing []*op
	for _, o := range group {
		if o.frees {
			freeing = append(freeing, o)
		} else {
			growing = append(growing, o)
		}
	}
	slices.SortStableFunc(growing, func(a, b *op) int { return cmp.Compare(a.bytes, b.bytes) })
	if len(freeing) > 0 {
		c.commitFitting(growing)
	} else {
		c.halve(growing, err)
	}
	answer(freeing, c.write(freeing, err))
}

// split commits a group that is too large for one commit by halves.
func (c *committer) split(group []*op, err error) {
	if len(group) == 1 {
		answer(group, tooLarge(err))
		return
	}
	c.commit(group[:len(group)/2])
	c.commit(group[len(group)/2:])
}

// commitFitting makes those changes of a group for which there is room, and returns how
// many. It tries the smaller ones first, so that one change that is too large refuses no
// other.
func (c *committer) commitFitting(group []*op) (made int) {
	if len(group) == 0 {
		return 0
	}
	err := c.log.Err()
	if err == nil {
		err = c.write(group, nil)
	}
	if errors.Is(err, ErrFull) {
		return c.halve(group, err)
	}
	answer(group, err)
	return len(group)
}

// halve is commitFitting for a group that does not fit as a whole. If there is no room for
// any of the smaller half, there is none for the larger half. So a full disk costs few
// attempts, however many ops wait.
func (c *committer) halve(group []*op, full error) (made int) {
	if len(group) <= 1 {
		answer(group, full)
		return 0
	}
	smaller, larger := group[:len(group)/2], group[len(group)/2:]
	if made = c.commitFitting(smaller); made == 0 {
		answer(larger, full)
		return 0
	}
	return made + c.commitFitting(larger)
}

// answer ends the wait of the callers. If err is nil, each gets its own outcome.
func answer(group []*op, err error) {
	for _, o := range group {
		if err != nil {
			o.err = err
		}
		close(o.done)
	}
}

// write commits a group in one transaction. If full is set, the group may use the reserve,
// and ops that start something fail with full. After an error nothing has changed. If the
// outcome of an error is unknown, the log ends.
func (c *committer) write(group []*op, full error) error {
	if len(group) == 0 {
		return nil
	}
	began := time.Now()
	c.log.shown.commit(true)
	defer c.log.shown.commit(false)
	var commits uint64 // with this one
	err := c.log.store.Update(context.Background(), func(storeTx store.Tx) error {
		commits = store.Commits(storeTx) + 1
		if r, ok := storeTx.(store.ReserveTx); ok && full != nil {
			r.UseReserve()
		}
		if !c.log.writes() {
			return store.ErrNotWriter
		}
		if c.overtaken.Swap(false) {
			last, err := record.ReadCarried(storeTx)
			if err != nil {
				return err
			}
			c.last, c.recent = last, record.Recent{}
		}
		c.scratch.Reset() // an earlier run of this function has ended
		c.tx = record.NewTxn(storeTx, c.log.now(), c.last)
		c.tx.Full, c.tx.Recent, c.tx.Scratch = full, &c.recent, &c.scratch
		for _, o := range group {
			if o.err = c.log.turn.check(o.term); o.err == nil {
				o.err = o.apply(c.tx)
			}
		}
		switch {
		case c.tx.Wrote:
			return c.tx.Flush()
		case c.log.lags():
			return nil // the store makes sure that the answers rest on all that was committed
		}
		return errNothing
	})
	tx := c.tx
	c.tx = nil
	c.scratch.Reset()
	c.log.leases.tried(time.Since(began), err)
	if errors.Is(err, store.ErrNotWriter) {
		return err
	}
	if err == nil || errors.Is(err, errNothing) {
		for _, damage := range tx.Damage {
			c.log.passOver(damage)
		}
		for _, o := range group {
			c.log.damaged(o.err)
		}
	}
	switch {
	case err == nil:
		c.last = tx.Last
		tx.Recent.Committed(tx)
		if !c.log.lags() { // else the store has told of it
			c.log.committed(tx, commits)
		}
	case errors.Is(err, errNothing):
		return nil
	case errors.Is(err, ErrFull), errors.Is(err, ErrNotCommitted), errors.Is(err, ErrUnsettled), errors.Is(err, store.ErrUpdateTooLarge):
		return fmt.Errorf("eventlog: %w", err)
	default:
		err = fmt.Errorf("eventlog: %w: %w", ErrFailed, err)
		c.log.fail(err)
	}
	return err
}

// now is the time of the log's clock, rounded as the log stores it.
func (l *Log) now() time.Time { return l.o.Now().UTC().Truncate(time.Millisecond) }

// committed makes a commit visible: it updates what readers in this process know, then
// calls the trace. It runs before the writers get their answers. commits is how many the
// store has with it.
func (l *Log) committed(tx *record.Txn, commits uint64) {
	l.open.Add(int64(len(tx.Started) - len(tx.Ended)))
	l.leases.committed(&tx.Outcome)
	l.watches.committed(&tx.Outcome, time.Now())
	l.janitor.committed(tx)
	l.shown.set(commits)
	if l.trace.Asked != nil {
		for _, a := range tx.Appended {
			for i := range a.Events {
				if a.Events[i].Type == TypeQuestion {
					l.trace.Asked(a.Task, a.Session, &a.Events[i].Event)
				}
			}
		}
	}
	if l.trace.Committed != nil {
		for i := range tx.Appended {
			for j := range tx.Appended[i].Events {
				l.trace.Committed(&tx.Appended[i].Events[j].Event)
			}
		}
	}
	if l.trace.Cost != nil {
		for _, c := range tx.Costs {
			l.trace.Cost(CostAdded{
				Model: c.Model, USD: c.USD, InputTokens: c.InputTokens, OutputTokens: c.OutputTokens,
				CacheReadTokens: c.CacheReadTokens, CacheWriteTokens: c.CacheWriteTokens,
			})
		}
	}
	if l.trace.Spent != nil && len(tx.Costs) > 0 {
		l.trace.Spent(true)
	}
	if l.trace.Started != nil {
		for _, s := range tx.Started {
			l.trace.Started(s.Info())
		}
	}
	if l.trace.Sealed != nil {
		for _, s := range tx.Ended {
			if s.Status != StatusOpen { // else it was deleted while open
				l.trace.Sealed(s.Info())
			}
		}
	}
}
