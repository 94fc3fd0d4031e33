package record

import (
	"encoding/binary"
	"testing"

	"jrweb/eventlog/event"
)

// Some thousand sessions that are open together are remembered, and no more, however many
// there are.
func TestRecentStatesAreBounded(t *testing.T) {
	id := func(n int) (id event.SessionID) {
		binary.BigEndian.PutUint64(id[:], uint64(n))
		return id
	}
	var r Recent
	for n := range 10 * maxRecent {
		r.keep(id(n), recentState{task: "t", head: uint64(n)})
		if got := len(r.young) + len(r.old); got > 2*maxRecent {
			t.Fatalf("after %d sessions %d states are kept", n+1, got)
		}
		s, task, ok := r.state(id(max(0, n+1-maxRecent)))
		if want := uint64(max(0, n+1-maxRecent)); !ok || task != "t" || s.Head != want || s.Totals.Events != want {
			t.Fatalf("after %d sessions the state of one of the last %d is %+v of task %q", n+1, maxRecent, s, task)
		}
	}
	if _, _, ok := r.state(id(0)); ok {
		t.Error("the first session is still remembered")
	}
	last := id(10*maxRecent - 1)
	r.forget(last)
	if _, _, ok := r.state(last); ok {
		t.Error("a session is remembered after it ended")
	}
}
