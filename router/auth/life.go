package auth

import (
	"context"
	"sync"
)

// lives are the credentials that were shown, each with a context that ends when it
// does not hold any more.
type lives struct {
	mu  sync.Mutex
	all map[string]*life
}

type life struct {
	ctx   context.Context
	end   context.CancelFunc
	holds func() bool
}

// of returns the context of a credential, which is known by key and holds now.
func (l *lives) of(key string, holds func() bool) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.all[key]; known != nil {
		return known.ctx
	}
	if l.all == nil {
		l.all = map[string]*life{}
	}
	ctx, end := context.WithCancel(context.Background())
	l.all[key] = &life{ctx, end, holds}
	return ctx
}

// check ends those that do not hold any more.
func (l *lives) check() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, one := range l.all {
		if !one.holds() {
			one.end()
			delete(l.all, key)
		}
	}
}

// end ends all.
func (l *lives) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.all {
		one.end()
	}
	l.all = nil
}
