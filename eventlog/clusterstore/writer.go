package clusterstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"

	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// writer names the writer, as a takeover has committed it: the replica that has the term.
type writer struct {
	id   [8]byte
	term uint64          // 0: nobody has been the writer yet
	over context.Context // ends when another term begins
	end  context.CancelFunc
}

// begin makes the writer of a term that begins.
func (w writer) begin() writer {
	w.over, w.end = context.WithCancel(context.Background())
	return w
}

// The keys of a takeover in the bucket meta.
var keyTerm, keyWriter = []byte("term"), []byte("writer")

// read takes a value of the bucket meta, if it is of a takeover.
func (w *writer) read(key, raw []byte) error {
	isTerm := string(key) == string(keyTerm)
	if raw == nil || !isTerm && string(key) != string(keyWriter) {
		return nil
	}
	payload, err := record.Decode(store.Meta, key, raw)
	switch {
	case err != nil:
		return err
	case len(payload) != 8:
		return &store.DamageError{Bucket: store.Meta, Key: key, Reason: "does not have 8 bytes"}
	case isTerm:
		w.term = binary.BigEndian.Uint64(payload)
	default:
		w.id = [8]byte(payload)
	}
	return nil
}

// writerOf reads who is the writer.
func writerOf(r store.Reader) (writer, error) {
	w := writer{}.begin()
	err := errors.Join(w.read(keyTerm, r.Get(store.Meta, keyTerm)), w.read(keyWriter, r.Get(store.Meta, keyWriter)))
	return w, err
}

// take applies what a delta says of the writer. mu must be held.
func (r *replica) take(delta []byte) error {
	now := r.writer
	var err error
	for op := range overlay.Ops(delta, &err) {
		if op.Bucket != store.Meta { // the first of all
			break
		}
		if err := now.read(op.Key, op.Value); err != nil {
			return err
		}
	}
	if err != nil || now.term == r.writer.term {
		return err
	}
	r.writer.end()
	r.writer = now.begin()
	r.heardOf = time.Now()
	return nil
}

// term is the term of which this replica is the writer, or 0. mu must be held.
func (r *replica) term() uint64 {
	if r.writer.id != r.id {
		return 0
	}
	return r.writer.term
}

// current returns who is the writer.
func (r *replica) current() writer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.writer
}

// The writer gives a sign of life to the others. It is not a message of the stream, which would
// grow without end, and each replica with it, while nothing happens.
const (
	signEvery = time.Second
	// silence is how long the writer may be silent until another replica takes over.
	silence = 5 * time.Second
)

// Serve implements [store.NotifyingStore].
func (r *replica) Serve(do func(ctx context.Context, term uint64, change []byte) ([]byte, error)) {
	r.mu.Lock()
	r.heardOf = time.Now()
	r.mu.Unlock()
	asked, err := r.engine.conn.Subscribe(r.engine.askSubject(r.id), func(m *nats.Msg) { r.asked(m, do) })
	var signs *nats.Subscription
	if err == nil {
		signs, err = r.engine.conn.Subscribe(r.engine.signSubject(), r.hearSign)
	}
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		_ = r.fail(fmt.Errorf("subscribe: %w", err))
		return
	}
	r.running.Go(func() {
		r.keepWriter()
		_ = signs.Unsubscribe() // an error says that the connection is closed
		_ = asked.Unsubscribe()
		r.sign(true)
	})
}

// keepWriter makes sure that there is a writer, until the replica ends.
func (r *replica) keepWriter() {
	tick := time.NewTicker(signEvery)
	defer tick.Stop()
	if w := r.current(); r.gone(w) {
		r.takeOver(w, time.Time{})
	}
	for last := time.Now(); ; {
		vacant := false
		select {
		case <-tick.C:
		case <-r.vacant:
			vacant = true
		case <-r.ctx.Done():
			return
		}
		r.mu.Lock()
		now := time.Now()
		if now.Sub(last) > 2*signEvery { // this process stood still, not the others
			r.heardOf = now
		}
		last = now
		w, mine, since := r.writer, r.term() != 0, r.heardOf
		r.mu.Unlock()
		switch {
		case mine:
			r.sign(false)
		case vacant:
			r.takeOver(w, time.Time{})
		case now.Sub(since) > silence+rand.N(signEvery):
			r.takeOver(w, since)
		}
	}
}

// sign gives a sign of life, or says that the writer leaves.
func (r *replica) sign(leaves bool) {
	r.mu.Lock()
	term, stuck := r.term(), !r.commitsSince.IsZero() && time.Since(r.commitsSince) > silence
	r.mu.Unlock()
	if term == 0 || stuck && !leaves {
		return // another replica may be able to commit
	}
	sign := binary.BigEndian.AppendUint64(nil, term)
	if leaves {
		sign = append(sign, 1)
	}
	_ = r.engine.conn.Publish(r.engine.signSubject(), sign) // the next one may be heard
}

// leave says that the writer leaves, because its disk is full: another one may have room. One
// that has none does not take over, so if all disks are full this replica stays the writer, and
// refuses what takes room.
func (r *replica) leave() {
	r.mu.Lock()
	again := time.Since(r.left) < silence
	if !again {
		r.left = time.Now()
	}
	r.mu.Unlock()
	if !again {
		r.sign(true)
	}
}

// commits notes that an Update tries to commit, or has tried without success and others may
// follow; or that one has not failed.
func (r *replica) commits(tries bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !tries:
		r.commitsSince = time.Time{}
	case r.commitsSince.IsZero():
		r.commitsSince = time.Now()
	}
}

// hearSign hears a sign of life.
func (r *replica) hearSign(m *nats.Msg) {
	if len(m.Data) < 8 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if binary.BigEndian.Uint64(m.Data) < r.writer.term {
		return // of one that does not know yet that it is no longer the writer
	}
	r.heardOf = time.Now()
	if len(m.Data) > 8 && r.term() == 0 {
		r.tellVacant()
	}
}

// tellVacant says that the writer has gone.
func (r *replica) tellVacant() {
	select {
	case r.vacant <- struct{}{}:
	default:
	}
}

// gone reports whether it is certain that a writer is no longer there.
func (r *replica) gone(w writer) bool {
	if w.term == 0 || w.id == r.id {
		return w.term == 0
	}
	ctx, cancel := context.WithTimeout(r.ctx, signEvery)
	defer cancel()
	_, err := r.engine.conn.RequestWithContext(ctx, r.engine.askSubject(w.id), nil)
	return errors.Is(err, nats.ErrNoResponders)
}

// takeOver makes this replica the writer, unless another one has done so, or a silent writer
// has been heard of since.
func (r *replica) takeOver(from writer, since time.Time) {
	err := r.update(r.ctx, false, func(tx store.Tx) error {
		now, err := writerOf(tx)
		if err != nil {
			return err
		}
		if now.term != from.term || !since.IsZero() && r.heardOf != since { // mu is held
			return store.ErrNotWriter
		}
		tx.Put(store.Meta, keyTerm, record.Encode(store.Meta, keyTerm, binary.BigEndian.AppendUint64(nil, from.term+1)))
		tx.Put(store.Meta, keyWriter, record.Encode(store.Meta, keyWriter, r.id[:]))
		return nil
	})
	switch {
	case err == nil:
		r.o.Logger.Info("this replica is the writer now", "term", from.term+1)
		r.sign(false)
	case !errors.Is(err, store.ErrNotWriter) && r.ctx.Err() == nil:
		r.o.Logger.Warn("this replica cannot become the writer", "error", err)
	}
}
