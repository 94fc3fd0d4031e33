package boltfile

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/internal/journal"
	"jrweb/eventlog/store"
)

func markFile(t *testing.T) *bolt.DB {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "jr.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// A change here is a change of the format, which needs a new version: see docs/format.md.
func TestAMarkIsAsTheFormatSays(t *testing.T) {
	db := markFile(t)
	m := Mark{InUse: true, Position: 258, Dir: "/a"}
	for i := range m.Journal {
		m.Journal[i] = byte(i)
	}
	err := db.Update(func(tx *bolt.Tx) error {
		if got, err := ReadMark(tx); err != nil || got != (Mark{}) {
			t.Errorf("a file without a mark has %v, %v", got, err)
		}
		return WriteMark(tx, m)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		if got, err := ReadMark(tx); err != nil || got != m {
			t.Errorf("read %v, %v", got, err)
		}
		const want = "0101" + "000102030405060708090a0b0c0d0e0f" + "0000000000000102" + "2f61" + "4e5e17cb"
		raw := tx.Bucket([]byte(MarkBucket)).Get(markKey)
		if got := hex.EncodeToString(raw); got != want {
			t.Errorf("a mark is %s, want %s", got, want)
		}
		for i := range raw {
			bad := append([]byte(nil), raw...)
			bad[i] ^= 1 << (i % 8)
			if _, err := decodeMark(bad); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("with byte %d flipped: %v", i, err)
			}
			if _, err := decodeMark(raw[:i]); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("with %d bytes: %v", i, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a killed process left beside a file goes with the next open, its journal too.
func TestUnfinishedFilesAndTheirJournalsAreRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	unfinished, err := NewUnfinished(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := unfinished.Close(); err != nil {
		t.Fatal(err)
	}
	left := []string{unfinished.Name()}
	for n := range 2 {
		left = append(left, journal.Place{Database: unfinished.Name()}.Segment(n))
	}
	kept := []string{journal.Place{Database: path}.Segment(0), path + ".unfinished-x"}
	for _, name := range append(left[1:], kept...) {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := RemoveUnfinished(path); err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
	for _, name := range kept {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}
