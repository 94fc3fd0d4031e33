package record

import (
	"errors"

	"jrweb/eventlog/event"
)

// Errors of changes that the records do not allow.
var (
	// ErrAnswered: the question has an answer already. The first one counts.
	ErrAnswered = errors.New("the question is answered")
	// ErrTooManyOpen: the task already has the maximum number of open sessions.
	ErrTooManyOpen = errors.New("too many open sessions")
)

// UnlessGone returns err, or nil if it says that the task or session was deleted.
func UnlessGone(err error) error {
	if errors.Is(err, event.ErrTaskNotFound) || errors.Is(err, event.ErrSessionNotFound) {
		return nil
	}
	return err
}
