package streamer

import "time"

// line is the way to one client. Only wake may be called beside other methods.
type line interface {
	// write sends the beginning of p by the deadline, at most writeSize bytes, and
	// returns how many it sent.
	write(p []byte, deadline time.Time) (int, error)
	// rest returns when wake is called, or was since the last call of awake, when
	// the time has come, or when the client is gone.
	rest(until time.Time) waking
	// awake forgets earlier calls of wake.
	awake()
	wake()
	// hangUp ends the line, and what is left to be sent by the deadline.
	hangUp(deadline time.Time)
}

// waking is why a rest ended.
type waking int

const (
	woken waking = iota
	silent
	gone
)
