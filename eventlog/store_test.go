package eventlog_test

import (
	"path/filepath"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
)

func TestTheBoltStorePasses(t *testing.T) {
	eventlogtest.TestStore(t, func(t testing.TB, dir string) eventlog.Store {
		store, err := eventlog.OpenBolt(filepath.Join(dir, "jr.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}
