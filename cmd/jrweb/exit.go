package main

import (
	"errors"
	"fmt"

	"jrweb/eventlog"
)

// The exit codes.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitHeld    = 3 // the database is held by another process
	exitDamaged = 4 // the database is damaged, or newer than we are, and was left untouched
	exitStorage = 5 // storage failed while running
)

// exitCode says how the program ends after err. began tells whether the action
// of a command had begun: until then nothing has been done, and what is wrong is
// the command line or the environment.
func exitCode(err error, began bool) int {
	_, usage := errors.AsType[usageError](err)
	if child, ok := errors.AsType[childExit](err); ok {
		return child.code
	}
	if silent, ok := errors.AsType[silentExit](err); ok {
		return silent.code
	}
	_, search := errors.AsType[failedSearch](err)
	switch {
	case err == nil:
		return exitDone
	case usage, search, !began: // a search that failed ends as that of grep
		return exitUsage
	case errors.Is(err, eventlog.ErrHeld):
		return exitHeld
	case errors.Is(err, eventlog.ErrFailed):
		return exitStorage
	case errors.Is(err, eventlog.ErrDamaged), errors.Is(err, eventlog.ErrFormat):
		return exitDamaged
	}
	return exitFailed
}

// usageError is something on the command line, or in the environment, that was
// not understood.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
