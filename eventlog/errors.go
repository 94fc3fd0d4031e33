package eventlog

import (
	"errors"
	"fmt"
)

// Errors of what was asked for.
var (
	// ErrTaskNotFound: no such task.
	ErrTaskNotFound = errors.New("no such task")
	// ErrSessionNotFound: no such session, or not of that task, or deleted.
	ErrSessionNotFound = errors.New("no such session")
	// ErrMalformed: the text is not an id or cursor.
	ErrMalformed = errors.New("malformed")
	// ErrTooLarge: an append beyond the limits of [Options].
	ErrTooLarge = errors.New("too large")
)

// Errors of a change that the records do not allow.
var (
	// ErrAnswered: the question has an answer. The first one counts.
	ErrAnswered = errors.New("the question is answered")
	// ErrTooManyOpen: a task has as many open sessions as it may have.
	ErrTooManyOpen = errors.New("too many open sessions")
)

// Errors of a request: the log is well, the request cannot be done.
var (
	// ErrSealed: the session has ended; nothing can be appended to it.
	ErrSealed = errors.New("session is sealed")
	// ErrKeyReused: the idempotency key was used before, with another body.
	ErrKeyReused = errors.New("idempotency key was used before with another body")
	// ErrBehind: too much has happened since the change that was asked for.
	ErrBehind = errors.New("too far behind")
	// ErrRefused is for middleware to wrap: the append is not wanted, for a reason
	// that its caller may hear.
	ErrRefused = errors.New("refused")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("log is closed")
)

// Errors of a store.
var (
	// ErrFull: there is no room for what would be added, on the disk or below the
	// limit of the store. Nothing has changed. Reading, deleting and ending sessions
	// go on, and appends work again as soon as there is room.
	ErrFull = errors.New("no room left")
	// ErrNotCommitted: a commit failed before it could take effect. Nothing has
	// changed, and the store is as good as before.
	ErrNotCommitted = errors.New("commit failed and changed nothing")
	// ErrFailed: a commit failed, and what is on the disk is not known. Nothing
	// more is acknowledged or shown until the store is opened anew.
	ErrFailed = errors.New("storage failed")
	// ErrHeld: another process holds the database file.
	ErrHeld = errors.New("the database is held by another process")
	// ErrDamaged: what was read is not what was written. See [DamageError].
	ErrDamaged = errors.New("the database is damaged")
	// ErrFormat: the file was written by another version. The error says what to do.
	ErrFormat = errors.New("the database has another format")
)

// FieldError says which part of an append is wrong, and why. Its text is for
// the person who wrote the client.
type FieldError struct {
	// Index is the position of the event in the append, from 0, or -1 when the
	// field is not of an event.
	Index int
	// Field is the path of the field in the event, such as "data.tool".
	Field string
	// Reason says what is expected.
	Reason string
	// Err is ErrTooLarge, or nil.
	Err error
}

func (e *FieldError) Error() string {
	if e.Index < 0 {
		return fmt.Sprintf("%s: %s", e.Field, e.Reason)
	}
	return fmt.Sprintf("event %d: %s: %s", e.Index, e.Field, e.Reason)
}

func (e *FieldError) Unwrap() error { return e.Err }

// DamageError says where the store holds something that was never written
// there. It wraps [ErrDamaged].
type DamageError struct {
	// Bucket and Key say where.
	Bucket Bucket
	Key    []byte
	// Reason says what does not fit.
	Reason string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%v: %s %x: %s", ErrDamaged, e.Bucket, e.Key, e.Reason)
}

func (e *DamageError) Unwrap() error { return ErrDamaged }
