package eventlog

import (
	"bytes"
	"sync"
)

// decoded is the record of one session of a task as it was decoded last: a replay
// needs the same one for each of its pages. The zero value is ready.
type decoded struct {
	mu  sync.Mutex
	raw []byte // nil: none
	s   *sessionRecord
}

// session is readSession, without decoding what was decoded before.
func (d *decoded) session(r Reader, task string, id SessionID) (*sessionRecord, error) {
	raw := r.Get(bucketSessions, sessionKey(task, id))
	if raw == nil {
		return nil, ErrSessionNotFound
	}
	s, err := d.record(task, id, raw)
	if err != nil || s.Status != StatusOpen {
		return s, err
	}
	open := *s
	open.sessionState, err = readSessionState(r, task, id)
	return &open, err
}

// record is decodeSession. What it returns is shared: nobody changes it.
func (d *decoded) record(task string, id SessionID, raw []byte) (*sessionRecord, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.raw != nil && d.s.id == id && bytes.Equal(raw, d.raw) {
		return d.s, nil
	}
	s, err := decodeSession(task, sessionKey(task, id), raw)
	if err == nil {
		d.raw, d.s = bytes.Clone(raw), s
	}
	return s, err
}
