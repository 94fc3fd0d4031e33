package eventlog

import (
	"context"
	"time"

	"jrweb/eventlog/internal/record"
)

// Heartbeat says that the writer of the session is alive. Like every append, it renews the
// session's lease. It fails with [ErrSealed] when the session has ended, so that the writer
// learns of it.
func (s *Session) Heartbeat(ctx context.Context) error {
	l := s.log
	if err := l.Err(); err != nil {
		return err
	}
	// If heartbeats were stored, each would be a commit. They are stored only if other logs
	// need them.
	if !l.shared && l.leases.renew(s.task, s.id) {
		return nil
	}
	// The session has ended, or is being sealed: the committer knows which.
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
