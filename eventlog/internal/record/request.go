package record

import (
	"bytes"
	"encoding/binary"

	"jrweb/eventlog/event"
)

// ValidKeyID reports whether id may be the ID of an idempotency key.
func ValidKeyID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}

// Request is the first answer to a request with an idempotency key, on disk. It is written
// in the transaction of the request. Its key is |task| 00 |born| 00 |scope| 00 |id|, or
// |task| 00 |born| s |session| 00 |scope| 00 |id| if the request named a session. born is
// the change that made the task: a task that is made again under the name of a deleted one
// does not inherit its keys. A request that named no session but got one has a second
// record, the mention: |task| 00 |born| s |session| 01 |scope| 00 |id|, with an empty
// payload. Through it, the key is deleted with the session.
type Request struct {
	Digest  []byte             `json:"digest"`
	Time    event.Time         `json:"time"`
	Session event.SessionID    `json:"session"`
	First   uint64             `json:"first,omitempty"`
	Last    uint64             `json:"last,omitempty"`
	Info    *event.SessionInfo `json:"info,omitempty"`
}

// StartScope is the scope of the keys of starts. No caller can name it.
const StartScope = "\x01start"

// keysOfTask is the prefix of the keys of all requests to a task.
func keysOfTask(t *Task) []byte {
	return binary.BigEndian.AppendUint64(TaskPrefix(t.ID), t.Born)
}

// keysOfSession is the prefix of the keys of all requests that name the session.
func keysOfSession(t *Task, session event.SessionID) []byte {
	return append(append(keysOfTask(t), 's'), session[:]...)
}

// RequestOwner is the task or session that an idempotency key belongs to.
type RequestOwner struct {
	Task    string
	Born    uint64
	Session event.SessionID // zero: it belongs to the task
	Mention bool            // it is the mention of a key of the task
}

// SplitRequestKey returns the owner from a key that RequestKey or MentionKey made.
func SplitRequestKey(key []byte) (owner RequestOwner, ok bool) {
	task, rest, ok := bytes.Cut(key, []byte{0})
	if !ok || !event.ValidTaskID(string(task)) || len(rest) < 9 {
		return RequestOwner{}, false
	}
	owner.Task, owner.Born, rest = string(task), ParseNumber(rest[:8]), rest[8:]
	if rest[0] == 's' {
		if len(rest) < 1+len(event.SessionID{})+1 {
			return RequestOwner{}, false
		}
		copy(owner.Session[:], rest[1:])
		rest = rest[1+len(event.SessionID{}):]
		owner.Mention = rest[0] == 1
	}
	_, id, ok := bytes.Cut(rest[1:], []byte{0})
	return owner, (rest[0] == 0 || owner.Mention) && ok && ValidKeyID(string(id))
}

// mentioned returns the key of the record that a mention refers to, or nil if key is not a
// mention.
func mentioned(key []byte) []byte {
	owner, ok := SplitRequestKey(key)
	if !ok || !owner.Mention {
		return nil
	}
	start := len(owner.Task) + 1 + 8
	rest := key[start+1+len(event.SessionID{})+1:]
	return append(append(bytes.Clone(key[:start]), 0), rest...)
}

// RequestKey is the key of the answer to a request to a task, or to one of its sessions.
func RequestKey(t *Task, session event.SessionID, scope, id string) []byte {
	key := keysOfTask(t)
	if !session.IsZero() {
		key = keysOfSession(t, session)
	}
	key = append(append(key, 0), scope...)
	return append(append(key, 0), id...)
}

// MentionKey is the key of a session's mention of a request to its task.
func MentionKey(t *Task, session event.SessionID, scope, id string) []byte {
	key := append(append(keysOfSession(t, session), 1), scope...)
	return append(append(key, 0), id...)
}
