package auth

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The limits of attempts to sign in, for each address and for all together.
const (
	attemptsAtOnce   = 10
	attemptEvery     = 6 * time.Second
	allAttemptsOnce  = 100
	allAttemptEvery  = 300 * time.Millisecond
	mostAddresses    = 10_000
	addressForgotten = 10 * time.Minute
)

// limiter limits attempts to sign in.
type limiter struct {
	mu        sync.Mutex
	all       *rate.Limiter
	addresses map[netip.Prefix]*attempts
}

type attempts struct {
	*rate.Limiter
	last time.Time
}

func newLimiter() *limiter {
	return &limiter{all: rate.NewLimiter(rate.Every(allAttemptEvery), allAttemptsOnce), addresses: map[netip.Prefix]*attempts{}}
}

// allow reports whether an address may try now. IPv6 addresses count by their network,
// because a client usually has 2^64 of them.
func (l *limiter) allow(from netip.Addr, now time.Time) bool {
	bits := from.BitLen()
	if from.Is6() && !from.Is4In6() {
		bits = 64
	}
	network, err := from.WithZone("").Prefix(bits)
	if err != nil {
		network = netip.Prefix{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.addresses[network]
	if a == nil {
		if len(l.addresses) >= mostAddresses {
			l.forget(now)
		}
		if len(l.addresses) >= mostAddresses {
			return false // so many at once are not people
		}
		a = &attempts{Limiter: rate.NewLimiter(rate.Every(attemptEvery), attemptsAtOnce)}
		l.addresses[network] = a
	}
	a.last = now
	return a.AllowN(now, 1) && l.all.AllowN(now, 1)
}

func (l *limiter) forget(now time.Time) {
	for network, a := range l.addresses {
		if now.Sub(a.last) > addressForgotten {
			delete(l.addresses, network)
		}
	}
}
