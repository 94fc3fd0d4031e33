package record

import (
	"cmp"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// Task is a task on disk.
type Task struct {
	Title       string            `json:"title,omitempty"`       // a person's
	AgentTitle  string            `json:"agent_title,omitempty"` // its agent's
	Prompt      string            `json:"prompt,omitempty"`      // a person's first words
	Type        string            `json:"type,omitempty"`
	Parent      string            `json:"parent,omitempty"`
	Description string            `json:"description,omitempty"`
	Project     string            `json:"project,omitempty"`
	Pinned      bool              `json:"pinned,omitempty"` // retention leaves it alone
	Status      event.Status      `json:"status"`
	Created     event.Time        `json:"created"`
	Updated     event.Time        `json:"updated"`
	Sessions    int               `json:"sessions"`
	Latest      event.SessionID   `json:"latest"`
	Open        []event.SessionID `json:"open,omitempty"`
	Totals      Totals            `json:"totals"` // of the sealed sessions, as is
	Unpriced    Unpriced          `json:"unpriced,omitempty"`
	Born        uint64            `json:"born"`              // the change that made the task
	Carried     []event.SessionID `json:"carried,omitempty"` // sessions that were open when an earlier format was upgraded
	Change      uint64            `json:"change"`

	ID     string   `json:"-"`
	Newest *Session `json:"-"` // nil: there is none, or it was not read
	tidied bool     // see Txn.Tidy
	lost   bool     // see Txn.TaskToDelete
}

// Info returns the public view of the task.
func (t *Task) Info() event.Task {
	info := event.Task{
		ID: t.ID, Title: cmp.Or(t.Title, t.AgentTitle, t.Prompt), Type: t.Type, Parent: t.Parent, Description: t.Description,
		Project: t.Project, Pinned: t.Pinned, Status: t.Status, Created: t.Created, Updated: t.Updated, Sessions: t.Sessions,
		Totals: t.Totals.Public(), Change: t.Change, Latest: t.Latest,
		Unpriced: t.Unpriced.Public(),
	}
	if s := t.Newest; s != nil {
		info.Agent, info.Model, info.Owner = s.Agent, s.Model, s.Owner
	}
	return info
}

// StoredTask reads only the record of a task: without what its open sessions add.
func StoredTask(r store.Reader, id string) (*Task, error) {
	raw := r.Get(store.Tasks, []byte(id))
	if raw == nil {
		return nil, event.ErrTaskNotFound
	}
	record := &Task{ID: id}
	return record, DecodeJSON(store.Tasks, []byte(id), raw, record)
}

// ReadTask reads a task with what its open sessions add, for callers that do not change it.
func ReadTask(r store.Reader, id string) (*Task, error) {
	t, err := StoredTask(r, id)
	if err != nil {
		return nil, err
	}
	for _, open := range t.Open {
		s, err := ReadSessionState(r, id, open)
		if err == nil {
			err = ReadSpending(r, open, &s)
		}
		if err != nil {
			return nil, err
		}
		t.include(&s)
	}
	return t, nil
}

// ReadLatest reads the task's latest session, without its cost.
func (t *Task) ReadLatest(r store.Reader) error {
	if t.Latest.IsZero() {
		return nil
	}
	key := SessionKey(t.ID, t.Latest)
	raw := r.Get(store.Sessions, key)
	if raw == nil {
		return &store.DamageError{Bucket: store.Tasks, Key: []byte(t.ID), Reason: "its latest session does not exist"}
	}
	s, err := DecodeSession(t.ID, key, raw)
	if err == nil {
		t.Newest = s
	}
	return err
}

// include adds the state of an open session of the task.
func (t *Task) include(s *State) {
	t.Totals.Add(s.Totals)
	t.Unpriced.Add(s.Models)
	if s.Change > t.Change {
		t.Change, t.Updated = s.Change, s.Updated
	}
}
