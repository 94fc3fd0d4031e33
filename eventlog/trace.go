package eventlog

import (
	"cmp"
	"time"
)

// Trace has functions that the log calls when something happens. Every function may be nil.
// They run while the log works: they must be quick, must not call the log, and may be
// called concurrently.
type Trace struct {
	// Appended is called at the end of each append, also of one that failed. took is how
	// long the caller waited.
	Appended func(b *Batch, took time.Duration, err error)
	// Committed is called for each event after its commit.
	Committed func(e *Event)
	// Asked is called for each question event after its commit.
	Asked func(task string, session SessionID, e *Event)
	// Cost is called for each cost event after its commit, with what it added to the
	// totals.
	Cost func(c CostAdded)
	// Spent is called after each commit that has changed what [Log.Usage] shows. own is false if
	// another process made the commit, whose log calls its own Spent with true.
	Spent func(own bool)
	// Started is called for each session after the commit of its start.
	Started func(s SessionInfo)
	// Sealed is called for each session after the commit of its end.
	Sealed func(s SessionInfo)
	// Damaged is called once for each record that is found damaged while the log is open,
	// for up to 10,000 records.
	Damaged func(d *DamageError)
}

// CostAdded is what one cost event added to the totals of its session.
type CostAdded struct {
	Model            string
	USD              float64
	InputTokens      uint64
	OutputTokens     uint64
	CacheReadTokens  uint64
	CacheWriteTokens uint64
}

// Join returns a Trace that calls the functions of t, then those of o. Either may be nil.
func (t *Trace) Join(o *Trace) *Trace {
	if t == nil || o == nil {
		return cmp.Or(t, o)
	}
	return &Trace{
		Appended:  both3(t.Appended, o.Appended),
		Committed: both(t.Committed, o.Committed),
		Asked:     both3(t.Asked, o.Asked),
		Cost:      both(t.Cost, o.Cost),
		Spent:     both(t.Spent, o.Spent),
		Started:   both(t.Started, o.Started),
		Sealed:    both(t.Sealed, o.Sealed),
		Damaged:   both(t.Damaged, o.Damaged),
	}
}

// both and both3 return a function that calls f, then g. It is nil if both are nil.
func both[A any](f, g func(A)) func(A) {
	if f == nil || g == nil {
		return either(f == nil, g, f)
	}
	return func(a A) { f(a); g(a) }
}

func both3[A, B, C any](f, g func(A, B, C)) func(A, B, C) {
	if f == nil || g == nil {
		return either(f == nil, g, f)
	}
	return func(a A, b B, c C) { f(a, b, c); g(a, b, c) }
}

func either[F any](first bool, f, g F) F {
	if first {
		return f
	}
	return g
}
