package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"jrweb/eventlog/store"
	"jrweb/internal/disktest"
)

// changeUntilFull makes changes until there is no room for one, or so many were made.
func (h *history) changeUntilFull(most int) (full bool) {
	h.Helper()
	for range most {
		err := makeChange(h.Context(), h, h.n+1)
		if errors.Is(err, store.ErrFull) {
			return true
		}
		if err != nil {
			h.Fatalf("change %d: %v", h.n+1, err)
		}
		h.n++
	}
	return false
}

// changeInReserve makes the next change as one that ends or removes something.
func (h *history) changeInReserve() {
	h.Helper()
	err := h.Update(h.Context(), func(tx store.Tx) error {
		tx.(store.ReserveTx).UseReserve()
		change(h.n+1, tx.Put, tx.Delete)
		return nil
	})
	if err != nil {
		h.Fatalf("change %d, in the reserve: %v", h.n+1, err)
	}
	h.n++
}

// However little room is left on the disk, and whatever the store does when there is none,
// it loses nothing, and it works again as soon as there is room, without a restart. The disk
// is full when the journal is made, when a segment grows, in a checkpoint or at the close.
func TestAFullDiskAtAnyStepHarmsNothing(t *testing.T) {
	const kib = 1 << 10
	tried, refused := 0, 0
	for _, before := range []int{0, 8} {
		for _, free := range []int64{0, 4 * kib, 16 * kib, 256 * kib, 1100 * kib, 2100 * kib, 2300 * kib, 4200 * kib, 5500 * kib, 9000 * kib} {
			for _, end := range []string{"close", "crash", "room"} {
				t.Run(fmt.Sprintf("%d changes, %d KiB free, %s", before, free/kib, end), func(t *testing.T) {
					d := disktest.NewSmall(t, "40m")
					h := newHistory(t, filepath.Join(d.Dir, "jr.db"))
					h.change(before)
					d.Leave(free)
					tried++
					if h.changeUntilFull(30) {
						refused++
					}
					h.check()
					if before > 0 { // so that there is a reserve
						for range 8 {
							h.changeInReserve()
						}
						h.check()
					}
					if err := h.Checkpoint(t.Context()); err != nil && !errors.Is(err, store.ErrFull) {
						t.Error(err)
					}
					h.check()
					switch end {
					case "close":
						h.close()
						h.open()
						h.check()
						if before > 0 {
							h.changeInReserve()
						}
						d.Empty()
					case "crash":
						release := h.hold()
						files := readFiles(t, h.path)
						release()
						h.close()
						writeFiles(t, h.path, files)
						h.open()
						h.check()
						d.Empty()
					case "room":
						d.Empty()
					}
					h.change(20)
					h.check()
					if len(readFiles(t, h.path)) != 3 {
						t.Error("there is room, and no journal")
					}
					h.close()
					if left := readFiles(t, h.path); len(left) != 1 {
						t.Errorf("after a close with room there are %d files", len(left))
					}
				})
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was ever refused: the disk was never full")
	}
	t.Logf("%d of %d disks were full", refused, tried)
}

// When there is no room at all, everything can be removed anyway, also when that is more than
// both halves hold: what is removed makes room for what was to be written before.
func TestEverythingCanBeRemovedFromAFullDisk(t *testing.T) {
	d := disktest.NewSmall(t, "40m")
	h := newHistory(t, filepath.Join(d.Dir, "jr.db"))
	value := bytes.Repeat([]byte("x"), 3000)
	key := func(n int) []byte { return fmt.Appendf(nil, "large %06d", n) }
	n := 0
	put := func() error {
		return h.Update(t.Context(), func(tx store.Tx) error { tx.Put(store.Keys, key(n), value); return nil })
	}
	d.Leave(12 << 20)
	for ; ; n++ {
		if n == 500 {
			d.Leave(0)
		}
		err := put()
		if errors.Is(err, store.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("full after %d", n)
	if n < 500 {
		t.Fatal("the disk was full too early")
	}
	v := h.now.Load()
	for i := range n {
		err := h.Update(t.Context(), func(tx store.Tx) error {
			tx.(store.ReserveTx).UseReserve()
			tx.Delete(store.Keys, key(i))
			return nil
		})
		if err != nil {
			t.Fatalf("removal %d of %d: %v", i, n, err)
		}
	}
	if h.now.Load().after == v.after {
		t.Error("no checkpoint ran: this shows nothing")
	}
	for n = range 100 {
		if err := put(); err != nil {
			t.Fatalf("after everything was removed: %v", err)
		}
	}
	h.close()
	h.open()
	got := 0
	err := h.View(t.Context(), func(r store.Reader) error {
		for range r.Ascend(store.Keys, nil, nil) {
			got++
		}
		return nil
	})
	if err != nil || got != 100 {
		t.Errorf("%d keys, want 100, %v", got, err)
	}
}

// How much room a checkpoint takes is an estimate: free space may be in small pieces, for
// example. If a checkpoint finds too little, appends are refused until somebody makes room,
// and what removes something works. Nothing is lost, and nothing needs a restart.
func TestACheckpointThatFindsNoRoomLosesNothing(t *testing.T) {
	for _, room := range []string{"on the disk", "by removals", "on the disk, after a restart"} {
		t.Run(room, func(t *testing.T) {
			d := disktest.NewSmall(t, "100m")
			h := &history{TB: t, path: filepath.Join(d.Dir, "jr.db"), pace: usualPace}
			h.open()
			defer func() { _ = h.Close() }()
			put := func(key string, n, size int) error {
				return h.Update(t.Context(), func(tx store.Tx) error {
					tx.Put(store.Keys, fmt.Appendf(nil, "%s %06d", key, n), bytes.Repeat([]byte{byte(n)}, size))
					return nil
				})
			}
			remove := func(key string, values int) error {
				return h.Update(t.Context(), func(tx store.Tx) error {
					tx.(store.ReserveTx).UseReserve()
					for n := range values {
						tx.Delete(store.Keys, fmt.Appendf(nil, "%s %06d", key, n))
					}
					return nil
				})
			}
			check := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			const small = 2500
			for _, key := range []string{"small", "beside"} { // so that both segments have room
				for n := range small {
					check(put(key, n, 4000))
				}
				check(h.Checkpoint(t.Context()))
			}
			has := h.base.room.used + minReserve // and no more
			check(os.Truncate(h.path, has))
			h.base.room.backed = has
			d.Leave(0)
			large := 8
			for n := range large {
				h.base.room.counted(h.base.room.used, 1<<30) // the estimate is wrong
				check(put("large", n, 1<<20))
			}
			if err := h.Checkpoint(t.Context()); !errors.Is(err, store.ErrFull) {
				t.Fatalf("the checkpoint finds room, %v: this shows nothing", err)
			}
			count := func() {
				t.Helper()
				got := 0
				check(h.View(t.Context(), func(r store.Reader) error {
					for range r.Ascend(store.Keys, []byte("large "), []byte("large a")) {
						got++
					}
					return nil
				}))
				if got != large {
					t.Fatalf("%d large values, want %d", got, large)
				}
			}
			count()
			switch room {
			case "on the disk":
				d.Empty()
			case "by removals":
				check(remove("small", small)) // goes into the journal
				count()
				check(remove("large", large)) // and with this the checkpoint needs no room
				large = 0
			case "on the disk, after a restart":
				h.close()
				h.open()
				count()
				d.Empty()
			}
			for {
				attempt, _ := h.attempting()
				if err := put("small", 1, 1000); err == nil {
					break
				} else if !errors.Is(err, store.ErrFull) {
					t.Fatal(err)
				}
				check(h.wait(t.Context(), attempt))
			}
			count()
			check(h.Checkpoint(t.Context()))
			h.close()
			if left := readFiles(t, h.path); len(left) != 1 {
				t.Errorf("after a close with room there are %d files", len(left))
			}
			h.open()
			count()
		})
	}
}
