package budget

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog"
	"jrweb/router/price"
)

// Options are the settings of a [Keeper].
type Options struct {
	Budget
	Prices *price.Table
	// Reached is called when a period reaches a level. It must not wait for the log.
	Reached func(Status)
	Logger  *slog.Logger
	Now     func() time.Time // nil: time.Now
}

// Keeper compares what is spent with a budget. Its methods may be called concurrently.
type Keeper struct {
	o      Options
	spent  chan struct{} // has a token when something was spent
	own    atomic.Bool   // and by a commit of this process
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu    sync.Mutex
	log   *eventlog.Log // nil before Watch
	dirty bool          // something was spent since last was read
	last  Status
	told  Level // of the period of last
}

// pause is how long the keeper waits after it has read what was spent: a month has many
// rows, and costs come often.
const pause = time.Second

// New makes a keeper.
func New(o Options) *Keeper {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Keeper{o: o, spent: make(chan struct{}, 1), cancel: func() {}}
}

// Trace tells the keeper of costs.
func (k *Keeper) Trace() *eventlog.Trace {
	return &eventlog.Trace{Spent: func(own bool) {
		if own {
			k.own.Store(true)
		}
		select {
		case k.spent <- struct{}{}:
		default:
		}
	}}
}

// Watch begins with a log. Levels that were reached before are not told.
func (k *Keeper) Watch(log *eventlog.Log) error {
	k.mu.Lock()
	k.log, k.dirty = log, true
	err := k.read()
	k.told = k.last.Level()
	k.mu.Unlock()
	if err != nil {
		return err
	}
	var ctx context.Context
	ctx, k.cancel = context.WithCancel(context.Background())
	k.ended.Go(func() { k.run(ctx) })
	return nil
}

// Close ends the keeper.
func (k *Keeper) Close() {
	k.cancel()
	k.ended.Wait()
}

func (k *Keeper) run(ctx context.Context) {
	for {
		select {
		case <-k.spent:
			k.compare()
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// compare reads what was spent, and reports a level that was reached. Of what another process
// has committed that one tells.
func (k *Keeper) compare() {
	own := k.own.Swap(false)
	k.mu.Lock()
	k.dirty = true
	err := k.read()
	status, level := k.last, k.last.Level()
	reached := err == nil && level > k.told
	if reached {
		k.told = level
	}
	k.mu.Unlock()
	if err != nil {
		k.o.Logger.Warn("budget: what was spent cannot be read", "error", err)
	}
	if reached && own {
		k.o.Reached(status)
	}
}

// Status returns the present period. ok is false if it cannot be read.
func (k *Keeper) Status() (s Status, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dirty = k.dirty || len(k.spent) > 0 // the keeper pauses, but who asks now may not ask again
	if k.log == nil || k.read() != nil {
		return Status{}, false
	}
	return k.last, true
}

// read reads what was spent, if that can have changed. The caller has the lock.
func (k *Keeper) read() error {
	now := k.o.Now()
	since := k.o.begin(now)
	if !k.dirty && since.Equal(k.last.Since) {
		return nil
	}
	s := Status{Budget: k.o.Budget, Since: since}
	err := k.log.Usage(context.Background(), since, now, func(row *eventlog.UsageRow) bool {
		s.Spent += row.USD
		if tokens := price.UnpricedOf(row); tokens != (price.Tokens{}) {
			if p, known := k.o.Prices.Price(row.Model); known {
				s.Spent += p.Of(tokens)
				s.Estimated = true
			}
		}
		return true
	})
	if err != nil {
		return err
	}
	if !since.Equal(k.last.Since) {
		k.told = Below
	}
	k.last, k.dirty = s, false
	return nil
}
