package main

import (
	"io"
	"slices"
	"sync"
)

// outbox writes to a command's input, in order, so that nobody else waits for a command
// that does not read. Its methods may be called concurrently.
type outbox struct {
	mu      sync.Mutex
	changed *sync.Cond
	queue   []parcel
	busy    bool // one is being written
	closed  bool
}

type parcel struct {
	text []byte
	done func(error)
}

// newOutbox returns an outbox that closes input after what was put before its own close.
func newOutbox(input io.WriteCloser) *outbox {
	o := &outbox{}
	o.changed = sync.NewCond(&o.mu)
	go o.work(input)
	return o
}

// put adds what is to be written. Done is called, on another goroutine, when it is, or
// with the reason why not.
func (o *outbox) put(text []byte, done func(error)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		go done(io.ErrClosedPipe)
		return
	}
	o.queue = append(o.queue, parcel{slices.Clone(text), done})
	o.changed.Broadcast()
}

// close says that nothing more comes.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.changed.Broadcast()
}

// drained waits until all is written.
func (o *outbox) drained() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 || o.busy {
		o.changed.Wait()
	}
}

// work ends with the outbox's close, and a write with the command: it breaks the pipe.
func (o *outbox) work(input io.WriteCloser) {
	defer func() { _ = input.Close() }() // it may be broken, and is of no more use
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		for len(o.queue) == 0 && !o.closed {
			o.changed.Wait()
		}
		if len(o.queue) == 0 {
			return
		}
		next := o.queue[0]
		o.queue, o.busy = o.queue[1:], true
		o.mu.Unlock()
		_, err := input.Write(next.text)
		next.done(err)
		o.mu.Lock()
		o.busy = false
		o.changed.Broadcast()
	}
}
