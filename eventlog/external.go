package eventlog

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// RecordedError says that what a start with [StartOptions].Unique was to record is
// in the log already.
type RecordedError struct {
	// Task and Session are where it is.
	Task    string
	Session SessionID
	// Ended is when that session ended: only what came after it is not recorded
	// yet. Zero while the session is open.
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

// externalPrefix is what the keys of bucketExternal start with for an external id.
// Texts from agents may have any bytes, so their lengths stand before them.
func externalPrefix(externalID string) []byte {
	key := binary.BigEndian.AppendUint16(make([]byte, 0, 4+len(externalID)+64), uint16(len(externalID)))
	return append(key, externalID...)
}

// externalAgentPrefix is the same for an external id of one agent.
func externalAgentPrefix(agent, externalID string) []byte {
	key := externalPrefix(externalID)
	return append(binary.BigEndian.AppendUint16(key, uint16(len(agent))), agent...)
}

func externalKey(agent, externalID string, session SessionID) []byte {
	return append(externalAgentPrefix(agent, externalID), session[:]...)
}

// splitExternalKey is the inverse of externalKey.
func splitExternalKey(key []byte) (agent, externalID string, session SessionID, ok bool) {
	rest := key
	for _, to := range []*string{&externalID, &agent} {
		if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
			return "", "", SessionID{}, false
		}
		n := int(binary.BigEndian.Uint16(rest))
		*to, rest = string(rest[2:2+n]), rest[2+n:]
	}
	if len(rest) != len(session) || externalID == "" {
		return "", "", SessionID{}, false
	}
	copy(session[:], rest)
	return agent, externalID, session, true
}

// index makes a session known under its agent and external id, if it has one.
func (tx *txn) index(s *sessionRecord) {
	if s.ExternalID == "" {
		return
	}
	key := externalKey(s.Agent, s.ExternalID, s.id)
	tx.Put(bucketExternal, key, encodeRecord(bucketExternal, key, []byte(s.task)))
}

// unindex takes back what index did.
func (tx *txn) unindex(s *sessionRecord) {
	if s.ExternalID != "" {
		tx.Delete(bucketExternal, externalKey(s.Agent, s.ExternalID, s.id))
	}
}

// place is where a session is.
type place struct {
	task string
	id   SessionID
}

// externalPlaces returns the sessions whose keys in bucketExternal start with a
// prefix, the newest first, at most maxByExternalID of them. What is damaged goes to
// passOver; with nil, it is an error.
func externalPlaces(r Reader, prefix []byte, passOver func(error)) (places []place, err error) {
	for key, raw := range r.Descend(bucketExternal, prefix, prefixEnd(prefix)) {
		task, err := decodeRecord(bucketExternal, key, raw)
		_, _, id, ok := splitExternalKey(key)
		if err == nil && !ok {
			err = &DamageError{Bucket: bucketExternal, Key: bytes.Clone(key), Reason: "is no external id"}
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
			break // of one agent, the newest come first
		}
		if len(places) == 2*maxByExternalID {
			places = newestPlaces(places)
		}
	}
	return newestPlaces(places), nil
}

func newestPlaces(places []place) []place {
	slices.SortFunc(places, func(a, b place) int { return compareIDs(b.id, a.id) })
	return places[:min(len(places), maxByExternalID)]
}

// SessionsByExternalID returns the sessions with an external id: the agent's own
// id of its thread, see [StartOptions]. An empty agent means any. The newest come
// first, at most 1,000 of them.
func (l *Log) SessionsByExternalID(ctx context.Context, agent, externalID string) ([]SessionInfo, error) {
	prefix := externalPrefix(externalID)
	if agent != "" {
		prefix = externalAgentPrefix(agent, externalID)
	}
	var sessions []SessionInfo
	err := l.view(ctx, func(r Reader) error {
		places, err := externalPlaces(r, prefix, nil)
		if err != nil {
			return err
		}
		for _, p := range places {
			s, err := readWhole(r, p.task, p.id)
			if err != nil {
				return err
			}
			sessions = append(sessions, s.info())
		}
		return nil
	})
	return sessions, err
}

// TasksByExternalID is [Log.Tasks] for the tasks that have a session with an
// external id. Of more than 1,000 such sessions it looks at the newest. A task that is
// damaged is left out, and named in the log.
func (l *Log) TasksByExternalID(ctx context.Context, externalID string, before uint64, limit int) ([]Task, error) {
	var tasks []Task
	err := l.view(ctx, func(r Reader) error {
		places, err := externalPlaces(r, externalPrefix(externalID), l.passOver)
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
				tasks = append(tasks, t.info())
			}
		}
		return nil
	})
	slices.SortFunc(tasks, func(a, b Task) int { return cmp.Compare(b.Change, a.Change) })
	return tasks[:min(len(tasks), max(limit, 0))], err
}

// recorded returns a [RecordedError] if a session with the agent and external id
// of a start ran at a moment.
func recorded(tx *txn, o *StartOptions, at Time) error {
	places, err := externalPlaces(tx, externalAgentPrefix(o.Agent, o.ExternalID), nil)
	if err != nil {
		return err
	}
	for _, p := range places {
		s, err := tx.session(p.task, p.id)
		if errors.Is(err, ErrSessionNotFound) {
			err = &DamageError{Bucket: bucketExternal, Key: externalKey(o.Agent, o.ExternalID, p.id), Reason: "the session does not exist"}
		}
		if err != nil {
			return err
		}
		if !at.Before(s.Started.Time) && (s.Status == StatusOpen || !at.After(s.Ended.Time)) {
			return &RecordedError{Task: s.task, Session: s.id, Ended: s.Ended}
		}
	}
	return nil
}
