package eventlog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/eventlog/dbfile"
)

func TestCompactKeepsEverythingButFreeSpace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	f := &fixture{T: t, Log: openLog(t, path)}
	gone := f.start("gone")
	for range 20 {
		f.append(gone, says(strings.Repeat("x", 100_000)))
	}
	kept := f.start("kept")
	f.append(kept, says("here"))
	f.ok(f.DeleteTask(t.Context(), "gone"))
	f.ok(f.Close())
	f.Log = openLog(t, path) // the purger's work may have been interrupted
	f.ok(f.Close())
	f.ok(os.Chmod(path, 0o640)) // a group may read it
	before := wantSound(t, path)

	was, is, err := dbfile.Compact(t.Context(), path, nil)
	f.ok(err)
	after := wantSound(t, path)
	wantEqual(t, "size before", was, before.Size)
	wantEqual(t, "size after", is, after.Size)
	wantEqual(t, "events", after.Events, before.Events)
	if is >= was {
		t.Errorf("%d bytes before, %d after", was, is)
	}
	info, err := os.Stat(path)
	f.ok(err)
	wantEqual(t, "mode", info.Mode(), os.FileMode(0o640))
	f.Log = openLog(t, path)
	defer f.Close()
	wantSlice(t, "events", f.contents(kept), []string{"here"})
}

func TestCompactWorksBehindASymbolicLink(t *testing.T) {
	path := worked(t)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, _, err := dbfile.Compact(t.Context(), link, nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "type of the link", info.Mode().Type(), os.ModeSymlink)
	wantSound(t, path)
}

func TestCompactThatIsBrokenOffChangesNothing(t *testing.T) {
	path := worked(t)
	before := snapshot(t, path)
	for _, at := range []int64{0, 500, 900} { // of 1,000
		ctx, cancel := context.WithCancel(t.Context())
		_, _, err := dbfile.Compact(ctx, path, func(done, total int64) {
			if done >= total*at/1000 {
				cancel()
			}
		})
		wantErr(t, "compact", err, context.Canceled)
		before.wantUntouched(t, path)
	}
}

func TestWhatAKilledProcessLeftBesideTheFileIsRemoved(t *testing.T) {
	path := worked(t)
	left := path + ".unfinished-123"
	others := []string{path + ".unfinished-of-mine", path + ".backup-123", path + "2.unfinished-123"}
	for _, name := range append(others, left) {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A check only reads, and changes nothing.
	wantSound(t, path)
	if _, err := os.Stat(left); err != nil {
		t.Error(err)
	}
	if err := openLog(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v", left, err)
	}
	for _, name := range others {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}
