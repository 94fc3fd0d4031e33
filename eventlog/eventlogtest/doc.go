// Package eventlogtest tests implementations of [eventlog.Store], and has one in
// memory for the tests of programs that embed a log.
//
//	func TestMyStore(t *testing.T) {
//		eventlogtest.TestStore(t, func(t testing.TB, dir string) eventlog.Store { return open(t, dir) })
//	}
//
//	log, err := eventlog.New(eventlogtest.NewStore(), nil)
//
// The suite holds a store to what [eventlog.Log] relies on:
//
//   - Order: keys are iterated in byte order, and bounds are exact.
//   - Atomicity: an Update changes all or nothing.
//   - Isolation: a View shows one state, and no Update that has not returned.
//   - Durability: what an Update wrote is there when the store is opened again.
//   - A log on the store keeps its own promises.
//
// It cannot pull the plug: that what is shown survives a power cut is for the
// store's own tests to show.
package eventlogtest
