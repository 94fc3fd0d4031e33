package eventlog

import (
	"bytes"
	"sync"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// decoded is the record of one session of a task as it was decoded last: a replay
// needs the same one for each of its pages. The zero value is ready.
type decoded struct {
	mu  sync.Mutex
	raw []byte // nil: none
	s   *record.Session
}

// session is record.ReadSession, without decoding what was decoded before.
func (d *decoded) session(r store.Reader, task string, id SessionID) (*record.Session, error) {
	raw := r.Get(store.Sessions, record.SessionKey(task, id))
	if raw == nil {
		return nil, ErrSessionNotFound
	}
	s, err := d.record(task, id, raw)
	if err != nil || s.Status != StatusOpen {
		return s, err
	}
	open := *s
	open.State, err = record.ReadSessionState(r, task, id)
	return &open, err
}

// record is record.DecodeSession. What it returns is shared: nobody changes it.
func (d *decoded) record(task string, id SessionID, raw []byte) (*record.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.raw != nil && d.s.ID == id && bytes.Equal(raw, d.raw) {
		return d.s, nil
	}
	s, err := record.DecodeSession(task, record.SessionKey(task, id), raw)
	if err == nil {
		d.raw, d.s = bytes.Clone(raw), s
	}
	return s, err
}
