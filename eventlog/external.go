package eventlog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// RecordedError says that the log already has the session that a start with
// [StartOptions].Unique was to record.
type RecordedError struct {
	// Task and Session name the recorded session.
	Task    string
	Session SessionID
	// Ended is when that session ended: only what came after is not recorded yet. It is
	// zero while the session is open.
	Ended Time
}

func (e *RecordedError) Error() string {
	if e.Ended.IsZero() {
		return fmt.Sprintf("session %s of task %s is recording it", e.Session, e.Task)
	}
	return fmt.Sprintf("session %s of task %s has recorded it up to %s", e.Session, e.Task, e.Ended.UTC().Format(TimeFormat))
}

// maxByExternalID is how many sessions one look-up by external id returns.
const maxByExternalID = 1000

// place names a session and its task.
type place struct {
	task string
	id   SessionID
}

// externalPlaces returns the sessions whose keys in store.External start with a prefix, the
// newest first, at most maxByExternalID of them. It calls passOver for damaged records; if
// passOver is nil, it returns an error instead.
func externalPlaces(r store.Reader, prefix []byte, passOver func(error)) (places []place, err error) {
	for key, raw := range r.Descend(store.External, prefix, record.PrefixEnd(prefix)) {
		task, err := record.Decode(store.External, key, raw)
		_, _, id, ok := record.SplitExternalKey(key)
		if err == nil && !ok {
			err = &DamageError{Bucket: store.External, Key: bytes.Clone(key), Reason: "is no external id"}
		}
		switch {
		case err != nil && passOver == nil:
			return nil, err
		case err != nil:
			passOver(err)
			continue
		}
		places = append(places, place{string(task), id})
		if len(key) == len(prefix)+len(id) && len(places) == maxByExternalID {
			break // the newest of one agent come first
		}
		if len(places) == 2*maxByExternalID {
			places = newestPlaces(places)
		}
	}
	return newestPlaces(places), nil
}

func newestPlaces(places []place) []place {
	slices.SortFunc(places, func(a, b place) int { return record.CompareIDs(b.id, a.id) })
	return places[:min(len(places), maxByExternalID)]
}

// SessionsByExternalID returns the sessions with an external id: the agent's own id of its
// thread, see [StartOptions]. An empty agent means any. The newest come first, at most
// 1,000 of them.
func (l *Log) SessionsByExternalID(ctx context.Context, agent, externalID string) ([]SessionInfo, error) {
	prefix := record.ExternalPrefix(externalID)
	if agent != "" {
		prefix = record.ExternalAgentPrefix(agent, externalID)
	}
	var sessions []SessionInfo
	err := l.view(ctx, func(r store.Reader) error {
		places, err := externalPlaces(r, prefix, nil)
		if err != nil {
			return err
		}
		sessions = nil
		for _, p := range places {
			s, err := record.ReadWhole(r, p.task, p.id)
			if err != nil {
				return err
			}
			sessions = append(sessions, s.Info())
		}
		return nil
	})
	return sessions, err
}

// TasksByExternalID is [Log.Tasks] for the tasks that have a session with an external id.
// If there are more than 1,000 such sessions, it uses the newest. It leaves out a damaged
// task, and logs it.
func (l *Log) TasksByExternalID(ctx context.Context, externalID string, before uint64, limit int) ([]Task, error) {
	var tasks []Task
	err := l.view(ctx, func(r store.Reader) error {
		places, err := externalPlaces(r, record.ExternalPrefix(externalID), l.passOver)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, p := range places {
			if seen[p.task] {
				continue
			}
			seen[p.task] = true
			t, err := l.readTask(r, p.task)
			if err != nil {
				l.passOver(fmt.Errorf("task %s: %w", p.task, err))
				continue
			}
			if before == 0 || t.Change < before {
				tasks = append(tasks, t.Info())
			}
		}
		return nil
	})
	slices.SortFunc(tasks, func(a, b Task) int { return cmp.Compare(b.Change, a.Change) })
	return tasks[:min(len(tasks), max(limit, 0))], err
}

// recorded returns a [RecordedError] if a session with the agent and external id of a start
// ran at a given time.
func recorded(tx *record.Txn, o *StartOptions, at Time) error {
	places, err := externalPlaces(tx, record.ExternalAgentPrefix(o.Agent, o.ExternalID), nil)
	if err != nil {
		return err
	}
	for _, p := range places {
		s, err := tx.Session(p.task, p.id)
		if errors.Is(err, ErrSessionNotFound) {
			err = &DamageError{Bucket: store.External, Key: record.ExternalKey(o.Agent, o.ExternalID, p.id), Reason: "the session does not exist"}
		}
		if err != nil {
			return err
		}
		if !at.Before(s.Started.Time) && (s.Status == StatusOpen || !at.After(s.Ended.Time)) {
			return &RecordedError{Task: s.Task, Session: s.ID, Ended: s.Ended}
		}
	}
	return nil
}
