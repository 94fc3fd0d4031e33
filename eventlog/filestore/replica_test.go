package filestore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"jrweb/eventlog/store"
)

// writer is a replica whose changes are its whole journal, so that a history can write it.
type writer struct {
	*Replica
	deltas [][]byte
	links  [][32]byte
}

// Update implements [store.Store].
func (w *writer) Update(ctx context.Context, fn func(store.Tx) error) error {
	delta, err := w.Prepare(ctx, 0, fn)
	if err != nil {
		return err
	}
	return w.apply(ctx, delta, [32]byte{byte(len(w.deltas) + 1)})
}

func (w *writer) apply(ctx context.Context, delta []byte, link [32]byte) error {
	w.deltas, w.links = append(w.deltas, delta), append(w.links, link)
	return w.Apply(ctx, delta, link)
}

func wantLast(t *testing.T, s interface {
	View(context.Context, func(store.Reader) error) error
}, want int) {
	t.Helper()
	err := s.View(t.Context(), func(r store.Reader) error {
		n, err := lastOf(r)
		if n != want {
			t.Errorf("the last change is %d, want %d", n, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A file holds at every moment what some row of deltas has made, and says which one. From
// there the others bring it up to date.
func TestAReplicaSaysWhereItIs(t *testing.T) {
	open := func(path string) *Replica {
		r, err := OpenReplica(path, &Options{pace: shortPace})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	path := filepath.Join(t.TempDir(), "jr.db")
	w := &writer{Replica: open(path)}
	journal := [16]byte{1, 2, 3}
	if err := w.Join(journal); err != nil {
		t.Fatal(err)
	}
	const changes = 60
	for n := 1; n <= changes; n++ {
		if err := makeChange(t.Context(), w, n); err != nil {
			t.Fatal(err)
		}
		wantLast(t, w, n)
		if want := (Place{journal, uint64(n), w.links[n-1]}); w.Place() != want {
			t.Fatalf("after change %d the replica is at %v", n, w.Place())
		}
	}
	// As a crash leaves it: nothing is written while all is in the file.
	if err := w.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err == nil {
		err = makeChange(t.Context(), w, changes+1)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	crashed := filepath.Join(t.TempDir(), "jr.db")
	if err := os.WriteFile(crashed, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, at := range map[string]int{path: changes + 1, crashed: changes} {
		r := open(path)
		if want := (Place{journal, uint64(at), w.links[at-1]}); r.Place() != want {
			t.Errorf("opened again, the replica is at %v, want %v", r.Place(), want)
		}
		wantLast(t, r, at)
		for n := at; n < len(w.deltas); n++ {
			if err := r.Apply(t.Context(), w.deltas[n], w.links[n]); err != nil {
				t.Error(err)
			}
		}
		wantLast(t, r, changes+1)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAReplicaIsNoDatabaseOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "replica.db")
	r, err := OpenReplica(path, nil)
	if err == nil {
		err = r.Join([16]byte{1})
	}
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{Replica: r}
	if err := makeChange(t.Context(), w, 1); err != nil {
		t.Fatal(err)
	}
	backup, err := w.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	copied, err := os.Create(filepath.Join(dir, "own.db"))
	if err == nil {
		_, err = copied.ReadFrom(backup)
	}
	if err := errors.Join(err, copied.Close(), backup.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, nil); !errors.Is(err, store.ErrReplica) {
		t.Errorf("a replica opened as a database of its own: %v", err)
	}
	own, err := Open(copied.Name(), nil) // its backup is one
	if err != nil {
		t.Fatal(err)
	}
	wantLast(t, own, 1)
	if err := own.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReplica(copied.Name(), nil); err == nil {
		t.Error("a database of its own opened as a replica")
	}
}
