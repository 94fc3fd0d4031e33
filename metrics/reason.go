package metrics

import (
	"context"
	"errors"

	"jrweb/eventlog"
)

// appendErrors maps errors of an append to reasons. The first match counts: a failure of
// the log comes before the errors that it may wrap, and "too large" before "invalid".
var appendErrors = []struct {
	reason string
	errs   []error
}{
	{"failed", []error{eventlog.ErrFailed}},
	{"closed", []error{eventlog.ErrClosed}},
	{"full", []error{eventlog.ErrFull}},
	{"not_committed", []error{eventlog.ErrNotCommitted}},
	{"unsettled", []error{eventlog.ErrUnsettled}},
	{"damaged", []error{eventlog.ErrDamaged}},
	{"not_found", []error{eventlog.ErrTaskNotFound, eventlog.ErrSessionNotFound}},
	{"sealed", []error{eventlog.ErrSealed}},
	{"key_reused", []error{eventlog.ErrKeyReused}},
	{"too_large", []error{eventlog.ErrTooLarge}},
	{invalid, []error{eventlog.ErrMalformed}},
	{"canceled", []error{context.Canceled, context.DeadlineExceeded}},
}

// invalid is also the reason of every [eventlog.FieldError].
const invalid = "invalid"

// appendReasons returns all reasons.
func appendReasons() []string {
	reasons := []string{other}
	for _, e := range appendErrors {
		reasons = append(reasons, e.reason)
	}
	return reasons
}

// appendReason returns the reason of an error. An error of middleware that matches none is
// other.
func appendReason(err error) string {
	for _, e := range appendErrors {
		for _, target := range e.errs {
			if errors.Is(err, target) {
				return e.reason
			}
		}
	}
	if _, ok := errors.AsType[*eventlog.FieldError](err); ok {
		return invalid
	}
	return other
}
