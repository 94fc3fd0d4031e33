package eventlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// Key makes a repeated request harmless: within its scope, the second request
// with the same ID gets the answer of the first and changes nothing, also when
// both are under way together, and also after a restart. Keys are kept for as
// long as the session of their answer (those of starts: as long as the task).
// The zero Key means none.
type Key struct {
	// ID is chosen by the caller: 1 to 128 visible ASCII characters.
	ID string
	// Scope keeps keys of different kinds of requests apart, such as the
	// appends and the completion of one session. Empty, or like ID.
	Scope string
	// Digest is a SHA-256 of the request. A repeat with another digest is
	// refused with [ErrKeyReused]. An unset digest is one as any other.
	Digest [sha256.Size]byte
}

// ValidKeyID reports whether id may be the ID of a [Key].
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

// keyRecord is the first answer to a request with a key, on disk. It is written
// in the transaction of the request. Its key is |task| 00 |born| 00 |scope| 00
// |id|, or |task| 00 |born| s |session| 00 |scope| 00 |id| if the request named
// a session. born tells lives of a task apart: a task that is made again under
// the name of a deleted one does not inherit its keys. A request that named no
// session, and got one, is mentioned there, under |task| 00 |born| s |session| 01
// |scope| 00 |id| with an empty payload, so that its key goes when the session does.
type keyRecord struct {
	Digest  []byte       `json:"digest"`
	Time    Time         `json:"time"`
	Session SessionID    `json:"session"`
	First   uint64       `json:"first,omitempty"`
	Last    uint64       `json:"last,omitempty"`
	Info    *SessionInfo `json:"info,omitempty"`
}

// startScope is the scope of the keys of starts. No caller can name it.
const startScope = "\x01start"

// keysOfTask is what the keys of all requests to a task start with.
func keysOfTask(t *taskRecord) []byte {
	return binary.BigEndian.AppendUint64(taskPrefix(t.id), t.Born)
}

// keysOfSession is what the keys of all requests that name the session start with.
func keysOfSession(t *taskRecord, session SessionID) []byte {
	return append(append(keysOfTask(t), 's'), session[:]...)
}

// keyOwner is what an idempotency key belongs to.
type keyOwner struct {
	task    string
	born    uint64
	session SessionID // zero: the task
	mention bool      // it stands there for a key of the task
}

// splitRecordKey is the inverse of requestKey, but for scope and id.
func splitRecordKey(key []byte) (owner keyOwner, ok bool) {
	task, rest, ok := bytes.Cut(key, []byte{0})
	if !ok || !ValidTaskID(string(task)) || len(rest) < 9 {
		return keyOwner{}, false
	}
	owner.task, owner.born, rest = string(task), parseNumber(rest[:8]), rest[8:]
	if rest[0] == 's' {
		if len(rest) < 1+len(SessionID{})+1 {
			return keyOwner{}, false
		}
		copy(owner.session[:], rest[1:])
		rest = rest[1+len(SessionID{}):]
		owner.mention = rest[0] == 1
	}
	_, id, ok := bytes.Cut(rest[1:], []byte{0})
	return owner, (rest[0] == 0 || owner.mention) && ok && ValidKeyID(string(id))
}

// mentioned is the key of the record that a key of a session mentions, nil if it is
// a record itself.
func mentioned(key []byte) []byte {
	owner, ok := splitRecordKey(key)
	if !ok || !owner.mention {
		return nil
	}
	start := len(owner.task) + 1 + 8
	rest := key[start+1+len(SessionID{})+1:]
	return append(append(bytes.Clone(key[:start]), 0), rest...)
}

// requestKey is the key of the answer to a request to a task, or to a session of it.
func requestKey(t *taskRecord, session SessionID, scope, id string) []byte {
	key := keysOfTask(t)
	if !session.IsZero() {
		key = keysOfSession(t, session)
	}
	key = append(append(key, 0), scope...)
	return append(append(key, 0), id...)
}

func (k Key) recordKey(t *taskRecord, session SessionID) []byte {
	return requestKey(t, session, k.Scope, k.ID)
}

// mentionKey is where a session mentions the key of the answer to a request to its task.
func mentionKey(t *taskRecord, session SessionID, scope, id string) []byte {
	key := append(append(keysOfSession(t, session), 1), scope...)
	return append(append(key, 0), id...)
}

func (k Key) check() error {
	if k.ID != "" && !ValidKeyID(k.ID) || k.Scope != "" && !ValidKeyID(k.Scope) {
		return &FieldError{Index: -1, Field: "Idempotency-Key", Reason: "must have 1 to 128 visible ASCII characters"}
	}
	return nil
}

var errNoKey = errors.New("the key is new")

// firstAnswer returns the answer that was given to the first request with this
// key, or errNoKey.
func (k Key) firstAnswer(tx *txn, task string, session SessionID) (*keyRecord, error) {
	if k.ID == "" {
		return nil, errNoKey
	}
	t, err := tx.task(task)
	if err == nil && !session.IsZero() {
		_, err = tx.session(task, session)
	}
	if errors.Is(err, ErrTaskNotFound) || errors.Is(err, ErrSessionNotFound) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, err
	}
	at := k.recordKey(t, session)
	raw := tx.Get(bucketKeys, at)
	if raw == nil {
		return nil, errNoKey
	}
	first := &keyRecord{}
	if err := decodeJSON(bucketKeys, at, raw, first); err != nil {
		return nil, err
	}
	if !bytes.Equal(first.Digest, k.Digest[:]) {
		return nil, ErrKeyReused
	}
	if k.Scope != startScope {
		// An answer is kept with its session.
		if _, err := tx.session(task, first.Session); errors.Is(err, ErrSessionNotFound) {
			return nil, errNoKey
		} else if err != nil {
			return nil, err
		}
	}
	return first, nil
}

// keep stores the answer to the first request with this key.
func (k Key) keep(tx *txn, t *taskRecord, session SessionID, answer keyRecord) {
	if k.ID == "" {
		return
	}
	answer.Digest = bytes.Clone(k.Digest[:]) // so that a key without an ID costs nothing
	answer.Time = Time{tx.now}
	at := k.recordKey(t, session)
	tx.Put(bucketKeys, at, encodeJSON(bucketKeys, at, answer))
	if session.IsZero() && k.Scope != startScope {
		at := mentionKey(t, answer.Session, k.Scope, k.ID)
		tx.Put(bucketKeys, at, encodeRecord(bucketKeys, at, nil))
	}
}
