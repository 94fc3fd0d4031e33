package record

import (
	"time"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// Session is a session on disk. While it is open, its state is in a record of its own: see
// [State].
type Session struct {
	Status           event.Status  `json:"status"`
	Reason           string        `json:"reason,omitempty"`
	Agent            string        `json:"agent,omitempty"`
	Version          string        `json:"version,omitempty"`
	Model            string        `json:"model,omitempty"`
	Cwd              string        `json:"cwd,omitempty"`
	Branch           string        `json:"branch,omitempty"`
	Machine          string        `json:"machine,omitempty"`
	ExternalID       string        `json:"external_id,omitempty"`
	ParentExternalID string        `json:"parent_external_id,omitempty"`
	Owner            string        `json:"owner,omitempty"`
	Steer            bool          `json:"steer,omitempty"`
	Lease            time.Duration `json:"lease,omitempty"`
	Beats            uint64        `json:"beats,omitempty"` // heartbeats, which were counted once; a record keeps them
	Started          event.Time    `json:"started"`
	Ended            event.Time    `json:"ended"`           // as the complete event says
	Sealed           event.Time    `json:"sealed,omitzero"` // when the seal was committed
	First            uint64        `json:"first"`
	// For the order of all events of the task, see [Session.Start]. Sessions that an
	// earlier format wrote have none of these.
	Born    uint64            `json:"born,omitempty"`    // the change that started it
	Beside  []event.SessionID `json:"beside,omitempty"`  // the older sessions that were open then
	Trimmed uint64            `json:"trimmed,omitempty"` // the change of the last event before First
	State

	ID   event.SessionID `json:"-"`
	Task string          `json:"-"`

	// Within a transaction:
	Brief   bool `json:"-"` // only id, task, status open and the state are known
	dirty   bool // the record must be written
	listed  bool // it is in the touch of its task
	closed  bool // it was open before, and no longer is
	Counted bool `json:"-"` // its cost so far is known; of a sealed session it always is
	spends  bool // its cost must be written, if it is still open then
}

// Info returns the public view of the session.
func (s *Session) Info() event.SessionInfo {
	return event.SessionInfo{
		ID: s.ID, Task: s.Task, Status: s.Status, Reason: s.Reason, Agent: s.Agent, Version: s.Version, Model: s.Model,
		Cwd: s.Cwd, Branch: s.Branch, Machine: s.Machine,
		ExternalID: s.ExternalID, ParentExternalID: s.ParentExternalID, Owner: s.Owner, Steer: s.Steer, Started: s.Started, Ended: s.Ended, Head: s.Head,
		Totals: s.Totals.Public(), First: s.First, Lease: s.Lease, Unpriced: s.Models.unpriced(),
	}
}

// Encode makes the record. It leaves out the state of an open session.
func (s *Session) Encode(key []byte) []byte {
	stored := *s
	if stored.Status == event.StatusOpen {
		stored.State = State{}
	}
	return EncodeJSON(store.Sessions, key, &stored)
}

// ReadSession reads a session with its state if it is open, but then without its cost so
// far.
func ReadSession(r store.Reader, task string, id event.SessionID) (*Session, error) {
	key := SessionKey(task, id)
	raw := r.Get(store.Sessions, key)
	if raw == nil {
		return nil, event.ErrSessionNotFound
	}
	s, err := DecodeSession(task, key, raw)
	if err == nil && s.Status == event.StatusOpen {
		s.State, err = ReadSessionState(r, task, id)
	}
	return s, err
}

// ReadWhole reads a session with everything that is known of it.
func ReadWhole(r store.Reader, task string, id event.SessionID) (*Session, error) {
	key := SessionKey(task, id)
	raw := r.Get(store.Sessions, key)
	if raw == nil {
		return nil, event.ErrSessionNotFound
	}
	return WholeSession(r, task, key, raw)
}

// WholeSession is ReadWhole for callers that have the record already.
func WholeSession(r store.Reader, task string, key, raw []byte) (*Session, error) {
	s, err := DecodeSession(task, key, raw)
	if err != nil || s.Status != event.StatusOpen {
		return s, err
	}
	if s.State, err = ReadSessionState(r, task, s.ID); err != nil {
		return nil, err
	}
	s.Counted = true
	return s, ReadSpending(r, s.ID, &s.State)
}

// DecodeSession decodes only the record of a session: without the state of an open one.
func DecodeSession(task string, key, raw []byte) (*Session, error) {
	record := &Session{Task: task, ID: event.SessionID(key[len(key)-len(event.SessionID{}):])}
	return record, DecodeJSON(store.Sessions, key, raw, record)
}

// Kept is how many events of a session are still kept.
func (s *Session) Kept() uint64 { return s.Head + 1 - s.First }
