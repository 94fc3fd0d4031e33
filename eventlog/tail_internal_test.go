package eventlog

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"jrweb/eventlog/internal/record"
)

// A page that was read before a commit must not begin a tail after it: the tail, and all
// its readers, would miss the commit's events for ever.
func TestATailNeverMissesTheCommitThatItsFirstPageDidNotShow(t *testing.T) {
	var ws watches
	ws.init(1 << 20)
	watched := ws.add("t")
	tx := &record.Outcome{Touched: map[string]int{"t": 1}}
	for i := range 5000 { // many tasks, so that it takes a while to tell all of a commit
		id := fmt.Sprintf("t-%d", i)
		ws.add(id)
		tx.Touched[id] = 2 + i
	}
	for round := range 20 {
		late, early := SessionID{1, byte(round)}, SessionID{2, byte(round)}
		tx.Appended = []record.Appended{
			{Task: "t", Session: late, Events: []record.Prepared{{Event: Event{Sequence: 1}}}},
			{Task: "t", Session: early, Events: []record.Prepared{{Event: Event{Sequence: 1}}}},
		}
		before := Page{First: 1}
		_, commits, _ := watched.read(early, 0)
		watched.keep(early, &before, commits)
		_, commits, _ = watched.read(late, 0)

		var wg sync.WaitGroup
		wg.Go(func() { ws.committed(tx, time.Time{}) })
		for { // until the tail of early has the commit; late's came before it
			if page, _, _ := watched.read(early, 0); page.Head == 1 {
				break
			}
			runtime.Gosched()
		}
		watched.keep(late, &before, commits)
		wg.Wait()
		if tail := watched.tails[late]; tail != nil && tail.head != 1 {
			t.Fatalf("round %d: the tail ends at %d, the session at 1", round, tail.head)
		}
	}
}
