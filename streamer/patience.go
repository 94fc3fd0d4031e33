package streamer

import (
	"sync"
	"time"
)

// patience is for writes on slow lines. The kernel takes more data only once a third of its
// buffer is free. On a slow line that can be later than the deadline, although the client
// takes as much as the line can carry. So while a write waits, its deadline is renewed
// whenever the client has acknowledged something.
//
// In HTTP/2 the streams of a connection share its acknowledgements, so a stalled stream
// waits as long as another one makes progress. It holds no more than its buffer meanwhile.
type patience struct {
	acked func() (bytes uint64, ok bool) // nil: the connection cannot tell
	renew func(time.Time) error

	mu      sync.Mutex
	timer   *time.Timer
	waiting bool
	timeout time.Duration
	last    uint64
}

// looks is how often the acknowledgements are checked within the time of one deadline.
const looks = 16

// begin starts a write that may wait until the deadline, which the caller has set.
func (p *patience) begin(deadline time.Time) {
	if p.acked == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var ok bool
	if p.last, ok = p.acked(); !ok {
		return
	}
	p.waiting, p.timeout = true, time.Until(deadline)
	if p.timer == nil {
		p.timer = time.AfterFunc(p.timeout/looks, p.look)
	} else {
		p.timer.Reset(p.timeout / looks)
	}
}

// end ends the write. The deadline is not changed after that.
func (p *patience) end() {
	if p.acked == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting = false; p.timer != nil {
		p.timer.Stop()
	}
}

func (p *patience) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.waiting {
		return
	}
	now, ok := p.acked()
	if !ok || now != p.last && p.renew(time.Now().Add(p.timeout)) != nil {
		return // the connection is gone: the write reports it
	}
	p.last = now
	p.timer.Reset(p.timeout / looks)
}
