package clusterstore

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"jrweb/eventlog/store"
)

// A request to the writer is the term (8) and the change. The answer is a byte that says
// whether the change was made, the position (8) up to which the writer had all then, and the
// answer of the log.
const (
	askHeader    = 8
	answerHeader = 1 + 8
	notMade      = 0
	made         = 1
)

// signSubject is where the writer gives signs of life.
func (e *engine) signSubject() string { return e.subject + ".writer" }

// askSubject is where a replica is asked to make changes.
func (e *engine) askSubject(id [8]byte) string {
	return e.subject + ".ask." + hex.EncodeToString(id[:])
}

// asked makes the change that another replica asks for, and answers.
func (r *replica) asked(m *nats.Msg, do func(ctx context.Context, term uint64, change []byte) ([]byte, error)) {
	if len(m.Data) < askHeader {
		_ = m.Respond([]byte{notMade}) // it asks whether this replica lives
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil { // Close may wait already
		return
	}
	r.running.Go(func() {
		ctx, cancel := context.WithTimeout(r.ctx, r.o.Wait)
		defer cancel()
		answer, err := do(ctx, binary.BigEndian.Uint64(m.Data), m.Data[askHeader:])
		reply := make([]byte, answerHeader, answerHeader+len(answer))
		if err == nil {
			reply[0] = made
		}
		binary.BigEndian.PutUint64(reply[1:], r.file.Place().Position)
		if err := m.Respond(append(reply, answer...)); err != nil {
			r.o.Logger.Debug("a replica gets no answer", "error", err)
		}
	})
}

// absence is how long nobody may answer at the writer's place until another replica takes it.
const absence = time.Second

// Hand implements [store.NotifyingStore].
func (r *replica) Hand(ctx context.Context, change []byte, repeat bool) (answer []byte, err error) {
	if largest := r.engine.largest - askHeader; len(change) > largest {
		return nil, fmt.Errorf("%w: it has %d bytes, and the engine takes %d", store.ErrUpdateTooLarge, len(change), largest)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	waits, cancel := context.WithTimeout(ctx, r.o.Wait)
	defer cancel()
	outcome := store.ErrNotCommitted // if nothing better comes
	var absent time.Time             // since when nobody answers at the place of the writer
	for {
		if err := r.working(); err != nil && errors.Is(outcome, store.ErrUnsettled) {
			return nil, fmt.Errorf("%w: %w", outcome, err)
		} else if err != nil {
			return nil, err
		}
		w := r.current()
		if w.id == r.id && w.term != 0 {
			return nil, store.ErrNotWriter
		}
		answer, position, err := r.ask(waits, w, change, repeat)
		switch {
		case err == nil:
			return answer, r.reach(position)
		case errors.Is(err, errLost):
			if outcome = store.ErrUnsettled; !repeat {
				return nil, fmt.Errorf("%w: the writer of the cluster does not answer: %w", outcome, err)
			}
		case !errors.Is(err, nats.ErrNoResponders):
			absent = time.Time{}
		case absent.IsZero():
			absent = time.Now()
		case time.Since(absent) > absence:
			r.tellVacant()
		}
		select {
		case <-w.over.Done():
			absent = time.Time{}
		case <-time.After(pause):
		case <-r.ctx.Done():
		case <-waits.Done():
			return nil, fmt.Errorf("%w: the writer of the cluster does not answer: %w", outcome, errors.Join(context.Cause(waits), err))
		}
	}
}

// errLost says that a request was sent, and no answer has come: whether the change was made is
// not known.
var errLost = errors.New("there is no answer")

// ask asks the writer once to make a change. Unless the error is errLost, an error means that
// the change was not made.
func (r *replica) ask(ctx context.Context, w writer, change []byte, repeat bool) (answer []byte, position uint64, err error) {
	if w.term == 0 {
		return nil, 0, nats.ErrNoResponders
	}
	if repeat { // it is asked again
		short, cancel := context.WithTimeout(ctx, requestTime)
		defer cancel()
		ctx = short
	}
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	// An answer that is under way when the term ends still counts.
	stop := context.AfterFunc(w.over, func() { time.AfterFunc(hurry, cancel) })
	defer stop()
	m, err := r.engine.conn.RequestWithContext(asking, r.engine.askSubject(w.id),
		append(binary.BigEndian.AppendUint64(make([]byte, 0, askHeader+len(change)), w.term), change...))
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrReconnectBufExceeded): // it was not sent, or nobody got it
		return nil, 0, err
	case err != nil:
		return nil, 0, fmt.Errorf("%w: %w", errLost, err)
	case len(m.Data) < answerHeader || m.Data[0] != made:
		return nil, 0, store.ErrNotWriter
	}
	return m.Data[answerHeader:], binary.BigEndian.Uint64(m.Data[1:]), nil
}

// reach waits until the replica has what the writer had when it answered.
func (r *replica) reach(position uint64) error {
	ctx, cancel := context.WithTimeout(r.ctx, r.o.Wait)
	defer cancel()
	err := r.waitFor(ctx, func() bool { return r.file.Place().Position >= position })
	if err != nil {
		return fmt.Errorf("%w: the change is made, but this replica does not hear of it: %w", store.ErrUnsettled, err)
	}
	return nil
}
