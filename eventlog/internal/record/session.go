package record

import (
	"time"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// Session is a session on disk. While it is open its state stands elsewhere.
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
	Beats            uint64        `json:"beats,omitempty"` // heartbeats, counted in shared stores only
	Started          event.Time    `json:"started"`
	Ended            event.Time    `json:"ended"`           // as the complete event says
	Sealed           event.Time    `json:"sealed,omitzero"` // when that was committed
	First            uint64        `json:"first"`
	State

	ID   event.SessionID `json:"-"`
	Task string          `json:"-"`

	// Within a transaction:
	Brief   bool `json:"-"` // only id, task, that it is open, and its state are known
	dirty   bool // the record is to be written
	listed  bool // it stands in its task's touch
	closed  bool // it was open before, and is not any more
	Counted bool `json:"-"` // what it has cost so far is known; of one that is sealed it always is
	spends  bool // what it has cost is to be written, if it is open then
}

// Info returns what the session says to the world.
func (s *Session) Info() event.SessionInfo {
	return event.SessionInfo{
		ID: s.ID, Task: s.Task, Status: s.Status, Reason: s.Reason, Agent: s.Agent, Version: s.Version, Model: s.Model,
		Cwd: s.Cwd, Branch: s.Branch, Machine: s.Machine,
		ExternalID: s.ExternalID, ParentExternalID: s.ParentExternalID, Owner: s.Owner, Steer: s.Steer, Started: s.Started, Ended: s.Ended, Head: s.Head,
		Totals: s.Totals.Public(), First: s.First, Lease: s.Lease, Unpriced: s.Models.unpriced(),
	}
}

// Encode writes the record. What an open session's state says is not in it.
func (s *Session) Encode(key []byte) []byte {
	stored := *s
	if stored.Status == event.StatusOpen {
		stored.State = State{}
	}
	return EncodeJSON(store.Sessions, key, &stored)
}

// ReadSession reads a session, with its state if it is open, but without what it
// has cost so far then.
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

// ReadWhole reads a session with all that is known of it.
func ReadWhole(r store.Reader, task string, id event.SessionID) (*Session, error) {
	key := SessionKey(task, id)
	raw := r.Get(store.Sessions, key)
	if raw == nil {
		return nil, event.ErrSessionNotFound
	}
	return WholeSession(r, task, key, raw)
}

// WholeSession is ReadWhole for those who have the record.
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

// DecodeSession decodes the record of a session as it stands: without the state
// of one that is open.
func DecodeSession(task string, key, raw []byte) (*Session, error) {
	record := &Session{Task: task, ID: event.SessionID(key[len(key)-len(event.SessionID{}):])}
	return record, DecodeJSON(store.Sessions, key, raw, record)
}

// Kept is how many events of a session are kept.
func (s *Session) Kept() uint64 { return s.Head + 1 - s.First }
