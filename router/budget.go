package router

import (
	"net/http"
	"sync"
	"time"
)

// slowBody is how long a body may bring nothing, or a client may take nothing of an answer,
// before it can lose its room to others that need it.
const slowBody = 2 * time.Second

// budget bounds the memory of all request bodies together, or of all answers.
type budget struct {
	most   int64
	busy   *problem          // the answer when there is no room
	report func(delta int64) // nil: nobody counts

	mu     sync.Mutex
	used   int64
	bodies map[*share]struct{} // those that are being read, or written
}

// share is the part of a budget that one body or answer holds. Only the goroutine of its
// request calls its methods.
type share struct {
	budget *budget
	giveUp func() // makes a waiting read or write fail
	held   int64

	// Guarded by budget.mu:
	last    time.Time // when something came, or was taken
	evicted bool
}

func newBudget(most int64, busy *problem, report func(int64)) *budget {
	return &budget{most: most, busy: busy, report: report, bodies: map[*share]struct{}{}}
}

// open returns the share of a body that is about to be read. It is empty at first.
func (b *budget) open(giveUp func()) *share {
	s := &share{budget: b, giveUp: giveUp, last: time.Now()}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bodies[s] = struct{}{}
	return s
}

var (
	errBusy = func() *problem {
		p := newProblem(http.StatusServiceUnavailable, "busy", "Too many bodies", "the bodies of all requests together have reached their limit: repeat the request in a moment")
		p.header = http.Header{"Retry-After": {"1"}}
		return p
	}()
	errBusyAnswers = func() *problem {
		p := newProblem(http.StatusServiceUnavailable, "busy", "Too many answers", "the answers that wait for their clients have reached their limit: repeat the request in a moment")
		p.header = http.Header{"Retry-After": {"1"}}
		return p
	}()
	errSlow = func() *problem {
		p := newProblem(http.StatusServiceUnavailable, "busy", "Too slow", "the body came slowly, and others needed its room: repeat the request")
		p.header = http.Header{"Retry-After": {"1"}}
		return p
	}()
)

// grow makes the share n bytes larger. If there is no room, the slowest other body loses
// its share, and this request gets an error: the client may repeat it.
func (s *share) grow(n int64) error {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.most {
		b.evict(s)
		return b.busy
	}
	s.held += n
	b.add(n)
	return nil
}

// evict takes the share from the body that has brought nothing for the longest time.
func (b *budget) evict(but *share) {
	var slowest *share
	for s := range b.bodies {
		if s != but && !s.evicted && time.Since(s.last) >= slowBody && (slowest == nil || s.last.Before(slowest.last)) {
			slowest = s
		}
	}
	if slowest != nil {
		slowest.evicted = true
		slowest.giveUp()
	}
}

// came notes that something came. It returns false if the share was evicted.
func (s *share) came() bool {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.last = time.Now()
	return !s.evicted
}

// holds reports whether the share was not evicted.
func (s *share) holds() bool {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	return !s.evicted
}

// read notes that the body has ended. From now on the share cannot be evicted, and is held
// until the request ends.
func (s *share) read() {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	delete(s.budget.bodies, s)
}

// close returns the share to the budget.
func (s *share) close() {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.bodies, s)
	b.add(-s.held)
	s.held = 0
}

func (b *budget) add(n int64) {
	b.used += n
	if b.report != nil {
		b.report(n)
	}
}
