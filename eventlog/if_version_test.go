package eventlog_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"jrweb/eventlog"
)

// Who asks for a version and who changes it may come in one commit.
func TestAnAppendAsksForAVersionInItsCommit(t *testing.T) {
	f := inMemory(t, nil)
	for range 20 {
		s, err := f.Start(t.Context(), "t-1", &eventlog.StartOptions{Version: "first"})
		f.ok(err)
		appendIfFirst := func(ctx context.Context) error {
			_, err := f.Append(ctx, &eventlog.Batch{Task: "t-1", Session: s.ID(), Events: []eventlog.Event{says("checked")}, IfVersion: "first"})
			return err
		}
		f.ok(appendIfFirst(t.Context()))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for i := 0; i < 1000 && appendIfFirst(t.Context()) == nil; i++ {
				}
			})
		}
		f.append(s, eventlog.Event{Type: eventlog.TypeSession, Data: []byte(`{"version":"second"}`)})
		all.Wait()
		if err := appendIfFirst(t.Context()); !errors.Is(err, eventlog.ErrOtherVersion) {
			t.Fatal(err)
		}
		changed := false
		for _, e := range f.events(s, 0) {
			if changed && e.Type == eventlog.TypeAssistant {
				t.Fatalf("event %d was appended after the change", e.Sequence)
			}
			changed = changed || e.Type == eventlog.TypeSession
		}
	}
}
