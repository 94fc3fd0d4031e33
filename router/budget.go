package router

import (
	"net/http"
	"sync"
	"time"
)

// A body that brings little for the room that it holds can lose this room to others that
// need it, and so can an answer of which its client takes little. Little is what would need
// more than slowLife for as much as is held, measured over slowWindow.
const (
	slowWindow = 2 * time.Second
	slowLife   = time.Minute
)

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
	since   time.Time // when the present window began
	moved   int64     // bytes that came, or were taken, since then
	slow    bool      // little moved in the window before
	evicted bool
}

func newBudget(most int64, busy *problem, report func(int64)) *budget {
	return &budget{most: most, busy: busy, report: report, bodies: map[*share]struct{}{}}
}

// open returns the share of a body that is about to be read. It is empty at first.
func (b *budget) open(giveUp func()) *share {
	now := time.Now()
	s := &share{budget: b, giveUp: giveUp, last: now, since: now}
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

// grow makes the share n bytes larger. If there is no room, the largest of the slow ones loses
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

// evict takes the share from the largest of the others that are slow.
func (b *budget) evict(but *share) {
	var largest *share
	for s := range b.bodies {
		if s != but && !s.evicted && s.isSlow() && (largest == nil || s.held > largest.held) {
			largest = s
		}
	}
	if largest != nil {
		largest.evicted = true
		largest.giveUp()
	}
}

// isSlow reports whether nothing moved lately, or little in the present window, or in the
// one before if the present one is too short to tell.
func (s *share) isSlow() bool {
	if time.Since(s.last) >= slowWindow {
		return true
	}
	if took := time.Since(s.since); took >= slowWindow {
		return s.isLittle(took)
	}
	return s.slow
}

func (s *share) isLittle(took time.Duration) bool {
	return float64(s.moved)*float64(slowLife) < float64(s.held)*float64(took)
}

// came notes that n bytes came, or were taken. It returns false if the share was evicted.
func (s *share) came(n int) bool {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.last = time.Now()
	s.moved += int64(n)
	if took := s.last.Sub(s.since); took >= slowWindow {
		s.slow, s.since, s.moved = s.isLittle(took), s.last, 0
	}
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
