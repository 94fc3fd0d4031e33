package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// boundedStore is a store that takes only so many bytes at once.
type boundedStore struct {
	store.Store
	most    int
	refused atomic.Int64
	gate    chan struct{} // each Update takes a token; nil: none is needed
}

// Update implements [store.Store].
func (n *boundedStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	if n.gate != nil {
		<-n.gate
	}
	return n.Store.Update(ctx, func(tx store.Tx) error {
		var ops []store.Op
		if err := fn(&recordingTx{Tx: tx, ops: &ops}); err != nil {
			return err
		}
		bytes := 0
		for _, op := range ops {
			bytes += len(op.Key) + len(op.Value)
		}
		if bytes > n.most {
			n.refused.Add(1)
			return store.ErrUpdateTooLarge
		}
		return nil
	})
}

// Appends that share a commit must not fail because together they are too large for one. One
// that is too large alone is refused alone.
func TestAGroupThatIsTooLargeIsSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &boundedStore{Store: eventlogtest.NewStore(), most: 3000}
		f := on(t, n, nil)
		s := f.start("t-1")
		synctest.Wait() // the log has opened
		n.gate = make(chan struct{})
		var appending sync.WaitGroup
		const small = 8
		for i := range small + 2 {
			appending.Go(func() {
				content := strings.Repeat("x", 500)
				if i == small/2 {
					content = strings.Repeat("x", 5000)
				}
				_, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: s.ID(), Events: []eventlog.Event{says(fmt.Sprint(i, content))}})
				if i == small/2 && !errors.Is(err, eventlog.ErrTooLarge) || i != small/2 && err != nil {
					t.Errorf("append %d: %v", i, err)
				}
			})
			synctest.Wait() // the first one waits for its commit, the others behind it
		}
		close(n.gate)
		appending.Wait()
		wantEqual(t, "events", f.info(s).Head, small+1)
		if n.refused.Load() < 2 {
			t.Error("no group was too large: this proves nothing")
		}
	})
}
