package streamer

import "time"

// line is the connection to one client. Only wake may be called concurrently with other
// methods.
type line interface {
	// write sends the beginning of p and returns how many bytes it sent: what the line takes
	// without a wait, or else at most writeSize bytes by the deadline.
	write(p []byte, deadline time.Time) (int, error)
	// rest returns when wake is called (or was called since the last awake), when until has
	// come, or when the client is gone.
	rest(until time.Time) waking
	// awake forgets earlier calls of wake.
	awake()
	wake()
	// hangUp ends the line. What is left to send must be sent by the deadline.
	hangUp(deadline time.Time)
}

// waking is the reason why a rest ended.
type waking int

const (
	woken waking = iota
	silent
	gone
)
