package eventlog

import (
	"context"
	"time"

	"jrweb/eventlog/internal/record"
)

// Heartbeat says that the writer of the session is alive: it renews the
// session's lease, as every append does. It fails with [ErrSealed] when the
// session has ended, so that a writer hears of it.
func (s *Session) Heartbeat(ctx context.Context) error {
	l := s.log
	if err := l.Err(); err != nil {
		return err
	}
	// In the store every heartbeat would be a commit. It is one only if other
	// logs have to hear of it.
	if !l.shared && l.leases.renew(s.task, s.id) {
		return nil
	}
	// The session has ended, or its seal is on its way: the committer knows.
	return l.committer.doFreeing(ctx, func(tx *record.Txn) error {
		record, err := tx.Session(s.task, s.id)
		if err != nil {
			return err
		}
		if record.Status != StatusOpen {
			return ErrSealed
		}
		if l.shared {
			record.Beats++
			tx.Rewrite(record)
		}
		l.leases.alive(record, time.Now())
		return nil
	})
}
