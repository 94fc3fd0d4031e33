package eventlog

import (
	"sync"
	"time"
)

// summaryPeriod is the least time between two lines about the same thing.
const summaryPeriod = time.Minute

// summary logs things that may happen again and again: the first at once, and later ones as
// a sum, at most once in a period. The owner must stop it.
type summary[T any] struct {
	tell func(T)
	add  func(sum *T, more T)

	mu    sync.Mutex
	sum   T
	some  bool        // sum is not logged yet
	timer *time.Timer // runs for a period after a line; nil: there was no line lately
	ended bool
}

func (s *summary[T]) note(more T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
	case s.timer == nil:
		s.tell(more)
		s.timer = time.AfterFunc(summaryPeriod, s.due)
	default:
		s.add(&s.sum, more)
		s.some = true
	}
}

func (s *summary[T]) due() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
	case s.some:
		s.tellSum()
		s.timer.Reset(summaryPeriod)
	default:
		s.timer = nil
	}
}

func (s *summary[T]) tellSum() {
	s.tell(s.sum)
	var none T
	s.sum, s.some = none, false
}

// stop logs what is left. Nothing is logged after it.
func (s *summary[T]) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.some {
		s.tellSum()
	}
	s.ended = true
}

// refused counts changes for which there was no room.
type refused struct {
	changes int
	err     error // of the last change
}

// summarize sets up what is logged as sums.
func (l *Log) summarize() {
	l.refused.tell = func(r refused) {
		l.o.Logger.Error("there is no room: changes are refused, streams go on, deletion works", "refused", r.changes, "error", r.err)
	}
	l.refused.add = func(sum *refused, more refused) { *sum = refused{sum.changes + more.changes, more.err} }
	l.retained.tell = func(t tidied) {
		l.o.Logger.Info("retention", "sessions_deleted", t.sessions, "tasks_deleted", t.tasks, "events_trimmed", t.events)
	}
	l.retained.add = func(sum *tidied, more tidied) {
		sum.sessions += more.sessions
		sum.tasks += more.tasks
		sum.events += more.events
	}
}
