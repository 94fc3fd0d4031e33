package boltstore

import (
	"encoding/binary"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"jrweb/eventlog/store"
)

// A small commit finds that its space has been written before.
func TestTheSpaceAheadOfSmallCommitsIsWrittenTo(t *testing.T) {
	opened, err := Open(filepath.Join(t.TempDir(), "jr.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*boltStore)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	key, value := make([]byte, 24), make([]byte, 30_000)
	for i := range uint64(100) {
		binary.BigEndian.PutUint64(key, i)
		if err := s.Update(t.Context(), func(tx store.Tx) error { tx.Put(store.Events, key, value); return nil }); err != nil {
			t.Fatal(err)
		}
		tx, err := s.db.Begin(false)
		if err != nil {
			t.Fatal(err)
		}
		used := tx.Size()
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		// Space that was only allocated counts as a hole.
		hole, err := unix.Seek(int(s.file.Fd()), 0, unix.SEEK_HOLE)
		if err != nil {
			t.Fatal(err)
		}
		if hole < used+aheadStep/16 {
			t.Fatalf("after commit %d, %d bytes are in use, and %d were written to", i, used, hole)
		}
	}
}
