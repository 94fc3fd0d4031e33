package eventlog

import (
	"context"
	"errors"
	"time"

	"jrweb/eventlog/internal/record"
)

// StartOptions are what is known of a session at its start. The zero value is good.
type StartOptions struct {
	// Agent, Version and Model say what runs; Cwd, Branch and Machine say where. Each has
	// at most 1,024 bytes, like the two ids below. Later events of type session may set all
	// of them except Machine.
	Agent   string
	Version string
	Model   string
	Cwd     string
	Branch  string
	Machine string
	// ExternalID is the agent's own id of its thread: [Log.SessionsByExternalID] finds the
	// session by it. ParentExternalID is the id of the thread that started this one.
	ExternalID       string
	ParentExternalID string
	// Owner is the person or program, of those that sign in, that starts the session. The
	// caller must have verified it, because an agent must not be able to claim it.
	Owner string
	// Started is when the agent began, if that was not now.
	Started time.Time
	// Unique refuses the start with a [RecordedError] if a session with the same Agent and
	// ExternalID ran at Started: from its start to its end, both included. An open session
	// still runs. Unique needs an ExternalID.
	Unique bool
	// Steer says that people can send messages to the agent: the program that runs it
	// delivers them.
	Steer bool
	// Lease is how long the session may be silent. After that long without an append or a
	// [Session.Heartbeat] it is sealed as [Interrupted], reason "lease expired". 0: no
	// lease, and [Options.IdleTimeout] applies.
	Lease time.Duration
	// Concurrent leaves the task's other sessions open. At most 256 may be open: beyond
	// that the start fails with [ErrTooManyOpen]. Without Concurrent, the open sessions are
	// sealed as [Interrupted], reason "superseded": a new session is a retry.
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
		if err := record.CheckText(text.field, text.value, record.MaxName); err != nil {
			return err
		}
	}
	return o.Key.check()
}

// started is the start time of a session that starts now.
func (o *StartOptions) started(now time.Time) Time {
	if o.Started.IsZero() {
		return Time{Time: now}
	}
	return Time{Time: o.Started.UTC().Truncate(time.Millisecond)}
}

// record makes the record of a session that starts now.
func (o *StartOptions) record(now time.Time) *record.Session {
	return &record.Session{
		Started: o.started(now),
		Agent:   o.Agent, Version: o.Version, Model: o.Model, Cwd: o.Cwd, Branch: o.Branch, Machine: o.Machine,
		ExternalID: o.ExternalID, ParentExternalID: o.ParentExternalID, Owner: o.Owner, Steer: o.Steer, Lease: o.Lease,
	}
}

// Start starts a session of a task. It creates the task if it does not exist. Nil options
// are the defaults.
func (l *Log) Start(ctx context.Context, task string, o *StartOptions) (*Session, error) {
	info, _, err := l.StartInfo(ctx, task, o)
	if err != nil {
		return nil, err
	}
	return l.Session(task, info.ID), nil
}

// StartInfo is [Log.Start] with more results: the session as it was at its start, and
// whether this is the answer to an earlier start with the same [Key].
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
	answer, err := made(ctx, l, starts, &startOf{task, *o})
	if err != nil {
		return SessionInfo{}, false, err
	}
	return SessionInfo(answer.Info), answer.Replayed, nil
}

func startHere(ctx context.Context, l *Log, in *startOf) (answer started, err error) {
	task, o, key := in.Task, &in.Options, in.Options.Key
	key.Scope = record.StartScope
	err = l.committer.do(ctx, 0, func(tx *record.Txn) error {
		first, err := key.firstAnswer(tx, task, SessionID{})
		if err == nil {
			answer = started{wholeSession(*first.Info), true}
			return nil
		}
		if !errors.Is(err, errNoKey) {
			return err
		}
		if o.Unique {
			if err := recorded(tx, o, o.started(tx.Now)); err != nil {
				return err
			}
		}
		t, _, err := tx.TaskOrNew(task)
		if err != nil {
			return err
		}
		s := o.record(tx.Now)
		if err := tx.StartSession(t, s, o.Concurrent); err != nil {
			return err
		}
		info := s.Info()
		answer = started{Info: wholeSession(info)}
		key.keep(tx, t, SessionID{}, record.Request{Session: s.ID, Info: &info})
		return nil
	})
	return answer, err
}
