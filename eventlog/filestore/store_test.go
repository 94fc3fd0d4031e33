package filestore

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"jrweb/eventlog/store"
)

// What the file cannot take is refused before it is in the journal. There it would be
// acknowledged, and keep everything behind it out of the file for ever.
func TestWhatTheFileCannotTakeIsNotAcknowledged(t *testing.T) {
	h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
	h.change(3)
	for name, key := range map[string][]byte{"no key": {}, "a long key": bytes.Repeat([]byte("k"), 32<<10+1)} {
		err := h.Update(t.Context(), func(tx store.Tx) error {
			tx.Put(store.Tasks, key, []byte("value"))
			return nil
		})
		if !errors.Is(err, store.ErrNotCommitted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := h.Update(t.Context(), func(tx store.Tx) error { // the control
		key := bytes.Repeat([]byte("k"), 32<<10)
		tx.Put(store.Said, key, []byte("value"))
		tx.Delete(store.Said, key)
		tx.Put(store.Said, key, []byte{})
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := h.Checkpoint(t.Context()); err != nil {
		t.Error(err)
	}
	err = h.Update(t.Context(), func(tx store.Tx) error {
		tx.Delete(store.Said, bytes.Repeat([]byte("k"), 32<<10))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	h.change(1)
	h.close()
	h.open()
	h.check()
}
