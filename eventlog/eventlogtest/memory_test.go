package eventlogtest_test

import (
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
)

func TestTheStoreInMemoryPasses(t *testing.T) {
	stores := map[string]eventlog.Store{}
	eventlogtest.TestStore(t, func(_ testing.TB, dir string) eventlog.Store {
		if stores[dir] == nil {
			stores[dir] = eventlogtest.NewStore()
		}
		return stores[dir]
	})
}

func TestAStoreThatForgetsSkipsWhatItCannotPromise(t *testing.T) {
	opened := map[string]bool{}
	eventlogtest.TestStore(t, func(t testing.TB, dir string) eventlog.Store {
		if opened[dir] {
			t.Skip("this store forgets")
		}
		opened[dir] = true
		return eventlogtest.NewStore()
	})
}
