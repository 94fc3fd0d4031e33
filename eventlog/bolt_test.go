package eventlog_test

import (
	"os"
	"path/filepath"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/store"
)

func TestTheFileIsForItsOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "jr.db")
	if err := openStore(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "mode", info.Mode(), os.FileMode(0o600))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "files", len(entries), 1)
}

func TestASecondOpenerIsToldThatTheFileIsHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	first := openStore(t, path)
	_, err := eventlog.Open(path, nil)
	wantErr(t, "second", err, eventlog.ErrHeld)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openStore(t, path).Close(); err != nil { // the control
		t.Fatal(err)
	}
}

func TestAFolderThatIsNotThereIsAnError(t *testing.T) {
	_, err := eventlog.Open(filepath.Join(t.TempDir(), "no", "jr.db"), nil)
	wantErr(t, "open", err, os.ErrNotExist)
}

func TestStatsOfTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	db := openStore(t, path).(store.StatsStore)
	defer db.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "size", db.Stats().Size, info.Size())
	wantEqual(t, "views", db.Stats().Views, 0)
	err = db.View(t.Context(), func(store.Reader) error {
		wantEqual(t, "views within one", db.Stats().Views, 1)
		return nil
	})
	wantErr(t, "view", err, nil)
	key := []byte("key")
	for _, write := range []func(store.Tx){
		func(tx store.Tx) { tx.Put("meta", key, make([]byte, 100<<10)) },
		func(tx store.Tx) { tx.Delete("meta", key) },
	} {
		err := db.Update(t.Context(), func(tx store.Tx) error {
			write(tx)
			return nil
		})
		wantErr(t, "update", err, nil)
	}
	if free := db.Stats().Free; free < 100<<10 {
		t.Errorf("after 100 KiB were deleted, %d bytes are free", free)
	}
}
