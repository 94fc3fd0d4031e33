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
	if err := s.log.Err(); err != nil {
		return err
	}
	_, err := made(ctx, s.log, heartbeats, &sessionOf{s.task, s.id})
	return err
}

func heartbeatHere(ctx context.Context, l *Log, of *sessionOf) (nothing, error) {
	// If heartbeats were stored, each would be a commit.
	if l.surelyWrites() && l.leases.renew(of.Task, of.Session) {
		return nothing{}, nil
	}
	// The session has ended, or is being sealed: the committer knows which.
	return nothing{}, l.committer.doFreeing(ctx, func(tx *record.Txn) error {
		record, err := tx.Session(of.Task, of.Session)
		if err != nil {
			return err
		}
		if record.Status != StatusOpen {
			return ErrSealed
		}
		l.leases.alive(record, time.Now())
		return nil
	})
}
