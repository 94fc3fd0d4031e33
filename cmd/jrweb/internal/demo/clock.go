package demo

import (
	"sync/atomic"
	"time"
)

// Clock is the clock of a log that is to have a past. Its zero value is right.
type Clock struct {
	stopped atomic.Pointer[time.Time] // nil: the clock is right
}

// Now returns the time by this clock.
func (c *Clock) Now() time.Time {
	if t := c.stopped.Load(); t != nil {
		return *t
	}
	return time.Now()
}

func (c *Clock) set(t time.Time)         { c.stopped.Store(&t) }
func (c *Clock) advance(d time.Duration) { c.set(c.Now().Add(d)) }
func (c *Clock) release()                { c.stopped.Store(nil) }
