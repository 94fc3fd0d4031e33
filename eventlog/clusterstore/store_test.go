package clusterstore_test

import (
	"path/filepath"
	"strings"
	"testing"

	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/internal/natstest"
	"jrweb/eventlog/store"
)

func TestMain(m *testing.M) { natstest.Main(m) }

// One replica keeps the rules of every store.
func TestAReplicaPasses(t *testing.T) {
	server := natstest.Start(t)
	eventlogtest.TestStore(t, func(t testing.TB, dir string) store.Store {
		// A stream for each folder: what was written there must be there again.
		name := strings.NewReplacer("/", "_", ".", "_").Replace(dir)
		s, err := clusterstore.Open(t.Context(), filepath.Join(dir, "jr.db"), server.URL, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
