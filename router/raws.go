package router

import (
	"context"
	"sync"

	"jrweb/eventlog"
	"jrweb/router/page"
)

const (
	// rawsLooked is how many events one page looks at to find those of type raw.
	// The next page goes on where it stopped.
	rawsLooked = 50_000
	// rawsKept is how many sessions are remembered.
	rawsKept = 1000
)

// rawCounts counts the events of type raw in sessions. It remembers how far it came:
// what is appended does not change.
type rawCounts struct {
	mu       sync.Mutex
	sessions map[eventlog.SessionID]rawCount
}

// rawCount is what was found in a session up to a sequence.
type rawCount struct {
	upTo, first uint64
	count       int
}

// of counts those of the sessions, which come the oldest first.
func (r *rawCounts) of(ctx context.Context, log *eventlog.Log, task string, sessions []eventlog.SessionInfo) (page.Raws, error) {
	var sum page.Raws
	looked := 0
	for i := range sessions {
		c, err := r.look(ctx, log, task, &sessions[i], &looked)
		if err != nil {
			return sum, err
		}
		if c.count > 0 && sum.Count == 0 {
			sum.First = eventlog.Cursor{Session: sessions[i].ID, Sequence: c.first}
		}
		sum.Count += c.count
		sum.More = sum.More || c.upTo < sessions[i].Head
	}
	return sum, nil
}

func (r *rawCounts) look(ctx context.Context, log *eventlog.Log, task string, s *eventlog.SessionInfo, looked *int) (rawCount, error) {
	r.mu.Lock()
	c := r.sessions[s.ID]
	r.mu.Unlock()
	for c.upTo < s.Head && *looked < rawsLooked {
		before := c.upTo
		_, err := log.Scan(ctx, task, s.ID, c.upTo, func(e *eventlog.Event) bool {
			*looked++
			c.upTo = e.Sequence
			if e.Type == page.TypeRaw {
				if c.count == 0 {
					c.first = e.Sequence
				}
				c.count++
			}
			return e.Sequence < s.Head && *looked < rawsLooked
		})
		if err != nil {
			return c, err
		}
		if c.upTo == before { // the rest is no longer kept
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.sessions) >= rawsKept {
		clear(r.sessions)
	}
	if r.sessions == nil {
		r.sessions = map[eventlog.SessionID]rawCount{}
	}
	if known := r.sessions[s.ID]; known.upTo < c.upTo {
		r.sessions[s.ID] = c
	}
	return c, nil
}
