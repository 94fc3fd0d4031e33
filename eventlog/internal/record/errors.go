package record

import (
	"errors"

	"jrweb/eventlog/event"
)

// Errors of a change that the records do not allow.
var (
	// ErrAnswered: the question has an answer. The first one counts.
	ErrAnswered = errors.New("the question is answered")
	// ErrTooManyOpen: a task has as many open sessions as it may have.
	ErrTooManyOpen = errors.New("too many open sessions")
)

// UnlessGone takes from err that what was looked for has been deleted.
func UnlessGone(err error) error {
	if errors.Is(err, event.ErrTaskNotFound) || errors.Is(err, event.ErrSessionNotFound) {
		return nil
	}
	return err
}
