package eventlog

import (
	"context"
	"slices"
)

// Batch is one append: events that are committed together or not at all.
type Batch struct {
	// Task is the task of the session.
	Task string
	// Session is the session to append to. If it is zero, the append goes to the task's
	// latest session if that is open, else to a new session, which starts in the same
	// commit. A task that does not exist is created in that commit too. Concurrent first
	// appends share one session.
	Session SessionID
	// NoStart makes an append without a Session fail with [ErrSealed] where it would start
	// one.
	NoStart bool
	// Owner is the owner of a session that the append starts.
	Owner string
	// Events are committed in this order. An event of type complete ends the session and
	// must be the last.
	Events []Event
	// IfVersion is the version of the agent that the open session must have when this is
	// committed, or else the append fails with [ErrOtherVersion]. "": any. An append that
	// starts a session fails for no version.
	IfVersion string
	// Key makes a repeat of the append harmless.
	Key Key
}

// Appended is the answer to an append.
type Appended struct {
	Session SessionID `json:"session"`
	// First and Last are the sequences of the events.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// Sealed is the session after the append, if the append ended it, else nil.
	Sealed *SessionInfo `json:"-"`
	// Replayed says that this is the answer to an earlier append with the same [Key]. This
	// one appended nothing.
	Replayed bool `json:"-"`
}

// AppendFunc appends a batch. It owns b.Events until it returns.
type AppendFunc func(ctx context.Context, b *Batch) (Appended, error)

// Middleware wraps appends: it can change, refuse or count a batch before it calls next,
// and it sees the answer. Events that it adds or changes are checked like all others. It
// must not change the memory of Event.Data, which belongs to the caller; it replaces the
// slice.
type Middleware func(next AppendFunc) AppendFunc

// chain makes m1(m2(f)) of [m1, m2] and f.
func chain(middleware []Middleware, f AppendFunc) AppendFunc {
	for _, m := range slices.Backward(middleware) {
		f = m(f)
	}
	return f
}
