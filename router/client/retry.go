package client

import (
	"context"
	"crypto/rand"
	"errors"
	"time"
)

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
	attempts   = 8
	// attemptTime is how long one attempt may take, its upload included.
	attemptTime = 2 * time.Minute
)

// callSafely is call for requests with an idempotency key: it repeats them while it is not
// known whether they were carried out.
func (c *Client) callSafely(ctx context.Context, r *request, answer any) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		once, cancel := context.WithTimeout(ctx, attemptTime)
		err := c.call(once, r, answer)
		cancel()
		if err == nil || attempt == attempts || !unknown(err) || wait(ctx, pause) != nil {
			return err
		}
		pause = min(2*pause, maxPause)
	}
}

// unknown reports whether, after this error, it is not known if the request was carried
// out. After a 2xx or a 4xx it is known.
func unknown(err error) bool {
	refused, ok := errors.AsType[*Error](err)
	return !ok || refused.Status >= 500
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// newKey returns a unique idempotency key.
func newKey() string { return rand.Text() }
