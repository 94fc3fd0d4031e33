// Package clock tells times that all processes of a machine share.
package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Now returns the time in nanoseconds. It never goes back.
func Now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic("clock: no monotonic clock: " + err.Error())
	}
	return t.Nano()
}

// At returns when a moment of this process was.
func At(t time.Time) int64 { return Now() - int64(time.Since(t)) }
