package filestore

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"jrweb/eventlog/store"
)

// newWriter is a replica with some changes.
func newWriter(t *testing.T, journal byte, changes int) *writer {
	t.Helper()
	r, err := OpenReplica(filepath.Join(t.TempDir(), "jr.db"), &Options{pace: shortPace})
	if err == nil {
		err = r.Join([16]byte{journal})
	}
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{Replica: r}
	w.changeTo(t, changes)
	return w
}

func (w *writer) changeTo(t *testing.T, last int) {
	t.Helper()
	for n := len(w.deltas) + 1; n <= last; n++ {
		if err := makeChange(t.Context(), w, n); err != nil {
			t.Fatal(err)
		}
	}
}

// snapshot returns the bytes of a snapshot and its place.
func (w *writer) snapshot(t *testing.T) (raw []byte, at Place) {
	t.Helper()
	path, at, err := w.Snapshot(t.Context())
	if err == nil {
		raw, err = os.ReadFile(path)
	}
	if err = errors.Join(err, os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	return raw, at
}

func writes(raw []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	}
}

// A snapshot is the replica at one position, and what came behind it can be applied to it.
func TestAReplicaBeginsWithASnapshotOfAnother(t *testing.T) {
	w := newWriter(t, 1, 50)
	raw, at := w.snapshot(t)
	if want := (Place{[16]byte{1}, 50, w.links[49]}); at != want {
		t.Errorf("the snapshot is at %v, want %v", at, want)
	}
	w.changeTo(t, 80)
	for name, other := range map[string]*writer{
		"a new one":             newWriter(t, 1, 0),
		"one that lies behind":  newWriter(t, 1, 20),
		"one that did the same": newWriter(t, 1, 50),
	} {
		path := other.s.base.path
		r, err := other.Replace(at, writes(raw), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if r.Place() != at {
			t.Errorf("%s is at %v, want %v", name, r.Place(), at)
		}
		wantLast(t, r, 50)
		for n := 50; n < 80; n++ {
			if err := r.Apply(t.Context(), w.deltas[n], w.links[n]); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		got, err := PlaceOf(path)
		if want := w.Place(); err != nil || got != want {
			t.Errorf("%s at rest is at %v, %v, want %v", name, got, err, want)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// What is not the snapshot that it should be changes nothing.
func TestWhatIsNoSnapshotReplacesNothing(t *testing.T) {
	w := newWriter(t, 1, 30)
	raw, at := w.snapshot(t)
	elsewhere, further := at, at
	elsewhere.Journal[0]++
	further.Position++
	flipped := append([]byte{}, raw...)
	for i := range 2 * os.Getpagesize() { // both heads
		flipped[i] ^= 1
	}
	full := errors.New("disk full")
	for name, c := range map[string]struct {
		at   Place
		fill func(io.Writer) error
		want error
	}{
		"of another journal":  {elsewhere, writes(raw), store.ErrDamaged},
		"of another position": {further, writes(raw), store.ErrDamaged},
		"cut off":             {at, writes(raw[:len(raw)/2]), store.ErrDamaged},
		"damaged":             {at, writes(flipped), store.ErrDamaged},
		"nothing":             {at, writes(nil), store.ErrDamaged},
		"broken off": {at, func(to io.Writer) error {
			return errors.Join(writes(raw[:len(raw)/2])(to), full)
		}, full},
	} {
		old := newWriter(t, 1, 10)
		path := old.s.base.path
		if _, err := old.Replace(c.at, c.fill, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err := old.Close(); err != nil {
			t.Error(err)
		}
		if at, err := PlaceOf(path); err != nil || at.Position != 10 {
			t.Errorf("%s: the file is at %v, %v", name, at, err)
		}
		if names, _ := filepath.Glob(path + "*"); len(names) != 1 {
			t.Errorf("%s: there are %v", name, names)
		}
	}
	if _, _, err := w.Snapshot(ended(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("a snapshot that is not wanted any more: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
