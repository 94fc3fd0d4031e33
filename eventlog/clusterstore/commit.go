package clusterstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/store"
)

// commit is a record that the engine was asked to store, until it is known what stands at
// its position.
type commit struct {
	position uint64
	link     [32]byte
	record   []byte
	decided  context.Context // ends when that is known
	end      context.CancelFunc
	ofLog    bool // it is an Update of the log, no takeover
	own      bool // whether it is the record; valid once decided has ended
}

func (c *commit) decide(own bool) {
	c.own = own
	c.end()
}

// nearlyAll is how many missing messages do not keep a replica from trying to commit. Most
// often they come while it tries.
const nearlyAll = 16

// Update implements [store.Store]. If fn has written nothing, Update commits that, so that fn
// has seen everything that others committed before.
func (r *replica) Update(ctx context.Context, fn func(store.Tx) error) error {
	return r.update(ctx, true, fn)
}

// update is Update for the log, and for takeovers.
func (r *replica) update(ctx context.Context, ofLog bool, fn func(store.Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.updating.Lock()
	defer r.updating.Unlock()
	r.commits(true)
	defer func() { r.commits(errors.Is(err, store.ErrNotCommitted) || errors.Is(err, store.ErrUnsettled)) }()
	waits, cancel := context.WithTimeout(ctx, r.o.Wait)
	defer cancel()
	for {
		if err := r.waitFor(waits, func() bool { return r.behind <= nearlyAll }); err != nil {
			return r.gaveUp(err)
		}
		c, err := r.begin(waits, ofLog, fn)
		if disk.IsFull(err) {
			r.leave()
		}
		if err != nil {
			return err
		}
		if own, err := r.settle(waits, c); own || err != nil {
			return err
		}
		// Another replica was faster. Its change is applied now.
		r.conflicts.Add(1)
	}
}

// gaveUp is the error of an Update that has waited without success, and has no message under
// way.
func (r *replica) gaveUp(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: the engine of the cluster does not answer, or others are always faster: %w", store.ErrNotCommitted, err)
	}
	return err
}

// begin runs fn on the newest state and makes the record of what it has written.
func (r *replica) begin(ctx context.Context, ofLog bool, fn func(store.Tx) error) (*commit, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.working(); err != nil {
		return nil, err
	}
	after := r.file.Place()
	record, err := r.file.Prepare(ctx, headerSize, fn)
	if err != nil {
		return nil, err
	}
	if len(record) > r.engine.largest {
		return nil, fmt.Errorf("%w: it has %d bytes, and the engine takes %d", store.ErrUpdateTooLarge, len(record), r.engine.largest)
	}
	seal(record, after)
	c := &commit{position: after.Position + 1, link: sha256.Sum256(record), record: record, ofLog: ofLog}
	c.decided, c.end = context.WithCancel(r.ctx)
	r.pending = c
	return c, nil
}

// settle asks the engine to store a record until it is known what stands at its position:
// this record, which is then applied, or that of another replica. The stream decides:
// nothing that the engine answers counts, but that it has stored the record.
func (r *replica) settle(ctx context.Context, c *commit) (own bool, err error) {
	defer c.end()
	var lost, refusal error // why an answer is missing, and why one was not good
	for {
		asking, stop := either(c.decided, ctx)
		answer, err := r.engine.publish(asking, c.position, c.record)
		stop()
		switch answer {
		case stored:
			err = r.deliver(c.position, c.record)
		case taken:
			refusal, err = err, r.fetch(ctx, c)
		case nobody:
			refusal, err = err, nil
		case unknown:
			lost, err = err, nil
		case absurd:
			r.mu.Lock()
			err = r.fail(err)
			r.mu.Unlock()
		}
		if err != nil {
			return false, err
		}
		select {
		case <-c.decided.Done():
		case <-ctx.Done():
		case <-time.After(pause):
			continue
		}
		return r.outcome(ctx, c, lost, refusal)
	}
}

// hurry is how long a message may be on its way before it is asked for.
const hurry = 20 * time.Millisecond

// fetch applies the message at the position of a commit, if there is one and it does not come
// by itself: after the death of a server the replica hears nothing for seconds.
func (r *replica) fetch(ctx context.Context, c *commit) error {
	select {
	case <-c.decided.Done():
		return nil
	case <-time.After(hurry):
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	record, err := r.engine.get(ctx, c.position)
	if err != nil || record == nil {
		return nil // it is asked for again
	}
	return r.deliver(c.position, record)
}

// outcome tells what became of a commit that is decided, or no longer waited for.
func (r *replica) outcome(ctx context.Context, c *commit, lost, refusal error) (own bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending != c { // it is decided
		return c.own, nil
	}
	r.pending = nil
	switch {
	case r.failure.Load() != nil:
		err = r.working()
	case lost != nil:
		err = fmt.Errorf("%w: the engine of the cluster does not answer: %w", store.ErrUnsettled, lost)
	case ctx.Err() != nil:
		err = r.gaveUp(errors.Join(context.Cause(ctx), refusal))
	}
	return false, err
}

// either returns a context that ends with the first of two.
func either(a, b context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(a)
	stop := context.AfterFunc(b, cancel)
	return ctx, func() { stop(); cancel() }
}
