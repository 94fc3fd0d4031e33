package eventlog

import (
	"context"
	"encoding/binary"
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// prober remembers the last probe.
type prober struct {
	turn chan struct{} // holds a token while a caller probes, or reads the last answer
	time time.Time
	err  error
}

var keyProbe = []byte("probe")

// Probe reports whether the log can commit, by a commit. Within a second of the last probe
// it repeats that answer. A log without room for appends can still commit, so the probe
// succeeds.
func (l *Log) Probe(ctx context.Context) error {
	if err := l.Err(); err != nil {
		return err
	}
	p := &l.prober
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done(): // while a disk hangs, callers must not pile up
		return ctx.Err()
	}
	if !p.time.IsZero() && time.Since(p.time) < time.Second {
		return p.err
	}
	_, err := made(ctx, l, probes, &nothing{})
	if ctx.Err() != nil {
		return err // this says nothing about the log
	}
	p.time, p.err = time.Now(), err
	return err
}

func probeHere(ctx context.Context, l *Log, _ *nothing) (nothing, error) {
	return nothing{}, l.committer.doFreeing(ctx, func(tx *record.Txn) error {
		now := binary.BigEndian.AppendUint64(nil, uint64(tx.Now.UnixMilli()))
		tx.Put(store.Meta, keyProbe, record.Encode(store.Meta, keyProbe, now))
		tx.Wrote = true
		return nil
	})
}
