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
	// apply checks the change, then writes it. An error means that it has
	// written nothing: the other changes of the same commit go ahead. It may
	// run more than once; what the last run wrote counts.
	apply func(*record.Txn) error
	bytes int
	frees bool // it ends or removes something: it goes on when there is no room left
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

// A group commit takes what waits, up to these limits.
const (
	maxGroupOps   = 4096
	maxGroupBytes = 8 << 20
)

// committer is the one goroutine that writes. While a commit syncs, the next
// group gathers: a lone writer never waits for company, and many share one sync.
type committer struct {
	log     *Log
	queue   *queue
	running sync.WaitGroup

	// Of the goroutine alone.
	last    record.Carried
	company int           // how many changes waited when the last commit ended, those it made among them
	took    time.Duration // the last commit
}

func (c *committer) start(l *Log, last record.Carried) {
	c.log, c.last = l, last
	c.queue = newQueue()
	c.running.Go(c.run)
}

// stop commits what waits and ends the goroutine.
func (c *committer) stop() {
	c.queue.stop()
	c.running.Wait()
}

// do hands a change to the committer and waits for its commit. When ctx ends
// first and its error is returned, the change was not and will not be made.
func (c *committer) do(ctx context.Context, bytes int, apply func(*record.Txn) error) error {
	return c.wait(ctx, &op{apply: apply, bytes: bytes})
}

// doFreeing is do for a change that ends or removes something. Those go on when
// the store is full, from what it keeps in reserve.
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
	o.done = make(chan struct{})
	if err := c.send(ctx, o); err != nil {
		return err
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		if o.state.CompareAndSwap(opWaits, opGivenUp) {
			o.apply = nil // it stays in the queue, maybe for long: what it holds does not
			return ctx.Err()
		}
		<-o.done // the commit is under way: its outcome is known soon
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

// maxYields bounds how often gather gives way: a clock may stand still, as it does
// in the bubble of testing/synctest while anything runs. maxGather bounds it after a
// commit that took very long.
const (
	maxYields = 1000
	maxGather = 5 * time.Millisecond
)

// gather lets those whom the last commit has answered, and who append again at once,
// join the next one. With many writers nearly all of them then share each sync; one
// alone finds nobody to wait for. It gives way for a quarter of the time of a commit
// at most, because some may not come back.
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

// errNothing rolls back a transaction in which nothing was to be written.
var errNothing = errors.New("nothing to commit")

// commit makes the changes of a group and answers their callers.
func (c *committer) commit(group []*op) {
	err := c.log.Err()
	if err == nil {
		err = c.write(group, nil)
	}
	c.company = len(group) + int(c.queue.length.Load())
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

// commitFitting makes those changes of a group for which there is room. The smaller
// ones come first, so that one that is too large refuses no other. It returns how
// many it has made.
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

// halve is commitFitting for a group that does not fit as a whole. If there is no
// room for any of the smaller half, there is none for the larger: a full disk costs
// few attempts, however many wait.
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

// answer ends the wait of the callers. Without err, each gets its own outcome.
func answer(group []*op, err error) {
	for _, o := range group {
		if err != nil {
			o.err = err
		}
		close(o.done)
	}
}

// write commits a group in one transaction. If full is set, the group may use the
// reserve, and ops that start something fail with full. After an error nothing has
// changed. An error that leaves the outcome unknown ends the log.
func (c *committer) write(group []*op, full error) error {
	if len(group) == 0 {
		return nil
	}
	var tx *record.Txn
	err := c.log.store.Update(context.Background(), func(storeTx store.Tx) error {
		if r, ok := storeTx.(store.ReserveTx); ok && full != nil {
			r.UseReserve()
		}
		last := c.last
		if c.log.shared {
			var err error
			if last, err = record.ReadCarried(storeTx); err != nil {
				return err
			}
		}
		tx = record.NewTxn(storeTx, c.log.now(), last)
		tx.Full, tx.Shared = full, c.log.shared
		for _, o := range group {
			o.err = o.apply(tx)
		}
		if !tx.Wrote {
			return errNothing
		}
		return tx.Flush()
	})
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
		c.log.committed(tx)
	case errors.Is(err, errNothing):
		return nil
	case errors.Is(err, ErrFull), errors.Is(err, ErrNotCommitted):
		return fmt.Errorf("eventlog: %w", err)
	default:
		err = fmt.Errorf("eventlog: %w: %w", ErrFailed, err)
		c.log.finish(err)
		c.log.o.Logger.Error("storage failed", "error", err)
	}
	return err
}

// now is the log's clock, as it is kept.
func (l *Log) now() time.Time { return l.o.Now().UTC().Truncate(time.Millisecond) }

// committed makes a commit seen: it moves what readers in this process know,
// then tells the trace. It runs before the writers get their answers.
func (l *Log) committed(tx *record.Txn) {
	l.open.Add(int64(len(tx.Started) - len(tx.Ended)))
	l.leases.committed(tx)
	l.watches.committed(tx, time.Now())
	l.janitor.committed(tx)
	if l.trace.Asked != nil {
		for _, a := range tx.Appended {
			for i := range a.Events {
				if a.Events[i].Type == TypeQuestion {
					l.trace.Asked(a.Task, a.Session, &a.Events[i])
				}
			}
		}
	}
	if l.trace.Committed != nil {
		for i := range tx.Appended {
			for j := range tx.Appended[i].Events {
				l.trace.Committed(&tx.Appended[i].Events[j])
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
