package eventlogtest_test

import (
	"testing"

	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

func TestTheStoreInMemoryPasses(t *testing.T) {
	stores := map[string]store.Store{}
	eventlogtest.TestStore(t, func(_ testing.TB, dir string) store.Store {
		if stores[dir] == nil {
			stores[dir] = eventlogtest.NewStore()
		}
		return stores[dir]
	})
}

func TestAStoreThatForgetsSkipsWhatItCannotPromise(t *testing.T) {
	opened := map[string]bool{}
	eventlogtest.TestStore(t, func(t testing.TB, dir string) store.Store {
		if opened[dir] {
			t.Skip("this store forgets")
		}
		opened[dir] = true
		return eventlogtest.NewStore()
	})
}
