package clusterstore

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog/store"
)

// pause is how long to wait before the engine is asked again after a failure.
const pause = 250 * time.Millisecond

// follow applies the messages of the stream in their order, until the replica is closed or
// has failed.
func (r *replica) follow() {
	for r.ctx.Err() == nil {
		if err := r.read(); err != nil && r.ctx.Err() == nil {
			r.o.Logger.Debug("the stream is read anew", "error", err)
			select {
			case <-time.After(pause):
			case <-r.ctx.Done():
			}
		}
	}
}

// read reads the stream behind what the replica has, until it fails.
func (r *replica) read() error {
	at := r.file.Place().Position
	if err := r.recognize(r.ctx); err != nil {
		return err
	}
	messages, err := r.engine.consume(r.ctx, at+1)
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(r.ctx))
		if err != nil {
			return err
		}
		about, err := m.Metadata()
		if err != nil {
			return err
		}
		if position := about.Sequence.Stream; position > r.file.Place().Position+1 {
			return r.missed(r.file.Place().Position + 1)
		} else if err := r.deliver(position, m.Data()); err != nil {
			return err
		}
		r.mu.Lock()
		r.behind = about.NumPending
		r.mu.Unlock()
	}
}

// missed finds out why a message did not come: it was lost on the way, or is no longer in
// the stream.
func (r *replica) missed(position uint64) error {
	record, err := r.engine.get(r.ctx, position)
	if err != nil {
		return err
	}
	if record != nil {
		return r.deliver(position, record)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file.Place().Position >= position {
		return nil
	}
	return r.fail(fmt.Errorf("%w: message %d is no longer in the stream", store.ErrDamaged, position))
}

// recognize checks that the stream has the last message of the replica. A stream that was
// made anew, or is another one, does not have it.
func (r *replica) recognize(ctx context.Context) error {
	at := r.file.Place()
	if at.Position == 0 {
		return nil
	}
	record, err := r.engine.get(ctx, at.Position)
	if err != nil || record != nil && sha256.Sum256(record) == at.Link {
		return err
	}
	reason := "has another one"
	if record == nil {
		reason = "does not have it: it was made anew, or restored from a backup"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fail(fmt.Errorf("%w: message %d is the last one of this replica, and the stream %s", store.ErrDamaged, at.Position, reason))
}

// catchUp waits until the replica has everything that was committed before the call.
func (r *replica) catchUp(ctx context.Context) error {
	last, err := r.engine.last(ctx)
	if err != nil {
		return err
	}
	if err := r.waitFor(ctx, func() bool { return r.file.Place().Position >= last }); err != nil {
		return err
	}
	return r.Update(ctx, func(store.Tx) error { return nil })
}
