package streamer

import (
	"cmp"
	"time"
)

// Trace has functions that the streamer calls when something happens to streams. Every
// function may be nil. They are called on the streams' own goroutines, so concurrently, and
// must be quick.
type Trace struct {
	// Opened is called once for each accepted stream of events. resumed says that the
	// client sent a cursor that could be used.
	Opened func(resumed bool)
	// Closed is called once at the end of each opened stream.
	Closed func(reason Reason)
	// Rejected is called for each request that is refused because of Options.MaxStreams.
	Rejected func()
	// Sent is called after a write with the number of events in it. If live is true, they
	// were committed after the stream began; otherwise they were replayed.
	Sent func(live bool, events int)
	// Wrote is called after one or more writes with their bytes, including control frames
	// and heartbeats.
	Wrote func(bytes int)
	// Delivered is called for each live event with the time from its commit to
	// the end of the write that carried it.
	Delivered func(d time.Duration)
	// Reset is called for each reset frame with its reason.
	Reset func(reason string)
	// Heartbeat is called for each heartbeat.
	Heartbeat func()
	// Polled is called at each tick of Options.PollInterval for each waiting stream. found
	// says that the tick found events that no wake-up had reported. The calls with found
	// false come from one goroutine for all streams of a task.
	Polled func(found bool)
}

// Join returns a Trace that calls the functions of t, then those of o. Either may be nil.
func (t *Trace) Join(o *Trace) *Trace {
	if t == nil || o == nil {
		return cmp.Or(t, o)
	}
	return &Trace{
		Opened:    both(t.Opened, o.Opened),
		Closed:    both(t.Closed, o.Closed),
		Rejected:  both0(t.Rejected, o.Rejected),
		Sent:      both2(t.Sent, o.Sent),
		Wrote:     both(t.Wrote, o.Wrote),
		Delivered: both(t.Delivered, o.Delivered),
		Reset:     both(t.Reset, o.Reset),
		Heartbeat: both0(t.Heartbeat, o.Heartbeat),
		Polled:    both(t.Polled, o.Polled),
	}
}

// both0, both and both2 return a function that calls f, then g. It is nil if both are nil.
func both0(f, g func()) func() {
	if f == nil || g == nil {
		return either(f == nil, g, f)
	}
	return func() { f(); g() }
}

func both[A any](f, g func(A)) func(A) {
	if f == nil || g == nil {
		return either(f == nil, g, f)
	}
	return func(a A) { f(a); g(a) }
}

func both2[A, B any](f, g func(A, B)) func(A, B) {
	if f == nil || g == nil {
		return either(f == nil, g, f)
	}
	return func(a A, b B) { f(a, b); g(a, b) }
}

func either[F any](first bool, f, g F) F {
	if first {
		return f
	}
	return g
}

// Reason says why a stream ended.
type Reason string

// The reasons.
const (
	Complete     Reason = "complete"      // the session's complete event was sent
	ClientGone   Reason = "client_gone"   // the client closed the connection
	WriteTimeout Reason = "write_timeout" // the client took nothing for too long
	Shutdown     Reason = "shutdown"      // the server shuts down
	Deleted      Reason = "deleted"       // the session or task was deleted
	Revoked      Reason = "revoked"       // the client may no longer watch: see [Until]
	Failed       Reason = "error"         // the log could not be read
)
