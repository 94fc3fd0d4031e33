package clusterstore

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// A replica that commits much has its messages before it reads them. What a message that comes
// late says of those behind it is not a reason to wait for more: if the reading breaks off
// there, nothing more comes.
func TestAMessageThatComesLateHoldsUpNothing(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "jr.db"), natstest.Start(t).URL, "log", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	update := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return s.Update(ctx, func(tx store.Tx) error {
			tx.Put(store.Tasks, []byte("t"), nil)
			return nil
		})
	}
	const commits = 2 * nearlyAll
	for range commits {
		if err := update(); err != nil {
			t.Fatal(err)
		}
	}
	r := s.(*replica)
	r.knowLast(r.file.Place().Position) // as the first message says, with all others behind it
	if err := update(); err != nil {
		t.Errorf("what was read late holds up an Update: %v", err)
	}
}
