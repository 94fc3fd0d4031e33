package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// StartOptions say what is known of a session at its start. The zero value is good.
type StartOptions struct {
	// Agent, Version and Model are what runs, Cwd, Branch and Machine where; at
	// most 1,024 bytes each, as the two ids below. Events of type session may say
	// all of them later, but for Machine.
	Agent   string
	Version string
	Model   string
	Cwd     string
	Branch  string
	Machine string
	// ExternalID is the agent's own id of its thread: [Log.SessionsByExternalID]
	// finds the session by it. ParentExternalID is that of the thread from which
	// this one was begun.
	ExternalID       string
	ParentExternalID string
	// Owner is who starts the session, of people or programs that sign in: whoever
	// calls must know it for sure, because what runs cannot claim it.
	Owner string
	// Started is when the agent began, if that was not now.
	Started time.Time
	// Unique refuses the start with a [RecordedError] if a session with the same
	// Agent and ExternalID ran at Started: from its start to its end, both
	// included; one that is open runs still. It needs an ExternalID.
	Unique bool
	// Steer says that the agent can be spoken to: who runs it hands it what people say.
	Steer bool
	// Lease is how long the session may be silent: without an append or a
	// [Session.Heartbeat] for so long, it is sealed as [Interrupted], reason
	// "lease expired". 0: no lease, and [Options.IdleTimeout] holds.
	Lease time.Duration
	// Concurrent leaves the task's other sessions open, 256 of them at most: beyond it
	// the start fails with [ErrTooManyOpen]. Otherwise those that
	// are open are sealed as [Interrupted], reason "superseded": a new session
	// is a retry.
	Concurrent bool
	// Key makes a repeat of the start harmless.
	Key Key
}

func (o *StartOptions) check() error {
	if o.Lease < 0 {
		return &FieldError{Index: -1, Field: "lease_seconds", Reason: "must not be negative"}
	}
	if y := o.Started.UTC().Year(); !o.Started.IsZero() && (y < 1 || y > 9999) {
		return &FieldError{Index: -1, Field: "started", Reason: "year must be from 1 to 9999"}
	}
	if o.Unique && o.ExternalID == "" {
		return &FieldError{Index: -1, Field: "external_id", Reason: "is required with unique"}
	}
	for _, text := range []struct{ field, value string }{
		{"agent", o.Agent}, {"version", o.Version}, {"model", o.Model}, {"cwd", o.Cwd}, {"branch", o.Branch},
		{"machine", o.Machine}, {"external_id", o.ExternalID}, {"parent_external_id", o.ParentExternalID}, {"owner", o.Owner},
	} {
		if err := checkText(text.field, text.value, maxName); err != nil {
			return err
		}
	}
	return o.Key.check()
}

// started is when the session began, if it is started now.
func (o *StartOptions) started(now time.Time) time.Time {
	if o.Started.IsZero() {
		return now
	}
	return o.Started.UTC().Truncate(time.Millisecond)
}

// Session is a handle to one session of a log. It holds no state: any number
// may exist for the same session, and all methods may be called concurrently.
type Session struct {
	log  *Log
	task string
	id   SessionID
}

// Start starts a session of a task, and the task if there is none. Nil options
// are the defaults.
func (l *Log) Start(ctx context.Context, task string, o *StartOptions) (*Session, error) {
	info, _, err := l.StartInfo(ctx, task, o)
	if err != nil {
		return nil, err
	}
	return l.Session(task, info.ID), nil
}

// StartInfo is [Log.Start] for those who need to know more: the session as it
// was at its start, and whether this is the answer to an earlier start with the
// same [Key].
func (l *Log) StartInfo(ctx context.Context, task string, o *StartOptions) (info SessionInfo, replayed bool, err error) {
	if o == nil {
		o = &StartOptions{}
	}
	if !ValidTaskID(task) {
		return SessionInfo{}, false, errTaskID
	}
	if err := o.check(); err != nil {
		return SessionInfo{}, false, err
	}
	key := o.Key
	key.Scope = startScope
	err = l.committer.do(ctx, 0, func(tx *txn) error {
		first, err := key.firstAnswer(tx, task, SessionID{})
		if err == nil {
			info, replayed = *first.Info, true
			return nil
		}
		if !errors.Is(err, errNoKey) {
			return err
		}
		if o.Unique {
			if err := tx.recorded(o, o.started(tx.now)); err != nil {
				return err
			}
		}
		t, _, err := tx.taskOrNew(task)
		if err != nil {
			return err
		}
		s, err := tx.startSession(t, o)
		if err != nil {
			return err
		}
		info, replayed = s.info(), false
		key.keep(tx, t, SessionID{}, keyRecord{Session: s.id, Info: &info})
		return nil
	})
	return info, replayed, err
}

// Session returns a handle to a session that exists. That it does is seen when
// the handle is used.
func (l *Log) Session(task string, id SessionID) *Session {
	return &Session{log: l, task: task, id: id}
}

// ID returns the session's id.
func (s *Session) ID() SessionID { return s.id }

// Task returns the id of the session's task.
func (s *Session) Task() string { return s.task }

// Append appends events and returns the sequence of the last one after their
// commit. All are committed together or none. For errors see [Log.Append].
func (s *Session) Append(ctx context.Context, events ...Event) (last uint64, err error) {
	answer, err := s.log.Append(ctx, &Batch{Task: s.task, Session: s.id, Events: events})
	return answer.Last, err
}

// Complete ends the session for good with an event of type complete. The reason
// may be empty. A second call gets [ErrSealed].
func (s *Session) Complete(ctx context.Context, status Status, reason string) error {
	_, err := s.Append(ctx, Event{Type: TypeComplete, Data: completionData(status, reason)})
	return err
}

// Info returns the session as it is now.
func (s *Session) Info(ctx context.Context) (SessionInfo, error) {
	var info SessionInfo
	err := s.log.view(ctx, func(r Reader) error {
		record, err := readWhole(r, s.task, s.id)
		if err == nil {
			info = record.info()
		}
		return err
	})
	return info, err
}

// completionData is the data of a complete event.
func completionData(status Status, reason string) json.RawMessage {
	data, err := json.Marshal(struct {
		Status Status `json:"status"`
		Reason string `json:"reason,omitempty"`
	}{status, reason})
	if err != nil {
		panic("eventlog: two strings cannot be encoded: " + err.Error())
	}
	return data
}

// Sessions returns up to limit sessions of a task, the newest first, those
// older than before only. A zero before means from the newest. A session that is
// damaged is left out, and named in the log.
func (l *Log) Sessions(ctx context.Context, task string, before SessionID, limit int) ([]SessionInfo, error) {
	var sessions []SessionInfo
	err := l.view(ctx, func(r Reader) error {
		if _, err := storedTask(r, task); err != nil {
			return err
		}
		prefix := taskPrefix(task)
		to := prefixEnd(prefix)
		if !before.IsZero() {
			to = sessionKey(task, before)
		}
		for key, raw := range r.Descend(bucketSessions, prefix, to) {
			if len(sessions) >= limit {
				break
			}
			record, err := wholeSession(r, task, key, raw)
			if err != nil {
				_, id, _ := splitSessionKey(key)
				l.passOver(fmt.Errorf("session %s of task %s: %w", id, task, err))
				continue
			}
			sessions = append(sessions, record.info())
		}
		return nil
	})
	return sessions, err
}

// SessionBefore returns the session of a task that started last before another one;
// before the zero id the latest. ok is false if there is none. If that session is
// damaged, info has its ID beside the error.
func (l *Log) SessionBefore(ctx context.Context, task string, before SessionID) (info SessionInfo, ok bool, err error) {
	err = l.view(ctx, func(r Reader) error {
		prefix := taskPrefix(task)
		to := prefixEnd(prefix)
		if !before.IsZero() {
			to = sessionKey(task, before)
		}
		info, ok, err = neighbor(r, task, r.Descend(bucketSessions, prefix, to))
		return err
	})
	return info, ok, err
}

// SessionAfter returns the session of a task that started next after another
// one; after the zero id the first. ok is false if there is none. If that session is
// damaged, info has its ID beside the error: a caller may go on behind it.
func (l *Log) SessionAfter(ctx context.Context, task string, after SessionID) (info SessionInfo, ok bool, err error) {
	err = l.view(ctx, func(r Reader) error {
		from := append(sessionKey(task, after), 0) // the first key behind it
		info, ok, err = neighbor(r, task, r.Ascend(bucketSessions, from, prefixEnd(taskPrefix(task))))
		return err
	})
	return info, ok, err
}

// neighbor reads the first of some sessions of a task.
func neighbor(r Reader, task string, sessions iter.Seq2[[]byte, []byte]) (info SessionInfo, ok bool, err error) {
	if _, err := storedTask(r, task); err != nil {
		return SessionInfo{}, false, err
	}
	for key, raw := range sessions {
		record, err := wholeSession(r, task, key, raw)
		if err != nil {
			_, id, _ := splitSessionKey(key)
			return SessionInfo{ID: id, Task: task}, false, err
		}
		return record.info(), true, nil
	}
	return SessionInfo{}, false, nil
}

// interruptOpen seals the sessions that were open when the store was last
// closed: their writer was this program, and it is gone. One that is damaged stays
// as it is: all others can be used.
func (l *Log) interruptOpen() error {
	open, err := l.openSessions()
	if err != nil {
		return err
	}
	for some := range slices.Chunk(open, interruptSessions) {
		err := l.committer.doFreeing(context.Background(), func(tx *txn) error {
			for _, o := range some {
				t, err := tx.task(o.task)
				if err != nil {
					tx.note(fmt.Errorf("task %s of an open session: %w", o.task, err))
					continue
				}
				s, err := tx.session(o.task, o.id)
				if err != nil {
					tx.note(fmt.Errorf("open session %s of task %s: %w", o.id, o.task, err))
					continue
				}
				if s.Status != StatusOpen {
					tx.note(&DamageError{Bucket: bucketOpen, Key: sessionKey(o.task, o.id), Reason: "the session is sealed"})
					continue
				}
				tx.interrupt(t, s, "process ended")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// interruptSessions is how many sessions one transaction seals at most.
const interruptSessions = 1000

func (l *Log) openSessions() ([]Session, error) {
	var open []Session
	err := l.view(context.Background(), func(r Reader) error {
		for key, raw := range r.Ascend(bucketOpen, nil, nil) {
			if _, err := decodeRecord(bucketOpen, key, raw); err != nil {
				l.damaged(err)
				l.o.Logger.Error("an open session cannot be read, nothing will end it", "error", err)
				continue
			}
			cut := len(key) - len(SessionID{})
			open = append(open, Session{log: l, task: string(key[:cut-1]), id: SessionID(key[cut:])})
		}
		return nil
	})
	return open, err
}
