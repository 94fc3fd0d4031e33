package auth

import (
	"context"
	"sync"
)

// lives are the credentials that were used. Each has a context that ends when the
// credential is no longer valid.
type lives struct {
	mu  sync.Mutex
	all map[string]*life
}

type life struct {
	ctx   context.Context
	end   context.CancelFunc
	holds func() bool
}

// of returns the context of a valid credential. key identifies the credential, and holds
// reports whether it is still valid.
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

// check ends the contexts of credentials that are no longer valid.
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

// end ends all contexts.
func (l *lives) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.all {
		one.end()
	}
	l.all = nil
}
