package eventlog

import (
	"context"
	"errors"
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Pulse returns the times of n events of a session that are spread evenly over its kept
// events, the first and the last among them; fewer if it has fewer. So it reads little of
// even the longest session, and where times are close together, much happened. It leaves
// out damaged events.
func (s *Session) Pulse(ctx context.Context, n int) (times []time.Time, err error) {
	err = s.log.view(ctx, func(r store.Reader) error {
		info, err := record.ReadSession(r, s.task, s.id)
		if err != nil {
			return err
		}
		kept := info.Kept()
		n := min(uint64(max(n, 0)), kept)
		for i := range n {
			sequence := info.First
			if n > 1 {
				sequence += i * (kept - 1) / (n - 1)
			}
			key := record.EventKey(s.id, sequence)
			raw := r.Get(store.Events, key)
			if raw == nil {
				continue // what reads the session in order reports it
			}
			var e Event
			switch err := record.ViewEvent(&e, key, raw); {
			case errors.Is(err, ErrDamaged):
				s.log.passOver(err)
			case err != nil:
				return err
			default:
				times = append(times, e.Time)
			}
		}
		return nil
	})
	return times, err
}
