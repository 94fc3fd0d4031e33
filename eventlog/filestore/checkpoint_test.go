package filestore

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/overlay"
	"jrweb/eventlog/store"
)

// history is a store with a history in it.
type history struct {
	testing.TB
	*fileStore
	path string
	pace pace
	n    int // the last change
}

func newHistory(t testing.TB, path string) *history {
	t.Helper()
	h := &history{TB: t, path: path, pace: shortPace}
	h.open()
	t.Cleanup(func() {
		if h.fileStore != nil {
			_ = h.Close()
		}
	})
	return h
}

func (h *history) open() {
	h.Helper()
	s, err := Open(h.path, &Options{pace: h.pace})
	if err != nil {
		h.Fatal(err)
	}
	h.fileStore = s.(*fileStore)
}

func (h *history) close() {
	h.Helper()
	err := h.Close()
	h.fileStore = nil
	if err != nil {
		h.Fatal(err)
	}
}

// change makes the next changes.
func (h *history) change(changes int) {
	h.Helper()
	for range changes {
		if err := makeChange(h.Context(), h, h.n+1); err != nil {
			h.Fatalf("change %d: %v", h.n+1, err)
		}
		h.n++
	}
}

// check checks that the store has all changes and nothing else.
func (h *history) check() {
	h.Helper()
	if n, err := lastIn(h.Context(), h); err != nil || n != h.n {
		h.Fatalf("the last change is %d, want %d, %v", n, h.n, err)
	}
}

// hold keeps checkpoints from writing, as a very slow disk does, until release is called.
func (h *history) hold() (release func()) {
	h.Helper()
	tx, err := h.base.db.Begin(true)
	if err != nil {
		h.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			h.Fatal(err)
		}
	}
}

// When the disk of the file is slower than the writers, they wait. They do not fail, and what
// is kept in memory stays bounded. Readers go on.
func TestWritersWaitForACheckpointThatDoesNotCatchUp(t *testing.T) {
	h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
	h.change(1)
	release := h.hold()
	waited := false
	for range 200 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := makeChange(ctx, h, h.n+1)
		cancel()
		if err == nil {
			h.n++
			continue
		}
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, store.ErrNotCommitted) {
			t.Fatalf("change %d: %v", h.n+1, err)
		}
		if v := h.now.Load(); v.frozen != nil { // else the machine was slow
			waited = true
			break
		}
	}
	if !waited {
		t.Fatalf("after %d changes, none has waited", h.n)
	}
	v := h.now.Load()
	if bytes := v.frozen.Bytes() + v.active.Bytes(); bytes > 2*shortPace.halfBytes+4000 {
		t.Errorf("%d bytes are kept in memory, and a half has %d", bytes, shortPace.halfBytes)
	}
	h.check() // readers do not wait

	var wg sync.WaitGroup
	wg.Go(func() { h.change(1) })
	release()
	wg.Wait()
	h.change(20)
	h.check()
	h.close()
	if err := checkFile(h.path); err != nil {
		t.Error(err)
	}
}

// Who asks for a checkpoint waits for it, and nobody else does.
func TestChangesGoOnWhileACheckpointIsWaitedFor(t *testing.T) {
	h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
	h.change(3)
	release := h.hold()
	ended := make(chan error)
	go func() { ended <- h.Checkpoint(t.Context()) }()
	for h.now.Load().frozen == nil {
		runtime.Gosched()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := makeChange(ctx, h, h.n+1); err != nil {
		t.Fatalf("a change beside it: %v", err)
	}
	h.n++
	select {
	case err := <-ended:
		t.Fatalf("it has ended before anything was written: %v", err)
	default:
	}
	release()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if v := h.now.Load(); v.after < 3 {
		t.Errorf("the file has changes up to %d", v.after)
	}
	h.check()
	h.close()
}

// A reader sees at each moment a state that was, while others write and checkpoints run.
func TestAViewIsAStateThatWasWhateverRunsBesideIt(t *testing.T) {
	h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			before := 0
			for reads := 0; ; reads++ {
				n, err := lastIn(t.Context(), h)
				if err != nil || n < before {
					t.Errorf("after change %d a view shows %d: %v", before, n, err)
					return
				}
				before = n
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	h.change(150)
	close(done)
	wg.Wait()
	if h.now.Load().after == 0 {
		t.Error("no checkpoint ran: this shows nothing")
	}
}

// A view takes the file first, and then what lies over it. In the other order, or with a file
// that is older than what lies over it begins, it would show a state that never was.
func TestAViewTakesTheFileBeforeWhatLiesOverIt(t *testing.T) {
	h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
	h.change(5)
	show := func(tx *bolt.Tx, v *version) error {
		base := &boltfile.Reader{Tx: tx}
		r := overlay.NewReader(base, v.upto, v.active, v.frozen)
		_, err := lastOf(&r)
		return errors.Join(err, base.Err, tx.Rollback())
	}
	begin := func() *bolt.Tx {
		tx, err := h.base.db.Begin(false)
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	passTime := func() {
		h.change(12)
		if err := h.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.change(1)
	}
	over := h.now.Load()
	passTime()
	if err := show(begin(), over); err == nil {
		t.Error("what lies over the file, then the file: that is a state that was, so this shows nothing")
	}
	file := begin()
	passTime()
	over, position, fits, err := h.over(file)
	if err != nil || over.after <= position {
		t.Fatalf("the file has the position %d, and what lies over it begins after %d, %v: this shows nothing", position, over.after, err)
	}
	if fits {
		t.Error("a file that is too old is taken for one that what lies over it belongs to")
	}
	if err := show(file, over); err == nil {
		t.Error("a file that is too old: that is a state that was, so this shows nothing")
	}
	view, err := h.look()
	if err != nil {
		t.Fatal(err)
	}
	if err := show(view.tx, view.version); err != nil {
		t.Error(err)
	}
}

// A change that goes straight to the file, because the journal has no room, can be seen there
// before its sync has returned. Nobody is shown it before.
func TestNothingIsShownBeforeItsUpdateHasReturned(t *testing.T) {
	h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
	h.change(3)
	if err := h.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.writing.Lock() // an Update runs
	d := overlay.NewTx(overlay.NewReader(nil, 0))
	change(4, d.Put, d.Delete)
	encoded, err := d.Delta(0)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := overlay.Merge([]overlay.Delta{{Position: 4, Encoded: encoded}})
	m := h.base.mark
	m.Position = 4
	if err := errors.Join(err, h.base.apply(slices.Values(ops), m, false)); err != nil {
		t.Fatal(err)
	}
	if tx, err := h.base.db.Begin(false); err != nil {
		t.Fatal(err)
	} else if position, err := boltfile.ReadPosition(tx); err != nil || position != 4 || tx.Rollback() != nil {
		t.Fatal("the file does not show the change yet: this test looks too early")
	}
	shown := make(chan int)
	go func() {
		n, err := lastIn(t.Context(), h)
		if err != nil {
			t.Error(err)
		}
		shown <- n
	}()
	select {
	case n := <-shown:
		t.Fatalf("change %d is shown before its Update has returned", n)
	case <-time.After(20 * time.Millisecond):
	}
	h.journal.Skip()
	h.fileStore.change(func(v *version) { v.after, v.upto = 4, 4 })
	h.n = 4
	h.writing.Unlock()
	if n := <-shown; n != 4 {
		t.Errorf("a View that waited for change 4 shows %d", n)
	}
	h.change(1)
	h.check()
}

// What was committed a while ago goes into the file, also if nothing more is committed, and
// also after a recovery.
func TestAnOldHalfGoesIntoTheFile(t *testing.T) {
	c := newCrashed(t)
	quick := shortPace
	quick.halfAge = time.Millisecond
	for name, test := range map[string]struct {
		files   map[string][]byte
		changes int
	}{
		"a new store":                      {nil, 2},
		"after a recovery":                 {c.files, 0},
		"after a recovery, and one change": {c.files, 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jr.db")
			writeFiles(t, path, test.files)
			opened, err := Open(path, &Options{pace: quick})
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close()
			s := opened.(*fileStore)
			n, err := lastIn(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			for range test.changes {
				n++
				if err := makeChange(t.Context(), s, n); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for {
				attempt, _ := s.attempting()
				if v := s.now.Load(); v.frozen == nil && len(v.newer) == 0 {
					break
				}
				if err := s.wait(ctx, attempt); err != nil {
					t.Fatalf("%d changes do not go into the file: %v", len(s.now.Load().newer), err)
				}
			}
			if got, err := lastIn(t.Context(), s); err != nil || got != n {
				t.Errorf("the last change is %d, want %d, %v", got, n, err)
			}
		})
	}
}
