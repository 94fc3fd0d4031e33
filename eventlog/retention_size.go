package eventlog

import (
	"context"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

const (
	// retainLook is how many events one transaction reads to find how much their deletion
	// would free.
	retainLook = 10_000
	// retainTail is how many events of an open session are never trimmed, because readers
	// are there.
	retainTail = 100
	// retainShare is the divisor of RetainBytes that gives how much may be appended until
	// the next check.
	retainShare = 100
)

// bySize deletes the sessions that ended first, then trims open ones, until the store uses
// no more than RetainBytes.
func (j *janitor) bySize(ctx context.Context, sum *tidied) error {
	j.mu.Lock()
	j.grown = 0
	j.mu.Unlock()
	excess := func() int64 {
		stats := j.stats.Stats()
		return stats.Size - stats.Free - j.log.o.RetainBytes
	}
	for {
		// Deleted records take room until they are purged.
		for more := true; more; {
			var err error
			if more, err = j.log.purger.purge(ctx); err != nil {
				return err
			}
		}
		if excess() <= 0 {
			return nil // and no append waits for a checkpoint
		}
		if c, ok := j.log.store.(store.CheckpointStore); ok {
			if err := c.Checkpoint(ctx); err != nil { // else nothing would come free, and everything be deleted
				return err
			}
		}
		excess := excess()
		if excess <= 0 {
			return nil
		}
		sessions, err := j.endedFirst(ctx, excess)
		if err != nil {
			return err
		}
		n, err := j.retire(ctx, sum, func(*record.Txn) ([]retired, error) { return sessions, nil })
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		if len(sessions) > 0 { // all of them were deleted meanwhile
			return nil
		}
		if trimmed, err := j.trimLongest(ctx, excess, sum); err != nil || !trimmed {
			return err
		}
	}
}

// endedFirst finds the sessions that ended first and whose events take about excess bytes.
// It may find fewer.
func (j *janitor) endedFirst(ctx context.Context, excess int64) (sessions []retired, err error) {
	err = j.log.view(ctx, func(r store.Reader) error {
		looks := retainLook
		pins := newPins(r)
		for key, raw := range r.Ascend(store.Ended, nil, nil) {
			if excess <= 0 || looks <= 0 || len(sessions) == retainBatch {
				break
			}
			s, ok := j.endedSession(pins, key, raw)
			if !ok {
				continue
			}
			sessions = append(sessions, s)
			for key, raw := range r.Ascend(store.Events, s.id[:], record.PrefixEnd(s.id[:])) {
				excess -= int64(len(key) + len(raw))
				if looks--; excess <= 0 || looks == 0 {
					break
				}
			}
		}
		return nil
	})
	return sessions, err
}

// trimLongest trims the front of the open session that keeps the most events.
func (j *janitor) trimLongest(ctx context.Context, excess int64, sum *tidied) (trimmed bool, err error) {
	var longest *record.Session
	var through uint64
	err = j.log.view(ctx, func(r store.Reader) error {
		pins := newPins(r)
		for key, raw := range r.Ascend(store.Open, nil, nil) {
			if task, _, ok := record.SplitSessionKey(key); ok && pins.has(task) {
				continue
			}
			s, err := openSession(r, key, raw)
			if err != nil {
				j.log.passOver(err)
				continue
			}
			if longest == nil || s.Kept() > longest.Kept() {
				longest = s
			}
		}
		if longest == nil || longest.Kept() <= retainTail {
			return nil
		}
		through = min(longest.Head-retainTail, longest.First+record.PurgeKeys-1)
		for key, raw := range r.Ascend(store.Events, record.EventKey(longest.ID, longest.First), record.EventKey(longest.ID, through)) {
			if excess -= int64(len(key) + len(raw)); excess <= 0 {
				through = record.EventSequence(key)
				break
			}
		}
		return nil
	})
	if err != nil || through == 0 {
		return false, err
	}
	err = j.log.Trim(ctx, longest.Task, longest.ID, through)
	if err == nil {
		sum.events += through - longest.First + 1
	}
	return true, record.UnlessGone(err)
}
