package eventlog

import (
	"bytes"
	"crypto/sha256"
	"errors"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Key makes a repeated request harmless. Within its scope, the second request with the same
// ID gets the answer of the first and changes nothing, also when both run at the same time,
// and also after a restart. A key is kept as long as the session of its answer (for a
// start: as long as the task). The zero Key means none.
type Key struct {
	// ID is chosen by the caller: 1 to 128 visible ASCII characters.
	ID string
	// Scope separates keys of different kinds of requests, such as the appends and the
	// completion of one session. It is empty, or follows the rules of ID.
	Scope string
	// Digest is a SHA-256 of the request. A repeat with another digest is refused with
	// [ErrKeyReused]. A zero digest is compared like any other.
	Digest [sha256.Size]byte
}

func (k Key) recordKey(t *record.Task, session SessionID) []byte {
	return record.RequestKey(t, session, k.Scope, k.ID)
}

func (k Key) check() error {
	if k.ID != "" && !ValidKeyID(k.ID) || k.Scope != "" && !ValidKeyID(k.Scope) {
		return &FieldError{Index: -1, Field: "Idempotency-Key", Reason: "must have 1 to 128 visible ASCII characters"}
	}
	return nil
}

var errNoKey = errors.New("the key is new")

// firstAnswer returns the answer to the first request with this key, or errNoKey.
func (k Key) firstAnswer(tx *record.Txn, task string, session SessionID) (*record.Request, error) {
	if k.ID == "" {
		return nil, errNoKey
	}
	t, err := tx.Task(task)
	if err == nil && !session.IsZero() {
		_, err = tx.Session(task, session)
	}
	if errors.Is(err, ErrTaskNotFound) || errors.Is(err, ErrSessionNotFound) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, err
	}
	at := k.recordKey(t, session)
	raw := tx.Get(store.Keys, at)
	if raw == nil {
		return nil, errNoKey
	}
	first := &record.Request{}
	if err := record.DecodeJSON(store.Keys, at, raw, first); err != nil {
		return nil, err
	}
	if !bytes.Equal(first.Digest, k.Digest[:]) {
		return nil, ErrKeyReused
	}
	if k.Scope != record.StartScope {
		// An answer is deleted with its session.
		if _, err := tx.Session(task, first.Session); errors.Is(err, ErrSessionNotFound) {
			return nil, errNoKey
		} else if err != nil {
			return nil, err
		}
	}
	return first, nil
}

// keep stores the answer to the first request with this key.
func (k Key) keep(tx *record.Txn, t *record.Task, session SessionID, answer record.Request) {
	if k.ID == "" {
		return
	}
	answer.Digest = bytes.Clone(k.Digest[:]) // a copy here, so that a key without an ID costs no allocation
	answer.Time = Time{Time: tx.Now}
	at := k.recordKey(t, session)
	tx.Put(store.Keys, at, record.EncodeJSON(store.Keys, at, answer))
	if session.IsZero() && k.Scope != record.StartScope {
		at := record.MentionKey(t, answer.Session, k.Scope, k.ID)
		tx.Put(store.Keys, at, record.Encode(store.Keys, at, nil))
	}
}
