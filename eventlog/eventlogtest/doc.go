// Package eventlogtest tests implementations of [store.Store]. It also has a store in
// memory for the tests of programs that embed a log.
//
//	func TestMyStore(t *testing.T) {
//		eventlogtest.TestStore(t, func(t testing.TB, dir string) store.Store { return open(t, dir) })
//	}
//
//	log, err := eventlog.New(eventlogtest.NewStore(), nil)
//
// The tests check what [eventlog.Log] relies on:
//
//   - Order: keys are iterated in byte order, and bounds are exact.
//   - Atomicity: an Update changes everything or nothing.
//   - Isolation: a View shows one state, and nothing of an Update that has not returned.
//   - Durability: what an Update wrote is there when the store is opened again.
//   - A log on the store keeps its own promises.
//
// They cannot cut the power. That a power cut takes back nothing that was shown needs tests
// of the store's own.
package eventlogtest
