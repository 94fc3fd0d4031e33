package clusterstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// What was sent to the writer and has no answer may have been made, whatever ends the wait. What
// was not sent was not made.
func TestWhatEndsTheWaitForTheWriterTellsNothing(t *testing.T) {
	url := natstest.Start(t).URL
	writer := newReplica(t, url)
	writes, first := make(chan struct{}), sync.Once{}
	writer.ok(writer.Notify(t.Context(), func(store.Reader) error { return nil }, func(c store.Commit) {
		if c.Term == 1 {
			first.Do(func() { close(writes) })
		}
	}, func(error) {}))
	asked := make(chan struct{})
	writer.Serve(func(ctx context.Context, _ uint64, _ []byte) ([]byte, error) {
		asked <- struct{}{}
		<-ctx.Done()
		return nil, nil
	})
	wait(t, "the first term", writes)
	for name, end := range map[string]func(*replica, context.CancelFunc){
		"the caller goes":       func(_ *replica, cancel context.CancelFunc) { cancel() },
		"the replica is closed": func(r *replica, _ context.CancelFunc) { r.ok(r.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newReplica(t, url)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			handed := make(chan error)
			go func() {
				_, err := r.Hand(ctx, []byte("x"), false)
				handed <- err
			}()
			wait(t, "what was handed on", asked)
			end(r, cancel)
			if err := <-handed; !errors.Is(err, store.ErrUnsettled) {
				t.Errorf("after it was sent: %v", err)
			}
			cancel()
			if _, err := r.Hand(ctx, []byte("x"), false); err == nil || errors.Is(err, store.ErrUnsettled) {
				t.Errorf("before it is sent: %v", err)
			}
		})
	}
}
