package filestore

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/eventlog/store"
)

// A file says where its journal is, so a copy of it says the same. Only one of the two may
// use it.
func TestACopyDoesNotTakeTheJournalOfItsOriginal(t *testing.T) {
	dir := t.TempDir()
	original, copied := filepath.Join(t.TempDir(), "jr.db"), filepath.Join(t.TempDir(), "jr.db")
	s, err := Open(original, &Options{JournalDir: dir}) // no checkpoint changes what is copied
	if err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		if err := makeChange(t.Context(), s, n+1); err != nil {
			t.Fatal(err)
		}
	}
	writeFiles(t, copied, readFiles(t, original))
	if _, err := Open(copied, &Options{JournalDir: dir}); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), original) {
		t.Errorf("Open returned %v", err)
	}
	if err := makeChange(t.Context(), s, 6); err != nil {
		t.Error(err)
	}
	files := readFiles(t, filepath.Join(dir, "jr.db"))
	// The control: a file that was moved has its journal.
	_ = s.(*fileStore).failed(errors.New("its process ends"))
	if err := errors.Join(s.Close(), os.Remove(original)); err != nil || len(files) != 2 {
		t.Fatal(len(files), err)
	}
	if err := checkCrashed(t.Context(), copied, 6, 6, true); err != nil {
		t.Error(err)
	}
}

// A journal whose directory is not mounted is missing, whatever the options say.
func TestAJournalWhoseDirectoryIsMissingIsNamed(t *testing.T) {
	dir, path := filepath.Join(t.TempDir(), "journal"), filepath.Join(t.TempDir(), "jr.db")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, &Options{JournalDir: dir, pace: shortPace})
	if err != nil {
		t.Fatal(err)
	}
	err = makeChange(t.Context(), s, 1)
	_ = s.(*fileStore).failed(errors.New("its process ends"))
	if err := errors.Join(err, s.Close(), os.Rename(dir, dir+" elsewhere")); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{"", dir} {
		if _, err := Open(path, &Options{JournalDir: given}); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), dir) {
			t.Errorf("with %q Open returned %v", given, err)
		}
	}
}

// What a store makes beside its file it makes there, wherever the process has gone, and also
// if it was opened by a link.
func TestAStoreStaysWithItsFile(t *testing.T) {
	dir, links := t.TempDir(), t.TempDir()
	t.Chdir(links)
	if err := os.Symlink(filepath.Join(dir, "jr.db"), "link.db"); err != nil {
		t.Fatal(err)
	}
	h := newHistory(t, filepath.Join(dir, "jr.db"))
	h.close()
	h.path = "link.db"
	h.open()
	t.Chdir(t.TempDir())
	if err := os.RemoveAll(links); err != nil {
		t.Fatal(err)
	}
	h.change(5)
	backup, err := h.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, backup); n != backup.Size || err != nil {
		t.Errorf("%d of %d bytes, %v", n, backup.Size, err)
	}
	if err := backup.Close(); err != nil {
		t.Error(err)
	}
	if files := readFiles(t, filepath.Join(dir, "jr.db")); len(files) != 3 {
		t.Errorf("while it is used there are %d files", len(files))
	}
	h.close()
	if files := readFiles(t, filepath.Join(dir, "jr.db")); len(files) != 1 {
		t.Errorf("after the close there are %d files", len(files))
	}
}
