package eventlog

import (
	"errors"

	"jrweb/eventlog/event"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Errors of a request: the log works, but cannot do what was requested.
var (
	// ErrTaskNotFound: no such task.
	ErrTaskNotFound = event.ErrTaskNotFound
	// ErrSessionNotFound: the task has no such session, or it was deleted.
	ErrSessionNotFound = event.ErrSessionNotFound
	// ErrMalformed: the text is not an id or cursor.
	ErrMalformed = event.ErrMalformed
	// ErrTooLarge: the append exceeds a limit of [Options].
	ErrTooLarge = event.ErrTooLarge
	// ErrAnswered: the question has an answer already. The first one counts.
	ErrAnswered = record.ErrAnswered
	// ErrTooManyOpen: the task already has the maximum number of open sessions.
	ErrTooManyOpen = record.ErrTooManyOpen
	// ErrSealed: the session has ended; nothing can be appended to it.
	ErrSealed = errors.New("session is sealed")
	// ErrOtherVersion: the session does not have the version that the append asks for.
	ErrOtherVersion = errors.New("the session has another version")
	// ErrKeyReused: the idempotency key was used before with another body.
	ErrKeyReused = errors.New("idempotency key was used before with another body")
	// ErrBehind: too much has happened since the requested change.
	ErrBehind = errors.New("too far behind")
	// ErrRefused is for middleware: an append that it refuses fails with an error that
	// wraps ErrRefused. The client may see the text of that error.
	ErrRefused = errors.New("refused")
)

// ErrClosed says that the log was closed.
var ErrClosed = errors.New("log is closed")

// Errors of the store.
var (
	// ErrFull: there is no room for an append, on the disk or below [Options.MaxBytes].
	// Nothing has changed. Reading, deleting and ending sessions still work. Appends work
	// again as soon as there is room.
	ErrFull = store.ErrFull
	// ErrNotCommitted: a commit failed before it could take effect. Nothing has
	// changed, and the log goes on.
	ErrNotCommitted = store.ErrNotCommitted
	// ErrFailed: a commit failed, and what is on the disk is not known. Nothing more is
	// acknowledged or shown until the log is opened again.
	ErrFailed = store.ErrFailed
	// ErrUnsettled: whether a commit took effect is not known yet. The log goes on: if the
	// commit did, it shows later. The same request with its [Key] settles it.
	ErrUnsettled = store.ErrUnsettled
	// ErrHeld: another process holds the database file.
	ErrHeld = store.ErrHeld
	// ErrDamaged: the store read something else than was written. See [DamageError].
	ErrDamaged = store.ErrDamaged
	// ErrFormat: the file was written by another version. The error says what to do.
	ErrFormat = store.ErrFormat
)
