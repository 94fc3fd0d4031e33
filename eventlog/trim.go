package eventlog

import (
	"context"
	"errors"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Trim deletes the events of a session up to and including a sequence. The complete event
// of a sealed session always stays. Readers see a gap. If ctx ends first, only some of the
// oldest of these events are deleted, and all later ones are still there.
func (l *Log) Trim(ctx context.Context, task string, session SessionID, through uint64) error {
	_, err := made(ctx, l, trims, &trim{sessionOf{task, session}, through})
	return err
}

func trimHere(ctx context.Context, l *Log, in *trim) (none nothing, err error) {
	session := in.Session
	for more := true; more; {
		err := l.committer.doFreeing(ctx, func(tx *record.Txn) error {
			s, err := tx.Session(in.Task, session)
			if err != nil {
				return err
			}
			last := min(in.Through, s.Head)
			if s.Status != StatusOpen {
				last = min(in.Through, s.Head-1)
			}
			more = last >= s.First+record.PurgeKeys
			if more {
				last = s.First + record.PurgeKeys - 1
			}
			if last < s.First {
				return nil
			}
			trimmed, err := s.PlaceAt(tx, last)
			switch {
			case errors.Is(err, ErrDamaged): // it goes as well
				tx.Note(err)
				trimmed.Change = s.Trimmed
			case err != nil:
				return err
			}
			for n := s.First; n <= last; n++ {
				tx.Delete(store.Events, record.EventKey(session, n))
			}
			s.First, s.Trimmed = last+1, trimmed.Change
			tx.Rewrite(s)
			tx.Dropped = append(tx.Dropped, record.Dropped{Task: in.Task, Session: session})
			return nil
		})
		if err != nil {
			return none, err
		}
	}
	return none, nil
}
