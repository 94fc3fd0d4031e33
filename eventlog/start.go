package eventlog

import (
	"context"
	"errors"
	"time"

	"jrweb/eventlog/internal/record"
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
	// the start fails with [record.ErrTooManyOpen]. Otherwise those that
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
		if err := record.CheckText(text.field, text.value, record.MaxName); err != nil {
			return err
		}
	}
	return o.Key.check()
}

// started is when the session began, if it is started now.
func (o *StartOptions) started(now time.Time) Time {
	if o.Started.IsZero() {
		return Time{Time: now}
	}
	return Time{Time: o.Started.UTC().Truncate(time.Millisecond)}
}

// record is what is known of a session that starts now.
func (o *StartOptions) record(now time.Time) *record.Session {
	return &record.Session{
		Started: o.started(now),
		Agent:   o.Agent, Version: o.Version, Model: o.Model, Cwd: o.Cwd, Branch: o.Branch, Machine: o.Machine,
		ExternalID: o.ExternalID, ParentExternalID: o.ParentExternalID, Owner: o.Owner, Steer: o.Steer, Lease: o.Lease,
	}
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
	key.Scope = record.StartScope
	err = l.committer.do(ctx, 0, func(tx *record.Txn) error {
		first, err := key.firstAnswer(tx, task, SessionID{})
		if err == nil {
			info, replayed = *first.Info, true
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
		info, replayed = s.Info(), false
		key.keep(tx, t, SessionID{}, record.Request{Session: s.ID, Info: &info})
		return nil
	})
	return info, replayed, err
}
