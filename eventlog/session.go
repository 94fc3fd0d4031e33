package eventlog

import (
	"context"
	"fmt"
	"iter"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Session is a handle to one session of a log. It holds no state: any number of handles may
// exist for the same session, and all methods may be called concurrently.
type Session struct {
	log  *Log
	task string
	id   SessionID
}

// Session returns a handle to an existing session. Only the use of the handle shows whether
// the session exists.
func (l *Log) Session(task string, id SessionID) *Session {
	return &Session{log: l, task: task, id: id}
}

// ID returns the session's id.
func (s *Session) ID() SessionID { return s.id }

// Task returns the id of the session's task.
func (s *Session) Task() string { return s.task }

// Append appends events and returns the sequence of the last one after their commit. Either
// all are committed or none. For errors see [Log.Append].
func (s *Session) Append(ctx context.Context, events ...Event) (last uint64, err error) {
	answer, err := s.log.Append(ctx, &Batch{Task: s.task, Session: s.id, Events: events})
	return answer.Last, err
}

// Complete ends the session for good with an event of type complete. The reason may be
// empty. A second call gets [ErrSealed].
func (s *Session) Complete(ctx context.Context, status Status, reason string) error {
	_, err := s.Append(ctx, Event{Type: TypeComplete, Data: record.CompletionData(status, reason)})
	return err
}

// Info returns the session as it is now.
func (s *Session) Info(ctx context.Context) (SessionInfo, error) {
	var info SessionInfo
	err := s.log.view(ctx, func(r store.Reader) error {
		record, err := record.ReadWhole(r, s.task, s.id)
		if err == nil {
			info = record.Info()
		}
		return err
	})
	return info, err
}

// Sessions returns up to limit sessions of a task that are older than before, the newest
// first. If before is zero, it begins with the newest. It leaves out a damaged session, and
// logs it.
func (l *Log) Sessions(ctx context.Context, task string, before SessionID, limit int) ([]SessionInfo, error) {
	var sessions []SessionInfo
	err := l.view(ctx, func(r store.Reader) error {
		if _, err := record.StoredTask(r, task); err != nil {
			return err
		}
		prefix := record.TaskPrefix(task)
		to := record.PrefixEnd(prefix)
		if !before.IsZero() {
			to = record.SessionKey(task, before)
		}
		for key, raw := range r.Descend(store.Sessions, prefix, to) {
			if len(sessions) >= limit {
				break
			}
			s, err := record.WholeSession(r, task, key, raw)
			if err != nil {
				_, id, _ := record.SplitSessionKey(key)
				l.passOver(fmt.Errorf("session %s of task %s: %w", id, task, err))
				continue
			}
			sessions = append(sessions, s.Info())
		}
		return nil
	})
	return sessions, err
}

// SessionBefore returns the session of a task that started last before another one. Before
// the zero id, it returns the latest. ok is false if there is none. If that session is
// damaged, SessionBefore returns an error, and info has the session's ID.
func (l *Log) SessionBefore(ctx context.Context, task string, before SessionID) (info SessionInfo, ok bool, err error) {
	err = l.view(ctx, func(r store.Reader) error {
		prefix := record.TaskPrefix(task)
		to := record.PrefixEnd(prefix)
		if !before.IsZero() {
			to = record.SessionKey(task, before)
		}
		info, ok, err = neighbor(r, task, r.Descend(store.Sessions, prefix, to))
		return err
	})
	return info, ok, err
}

// SessionAfter returns the session of a task that started next after another one. After the
// zero id, it returns the first. ok is false if there is none. If that session is damaged,
// SessionAfter returns an error, and info has the session's ID, so that a caller can go on
// after it.
func (l *Log) SessionAfter(ctx context.Context, task string, after SessionID) (info SessionInfo, ok bool, err error) {
	err = l.view(ctx, func(r store.Reader) error {
		from := append(record.SessionKey(task, after), 0) // the first key after it
		info, ok, err = neighbor(r, task, r.Ascend(store.Sessions, from, record.PrefixEnd(record.TaskPrefix(task))))
		return err
	})
	return info, ok, err
}

// neighbor reads the first of some sessions of a task.
func neighbor(r store.Reader, task string, sessions iter.Seq2[[]byte, []byte]) (info SessionInfo, ok bool, err error) {
	if _, err := record.StoredTask(r, task); err != nil {
		return SessionInfo{}, false, err
	}
	for key, raw := range sessions {
		s, err := record.WholeSession(r, task, key, raw)
		if err != nil {
			_, id, _ := record.SplitSessionKey(key)
			return SessionInfo{ID: id, Task: task}, false, err
		}
		return s.Info(), true, nil
	}
	return SessionInfo{}, false, nil
}
