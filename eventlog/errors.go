package eventlog

import (
	"errors"

	"jrweb/eventlog/event"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Errors of a request: the log is well, the request cannot be done.
var (
	// ErrTaskNotFound: no such task.
	ErrTaskNotFound = event.ErrTaskNotFound
	// ErrSessionNotFound: no such session, or not of that task, or deleted.
	ErrSessionNotFound = event.ErrSessionNotFound
	// ErrMalformed: the text is not an id or cursor.
	ErrMalformed = event.ErrMalformed
	// ErrTooLarge: an append beyond the limits of [Options].
	ErrTooLarge = event.ErrTooLarge
	// ErrAnswered: the question has an answer. The first one counts.
	ErrAnswered = record.ErrAnswered
	// ErrTooManyOpen: a task has as many open sessions as it may have.
	ErrTooManyOpen = record.ErrTooManyOpen
	// ErrSealed: the session has ended; nothing can be appended to it.
	ErrSealed = errors.New("session is sealed")
	// ErrKeyReused: the idempotency key was used before, with another body.
	ErrKeyReused = errors.New("idempotency key was used before with another body")
	// ErrBehind: too much has happened since the change that was asked for.
	ErrBehind = errors.New("too far behind")
	// ErrRefused is for middleware to wrap: the append is not wanted, for a reason
	// that its caller may hear.
	ErrRefused = errors.New("refused")
)

// ErrClosed says that the log was closed.
var ErrClosed = errors.New("log is closed")

// Errors of the store.
var (
	// ErrFull: there is no room for what would be added, on the disk or below
	// [Options.MaxBytes]. Nothing has changed. Reading, deleting and ending
	// sessions go on, and appends work again as soon as there is room.
	ErrFull = store.ErrFull
	// ErrNotCommitted: a commit failed before it could take effect. Nothing has
	// changed, and the log goes on.
	ErrNotCommitted = store.ErrNotCommitted
	// ErrFailed: a commit failed, and what is on the disk is not known. Nothing
	// more is acknowledged or shown until the log is opened anew.
	ErrFailed = store.ErrFailed
	// ErrHeld: another process holds the database file.
	ErrHeld = store.ErrHeld
	// ErrDamaged: what was read is not what was written. See [DamageError].
	ErrDamaged = store.ErrDamaged
	// ErrFormat: the file was written by another version. The error says what to do.
	ErrFormat = store.ErrFormat
)
