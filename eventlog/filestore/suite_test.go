package filestore_test

import (
	"path/filepath"
	"testing"

	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
)

// The rules of every store hold while checkpoints run. With the usual pace, none would run
// before the close.
func TestTheSuitePassesWhileCheckpointsRun(t *testing.T) {
	eventlogtest.TestStore(t, func(t testing.TB, dir string) store.Store {
		s, err := filestore.OpenHasty(filepath.Join(dir, "jr.db"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
