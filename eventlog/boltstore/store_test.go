package boltstore

import (
	"context"
	"encoding/binary"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/store"
)

func openBoltStore(t *testing.T) *boltStore {
	t.Helper()
	store, err := Open(filepath.Join(t.TempDir(), "jr.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store.(*boltStore)
}

// After bbolt shows a commit, and before Update returns, there is the sync that makes the
// commit durable. bbolt calls OnCommit in this interval.
func TestNothingIsShownBeforeItsUpdateHasReturned(t *testing.T) {
	s := openBoltStore(t)
	key := []byte("key")
	shown := func(r store.Reader) bool { return r.Get(store.Meta, key) != nil }

	looked := false
	err := s.Update(t.Context(), func(tx store.Tx) error {
		tx.Put(store.Meta, key, []byte("value"))
		tx.(*boltTx).Tx.OnCommit(func() {
			looked = true
			// The control: bbolt itself shows the commit now.
			if err := s.db.View(func(tx *bolt.Tx) error {
				if !shown(&boltfile.Reader{Tx: tx}) {
					t.Error("bbolt does not show the commit yet: this test looks too early")
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
			// The View waits for the Update, which waits for this function.
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			err := s.View(ctx, func(r store.Reader) error {
				t.Error("a View ran before the Update had returned")
				return nil
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("View returned %v", err)
			}
		})
		return nil
	})
	if err != nil || !looked {
		t.Fatal(looked, err)
	}
	err = s.View(t.Context(), func(r store.Reader) error {
		if !shown(r) {
			t.Error("a View does not show what was committed")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A View that meets a running commit is answered as soon as the commit has returned.
func TestAViewWaitsForTheCommitOnItsWay(t *testing.T) {
	s := openBoltStore(t)
	var wg sync.WaitGroup
	err := s.Update(t.Context(), func(tx store.Tx) error {
		tx.Put(store.Meta, []byte("key"), []byte("value"))
		tx.(*boltTx).Tx.OnCommit(func() {
			wg.Go(func() {
				err := s.View(t.Context(), func(r store.Reader) error {
					if r.Get(store.Meta, []byte("key")) == nil {
						t.Error("the View went back behind the commit it waited for")
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

func TestUpdatesCalledTogetherAreEachHiddenUntilTheyReturn(t *testing.T) {
	s := openBoltStore(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx store.Tx) error {
				tx.Put(store.Meta, []byte("key"), []byte("value"))
				boltTx := tx.(*boltTx).Tx
				id := boltTx.ID()
				boltTx.OnCommit(func() {
					if wait, err := s.mayShow(id); wait == nil || err != nil {
						t.Errorf("before Update %d has returned, mayShow says %v, %v", id, wait, err)
					}
				})
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestAfterAFailedCommitNothingIsShown(t *testing.T) {
	s := openBoltStore(t)
	// If the file is closed, bbolt cannot begin a transaction: Update returns an error that
	// is not fn's.
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	write := func() error { return s.Update(t.Context(), func(store.Tx) error { return nil }) }
	if err := write(); !errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		t.Fatalf("Update returned %v", err)
	}
	for name, err := range map[string]error{
		"Update": write(),
		"mayShow": func() error {
			wait, err := s.mayShow(0)
			if wait != nil {
				t.Error("a View waits for a commit that has failed")
			}
			return err
		}(),
	} {
		if !errors.Is(err, store.ErrFailed) || !errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
			t.Errorf("%s after a failed commit returned %v", name, err)
		}
	}
}

// When bbolt's own cursor goes backwards, it treats a page that the transaction has emptied
// as the beginning.
func TestDescendGoesOnBeforeWhatItsTransactionHasDeleted(t *testing.T) {
	s := openBoltStore(t)
	key := func(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
	const keys = 1000
	err := s.Update(t.Context(), func(tx store.Tx) error {
		for n := range keys {
			tx.Put(store.Events, key(n), make([]byte, 100))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(tx store.Tx) error {
		for n := 100; n < keys-100; n++ {
			tx.Delete(store.Events, key(n))
		}
		for _, c := range []struct {
			to   []byte
			want int
		}{{nil, 200}, {key(keys - 100), 100}, {key(keys / 2), 100}, {key(50), 50}, {key(0), 0}} {
			n := 0
			for range tx.Descend(store.Events, nil, c.to) {
				n++
			}
			if n != c.want {
				t.Errorf("below %x are %d keys, want %d", c.to, n, c.want)
			}
		}
		for n := range keys {
			tx.Delete(store.Events, key(n))
		}
		for k := range tx.Descend(store.Events, nil, nil) {
			t.Errorf("there is %x, in an empty bucket", k)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
