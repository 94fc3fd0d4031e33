package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
	"jrweb/eventlog/dbfile"
)

func dbFlag(usage string) cli.Flag { return stringFlag("db", "jr.db", usage) }

// explainFile adds to an error of work on a closed file what to do about it.
func explainFile(err error) error {
	switch {
	case errors.Is(err, eventlog.ErrHeld):
		return fmt.Errorf("%w: stop that one first", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: name the database with -db", err)
	case errors.Is(err, eventlog.ErrDamaged):
		return fmt.Errorf("%w: it was left untouched: jrweb restore makes a new one of a backup", err)
	}
	return err
}

// size is a number of bytes for people.
func size(bytes int64) string {
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	exponent := min(int(math.Log10(float64(bytes))/3), 5)
	return fmt.Sprintf("%.1f %cB", float64(bytes)/math.Pow(1000, float64(exponent)), " kMGTP"[exponent])
}

// count is a number of things: "1 task", "2 tasks".
func count(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// describe says what a database holds.
func describe(f dbfile.Figures) string {
	return fmt.Sprintf("%s, %s, %s, %s (%s free)", count(f.Tasks, "task"), count(f.Sessions, "session"),
		count(f.Events, "event"), size(f.Size), size(f.Free))
}
