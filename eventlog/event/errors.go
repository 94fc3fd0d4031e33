package event

import (
	"errors"
	"fmt"
)

// Errors of a request.
var (
	// ErrTaskNotFound: no such task.
	ErrTaskNotFound = errors.New("no such task")
	// ErrSessionNotFound: the task has no such session, or it was deleted.
	ErrSessionNotFound = errors.New("no such session")
	// ErrMalformed: the text is not an id or cursor.
	ErrMalformed = errors.New("malformed")
	// ErrTooLarge: the append exceeds a limit of the log.
	ErrTooLarge = errors.New("too large")
)

// FieldError says which part of an append is wrong, and why. Its text is for the person who
// wrote the client.
type FieldError struct {
	// Index is the position of the event in the append, from 0. It is -1 when the field is
	// not part of an event.
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
