package streaming

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is a time in nanoseconds that all processes of a machine share.
func monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic("streaming: no monotonic clock: " + err.Error())
	}
	return t.Nano()
}

// monotonicAt returns when a moment of this process was.
func monotonicAt(t time.Time) int64 { return monotonic() - int64(time.Since(t)) }
