package clusterstore

import (
	"context"
	"crypto/sha256"
	"errors"
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
	r.mu.Lock()
	r.recognized = true
	r.advance()
	r.mu.Unlock()
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
		r.knowLast(about.Sequence.Stream + about.NumPending)
	}
}

// knowLast notes the position of the last message that the stream has.
func (r *replica) knowLast(position uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// What the replica has committed itself it has before it reads it.
	r.behind = 0
	if at := r.file.Place().Position; position > at {
		r.behind = position - at
	}
	r.advance()
}

// missed finds out why a message did not come: it was lost on the way, or is no longer in
// the stream.
func (r *replica) missed(position uint64) error {
	record, err := r.get(r.ctx, position)
	if err != nil {
		return err
	}
	if record != nil {
		return r.deliver(position, record)
	}
	if state, err := r.engine.state(r.ctx); err != nil || state.FirstSeq > position {
		return r.forgotten(err)
	}
	return r.absent(position, fmt.Errorf("%w: message %d is no longer in the stream", store.ErrDamaged, position))
}

// ErrBehind says that others have committed so much while a replica was away that the stream
// has forgotten what it lacks. Opened again, it begins with a snapshot.
var ErrBehind = errors.New("this replica was away for too long: opened again, it begins with a snapshot")

// forgotten fails the replica because the stream no longer has what it lacks, unless that could
// not be found out.
func (r *replica) forgotten(err error) error {
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fail(ErrBehind)
}

// get returns the message at a position, nil if there is none. Where it takes long, because the
// message is large and the engine or the line slow, the next call waits longer.
func (r *replica) get(ctx context.Context, position uint64) ([]byte, error) {
	r.getTime = max(r.getTime, requestTime)
	ctx, cancel := context.WithTimeout(ctx, r.getTime)
	defer cancel()
	record, err := r.engine.get(ctx, position)
	switch {
	case err == nil:
		r.getTime = requestTime
	case errors.Is(err, context.DeadlineExceeded):
		r.getTime = min(2*r.getTime, time.Minute)
	}
	return record, err
}

// missing is a message that should be in the stream.
type missing struct {
	position uint64
	since    time.Time
}

// absent fails the replica because a message is not in the stream, once that has been so for
// a while: a server that no longer leads the stream may lack its newest messages, and answers
// anyway.
func (r *replica) absent(position uint64, err error) error {
	if r.missing.position != position {
		r.missing = missing{position, time.Now()}
	}
	if time.Since(r.missing.since) < r.o.Wait {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fail(err)
}

// recognize checks that the stream has the last message of the replica. A stream that was
// recreated, or is another one, does not have it. If the stream has forgotten it, the next one
// tells: it has its hash.
func (r *replica) recognize(ctx context.Context) error {
	at := r.file.Place()
	if at.Position == 0 {
		return nil
	}
	record, err := r.get(ctx, at.Position)
	switch {
	case err != nil:
		return err
	case record == nil:
		state, err := r.engine.state(ctx)
		if err != nil || state.FirstSeq > at.Position+1 {
			return r.forgotten(err)
		}
		if state.FirstSeq == at.Position+1 && state.LastSeq > at.Position {
			return nil
		}
		return r.absent(at.Position, fmt.Errorf("%w: this replica has message %d, and the stream does not: it was made anew, or restored from a backup", store.ErrDamaged, at.Position))
	case sha256.Sum256(record) != at.Link:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.fail(fmt.Errorf("%w: the stream has another message %d than this replica", store.ErrDamaged, at.Position))
	}
	if r.missing.position == at.Position {
		r.missing = missing{}
	}
	return nil
}

// catchUp waits until the replica has everything that was committed before the call. It first
// makes sure that the stream is the replica's, before it writes there.
func (r *replica) catchUp(ctx context.Context) error {
	state, err := r.engine.state(ctx)
	if err != nil {
		return err
	}
	if err := r.waitFor(ctx, func() bool { return r.recognized && r.file.Place().Position >= state.LastSeq }); err != nil {
		return err
	}
	for {
		err := r.Update(ctx, func(store.Tx) error { return nil })
		if ctx.Err() != nil || !errors.Is(err, store.ErrNotCommitted) && !errors.Is(err, store.ErrUnsettled) {
			return err
		}
	}
}
