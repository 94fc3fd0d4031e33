package eventlog

import (
	"encoding/json"
	"time"

	"jrweb/eventlog/internal/record"
)

// batch is a [Batch] that can be handed on.
type batch struct {
	*Batch
	prepared []record.Prepared // nil: it was handed on
}

type batchJSON struct {
	Task    string      `json:"task"`
	Session SessionID   `json:"session"`
	NoStart bool        `json:"no_start,omitempty"`
	Owner   string      `json:"owner,omitempty"`
	Version string      `json:"if_version,omitempty"`
	Events  []eventJSON `json:"events"`
	Key     *keyJSON    `json:"key,omitempty"`
}

type eventJSON struct {
	Type  string          `json:"type"`
	Actor Actor           `json:"actor"`
	Time  time.Time       `json:"time,omitzero"`
	Data  json.RawMessage `json:"data"`
}

type keyJSON struct {
	ID     string `json:"id"`
	Scope  string `json:"scope,omitempty"`
	Digest []byte `json:"digest"`
}

// MarshalJSON implements [json.Marshaler].
func (b *batch) MarshalJSON() ([]byte, error) {
	to := &batchJSON{Task: b.Task, Session: b.Session, NoStart: b.NoStart, Owner: b.Owner, Version: b.IfVersion, Events: make([]eventJSON, len(b.prepared))}
	for i := range b.prepared {
		e := &b.prepared[i]
		to.Events[i] = eventJSON{e.Type, e.Actor, e.Time, e.Data}
	}
	if b.Key.ID != "" {
		to.Key = &keyJSON{b.Key.ID, b.Key.Scope, b.Key.Digest[:]}
	}
	return encodeHanded("", to)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (b *batch) UnmarshalJSON(data []byte) error {
	var from batchJSON
	if err := decodeHanded(data, &from); err != nil {
		return err
	}
	b.Batch = &Batch{Task: from.Task, Session: from.Session, NoStart: from.NoStart, Owner: from.Owner, IfVersion: from.Version, Events: make([]Event, len(from.Events))}
	for i, e := range from.Events {
		b.Events[i] = Event{Type: e.Type, Actor: e.Actor, Time: e.Time, Data: e.Data}
	}
	if from.Key != nil {
		b.Key = Key{ID: from.Key.ID, Scope: from.Key.Scope}
		copy(b.Key.Digest[:], from.Key.Digest)
	}
	return nil
}

// appended is an [Appended] whose JSON includes the fields that clients do not see.
type appended Appended

type appendedJSON struct {
	Session  SessionID     `json:"session"`
	First    uint64        `json:"first"`
	Last     uint64        `json:"last"`
	Sealed   *wholeSession `json:"sealed,omitempty"`
	Replayed bool          `json:"replayed,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (a *appended) MarshalJSON() ([]byte, error) {
	return encodeHanded("", &appendedJSON{a.Session, a.First, a.Last, (*wholeSession)(a.Sealed), a.Replayed})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (a *appended) UnmarshalJSON(data []byte) error {
	var from appendedJSON
	err := decodeHanded(data, &from)
	*a = appended{from.Session, from.First, from.Last, (*SessionInfo)(from.Sealed), from.Replayed}
	return err
}

// startOf is a start.
type startOf struct {
	Task    string
	Options StartOptions
}

type started struct {
	Info     wholeSession
	Replayed bool
}

type taskPut struct {
	Task   string
	Change TaskChange
}

type taskWasPut struct {
	Task    wholeTask
	Created bool
}

type sessionOf struct {
	Task    string
	Session SessionID
}

type trim struct {
	sessionOf
	Through uint64
}

// wholeSession is a session whose JSON includes the fields that clients do not see.
type wholeSession SessionInfo

type sessionJSON struct {
	SessionInfo
	First    uint64        `json:"kept_from"`
	Lease    time.Duration `json:"lease,omitempty"`
	Unpriced []ModelTokens `json:"unpriced,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (s *wholeSession) MarshalJSON() ([]byte, error) {
	return encodeHanded("", &sessionJSON{SessionInfo(*s), s.First, s.Lease, s.Unpriced})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *wholeSession) UnmarshalJSON(data []byte) error {
	var from sessionJSON
	err := decodeHanded(data, &from)
	*s = wholeSession(from.SessionInfo)
	s.First, s.Lease, s.Unpriced = from.First, from.Lease, from.Unpriced
	return err
}

// wholeTask is a task whose JSON includes the fields that clients do not see.
type wholeTask Task

type taskJSON struct {
	Task
	Change   uint64        `json:"change"`
	Latest   SessionID     `json:"latest"`
	Unpriced []ModelTokens `json:"unpriced,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (t *wholeTask) MarshalJSON() ([]byte, error) {
	return encodeHanded("", &taskJSON{Task(*t), t.Change, t.Latest, t.Unpriced})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *wholeTask) UnmarshalJSON(data []byte) error {
	var from taskJSON
	err := decodeHanded(data, &from)
	*t = wholeTask(from.Task)
	t.Change, t.Latest, t.Unpriced = from.Change, from.Latest, from.Unpriced
	return err
}
