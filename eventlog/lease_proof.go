package eventlog

import (
	"context"
	"errors"
	"time"

	"jrweb/eventlog/internal/record"
)

// leaseProof is how long a commit may take before the log must assume that it missed heartbeats.
const leaseProof = time.Second

// begun starts all leases again, because this process may not have heard of their writers so
// far.
func (ls *leases) begun() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	now := time.Now()
	for _, l := range ls.open {
		l.seen = now
	}
	notify(ls.sooner)
}

// tried starts all leases again after a commit that failed or took long. As long as the engine
// of a cluster is away, what writers tell other replicas does not arrive, so their silence says
// nothing.
func (ls *leases) tried(took time.Duration, err error) {
	if ls.log.lags() && (took > leaseProof || errors.Is(err, ErrNotCommitted) || errors.Is(err, ErrUnsettled)) {
		ls.begun()
	}
}

// unproved reports whether the silence of a lease may fall into a time when the log could not
// receive heartbeats. One proof, after half of it, is enough for a writer that sends a heartbeat
// each third: what loses two of them is noticed by the proof between them.
func (ls *leases) unproved(l *lease) bool { return ls.log.lags() && !l.proved.Equal(l.seen) }

// hears makes sure that the log can commit. If it cannot, all leases start again.
func (ls *leases) hears(ctx context.Context) error {
	if ls.log.surelyWrites() {
		return nil
	}
	return ls.log.committer.doFreeing(ctx, func(*record.Txn) error { return nil })
}
