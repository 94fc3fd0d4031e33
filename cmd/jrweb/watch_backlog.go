package main

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// backlog are transcripts that wait to be opened, those that changed last first.
type backlog struct {
	mu      sync.Mutex
	queue   byChange
	waiting map[string]bool
	grown   chan struct{} // has a value if somebody should look again
	working int           // those that were taken, and are not done

	bytes, over int64 // of all that were added, and of those that are done
}

// waitingFile is a transcript in the backlog.
type waitingFile struct {
	path    string
	changed time.Time
	bytes   int64
}

func newBacklog() *backlog {
	return &backlog{waiting: map[string]bool{}, grown: make(chan struct{}, 1)}
}

func (b *backlog) add(f waitingFile) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting[f.path] {
		return
	}
	b.waiting[f.path] = true
	b.bytes += f.bytes
	heap.Push(&b.queue, f)
	b.wake()
}

func (b *backlog) wake() {
	select {
	case b.grown <- struct{}{}:
	default: // it will look anyway
	}
}

// next waits for a transcript, and takes it. It is false once ctx has ended. Done is to be
// called when the work on it is over.
func (b *backlog) next(ctx context.Context) (waitingFile, bool) {
	for {
		b.mu.Lock()
		if len(b.queue) > 0 && ctx.Err() == nil {
			f := heap.Pop(&b.queue).(waitingFile)
			delete(b.waiting, f.path)
			b.working++
			if len(b.queue) > 0 {
				b.wake()
			}
			b.mu.Unlock()
			return f, true
		}
		b.mu.Unlock()
		select {
		case <-ctx.Done():
			return waitingFile{}, false
		case <-b.grown:
		}
	}
}

func (b *backlog) done(f waitingFile) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.working--
	b.over += f.bytes
}

// progress returns how many bytes are done, of how many.
func (b *backlog) progress() (over, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over, b.bytes
}

// quiet reports whether nothing waits, and nobody works.
func (b *backlog) quiet() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.working == 0 && len(b.queue) == 0
}

// byChange is a heap, the newest first.
type byChange []waitingFile

func (q byChange) Len() int           { return len(q) }
func (q byChange) Less(i, j int) bool { return q[i].changed.After(q[j].changed) }
func (q byChange) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push implements [heap.Interface].
func (q *byChange) Push(f any) { *q = append(*q, f.(waitingFile)) }

// Pop implements [heap.Interface].
func (q *byChange) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
