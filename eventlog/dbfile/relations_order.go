package dbfile

import (
	"maps"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// checkOrder checks what the order of all events of a task is read with: that changes rise
// with the starts of sessions, and that each session names those that ran beside it.
func (c *relations) checkOrder() error {
	tasks := map[string][]event.SessionID{}
	for _, id := range slices.SortedFunc(maps.Keys(c.sessions), record.CompareIDs) {
		if s := c.sessions[id]; s.known {
			tasks[s.task] = append(tasks[s.task], id)
		}
	}
	for _, task := range slices.Sorted(maps.Keys(tasks)) {
		c.checkOrderOf(task, tasks[task])
	}
	return nil
}

func (c *relations) checkOrderOf(task string, ids []event.SessionID) {
	var running []event.SessionID // those that may have events after the start of the next one
	born := uint64(0)
	for i, id := range ids {
		s := c.sessions[id]
		key := record.SessionKey(task, id)
		if s.born < born {
			c.wrong(store.Sessions, key, "was started by change %d, and an older one by %d", s.born, born)
		}
		born = max(born, s.born)
		beside := s.beside
		if next := i + 1; s.born == 0 && (next == len(ids) || c.sessions[ids[next]].born > 0) && c.tasks[task].record != nil {
			beside = c.tasks[task].record.Carried
		} else if s.born == 0 {
			running = append(running, id)
			continue // an earlier format wrote all events before the next start
		}
		running = slices.DeleteFunc(running, func(older event.SessionID) bool { return c.sessions[older].last <= s.born })
		for _, older := range running {
			if !slices.Contains(beside, older) {
				c.wrong(store.Sessions, record.SessionKey(task, older), "has events after the start of session %s, which does not name it", id)
			}
		}
		running = append(running, id)
	}
}
