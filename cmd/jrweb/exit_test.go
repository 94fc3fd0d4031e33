package main

import (
	"errors"
	"fmt"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err   error
		began bool
		want  int
	}{
		{nil, true, 0},
		{nil, false, 0}, // help
		{errors.New("refused"), true, 1},
		{errors.New("unknown flag"), false, 2},
		{usagef("-session is empty"), true, 2},
		{eventlog.ErrHeld, true, 3},
		{eventlog.ErrDamaged, true, 4},
		{&eventlog.DamageError{}, true, 4},
		{eventlog.ErrFormat, true, 4},
		{eventlog.ErrFull, true, 1},
		{eventlog.ErrFailed, true, 5},
		{errors.Join(eventlog.ErrFailed, eventlog.ErrDamaged), true, 5},
		{errors.Join(eventlog.ErrFailed, errors.New("close")), true, 5},
		{explainReplica(errors.Join(eventlog.ErrFailed, eventlog.ErrDamaged)), true, 4},
		{explainReplica(errors.Join(eventlog.ErrFailed, eventlog.ErrFormat)), true, 4},
		{explainReplica(eventlog.ErrFailed), true, 5},
		{explainReplica(errors.Join(eventlog.ErrFailed, clusterstore.ErrBehind)), true, 5},
		{explainReplica(errors.Join(eventlog.ErrFailed, eventlog.ErrFull)), true, 5},
		{explainReplica(eventlog.ErrHeld), true, 3},
	} {
		if got := exitCode(wrap(c.err), c.began); got != c.want {
			t.Errorf("%v (began: %t): exit code %d, want %d", c.err, c.began, got, c.want)
		}
	}
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}
