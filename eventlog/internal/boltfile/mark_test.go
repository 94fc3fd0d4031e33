package boltfile

import (
	"encoding/hex"
	"errors"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

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
	own := Mark{InUse: true, Position: 258, Dir: "/a"}
	replica := Mark{Replica: true, Position: 258}
	for i := range own.Journal {
		own.Journal[i], replica.Journal[i] = byte(i), byte(i)
	}
	for i := range replica.Link {
		replica.Link[i] = byte(i)
	}
	const journal = "000102030405060708090a0b0c0d0e0f"
	wantMark(t, own, "0101"+journal+"0000000000000102"+"2f61"+"4e5e17cb")
	wantMark(t, replica, "0200"+journal+"0000000000000102"+journal+"101112131415161718191a1b1c1d1e1f"+"dc239602")
}

func wantMark(t *testing.T, m Mark, want string) {
	t.Helper()
	db := markFile(t)
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
