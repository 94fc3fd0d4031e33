package eventlog

import (
	"bytes"
	"sync"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// decoded caches the last decoded record of a task's sessions: a replay needs the same
// record for each of its pages. The zero value is ready.
type decoded struct {
	mu  sync.Mutex
	raw []byte // nil: nothing cached
	s   *record.Session
}

// session is record.ReadSession, but decodes the record only if it is not cached.
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

// record is record.DecodeSession with the cache. Callers share the result and must not
// change it.
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
