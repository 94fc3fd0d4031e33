package eventlog_test

import (
	"path/filepath"
	"testing"

	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
)

func TestTheFileStorePasses(t *testing.T) {
	eventlogtest.TestStore(t, func(t testing.TB, dir string) store.Store {
		store, err := filestore.Open(filepath.Join(dir, "jr.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}
