package eventlog

import (
	"sync"
	"sync/atomic"
)

// queue holds the changes that wait for the next commit.
type queue struct {
	mu      sync.Mutex
	ops     []*op
	stopped bool
	length  atomic.Int64  // of ops: reading it must not delay callers of add
	filled  chan struct{} // has a token after the first op came; closed after stop
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

// add appends an op, unless the queue was stopped.
func (q *queue) add(o *op) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return ErrClosed
	}
	q.ops = append(q.ops, o)
	q.length.Store(int64(len(q.ops)))
	if len(q.ops) == 1 {
		select {
		case q.filled <- struct{}{}:
		default: // an earlier token is still there
		}
	}
	return nil
}

// stop makes every later add fail.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = true
	close(q.filled)
}

// take removes a group for one commit. It drops the ops that their callers have given up.
// The group is empty only if the queue is.
func (q *queue) take() (group []*op) {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken, bytes := 0, 0
	for taken < len(q.ops) && len(group) < maxGroupOps && bytes < maxGroupBytes {
		o := q.ops[taken]
		taken++
		if o.state.CompareAndSwap(opWaits, opTaken) {
			group = append(group, o)
			bytes += o.bytes
		}
	}
	rest := copy(q.ops, q.ops[taken:])
	clear(q.ops[rest:])
	q.ops = q.ops[:rest]
	q.length.Store(int64(rest))
	return group
}
