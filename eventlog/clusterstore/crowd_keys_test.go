package clusterstore_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"
)

// keyed is a request with a key, and its first answer.
type keyed struct {
	method, path, key, body string
	first                   reply
}

func (c *crowd) keep(k keyed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lasting = append(c.lasting, k)
}

// repeat repeats at one server what was acknowledged at any before, while harm is done, until
// stop is closed. It returns how often it got an answer.
func (c *crowd) repeat(p *process, stop <-chan struct{}) (n int) {
	tick := time.NewTicker(crowdPause)
	defer tick.Stop()
	for !c.Failed() {
		select {
		case <-tick.C:
		case <-stop:
			return n
		}
		c.mu.Lock()
		if len(c.lasting) == 0 {
			c.mu.Unlock()
			continue
		}
		k := c.lasting[rand.IntN(len(c.lasting))]
		c.mu.Unlock()
		got, err := c.once(p, k.method, k.path, k.key, k.body)
		if err != nil || got.status >= 500 {
			continue // it is down, or does not know now
		}
		if err := k.repeats(got); err != nil {
			c.Error(err)
		}
		n++
	}
	return n
}

// repeats checks that an answer is the first one again.
func (k keyed) repeats(got reply) error {
	if !got.replayed || got.status != k.first.status || !bytes.Equal(got.data, k.first.data) {
		return fmt.Errorf("%s with key %s was answered with %d %s, and then with %d %s (repeated: %t)",
			k.path, k.key, k.first.status, k.first.data, got.status, got.data, got.replayed)
	}
	return nil
}
