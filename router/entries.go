package router

import (
	"bytes"
	"context"

	"jrweb/eventlog"
)

// entry is an event with its session.
type entry struct {
	session eventlog.SessionID
	eventlog.Event
}

func (e *entry) place() eventlog.Place { return eventlog.PlaceOf(e.session, &e.Event) }

func entriesOf(session eventlog.SessionID, events []eventlog.Event) []entry {
	entries := make([]entry, len(events))
	for i := range events {
		entries[i] = entry{session, events[i]}
	}
	return entries
}

// allAfter reads a page of events of all sessions after a place. It ends before a gap in a
// session that had started there. Of later sessions, what is no longer kept is left out.
func allAfter(ctx context.Context, log *eventlog.Log, task string, after eventlog.Place) (page []entry, gap *eventlog.Gap, more bool, err error) {
	more, err = log.ScanAll(ctx, task, after, eventlog.Visit{
		Event: keep(&page),
		Gap: func(g eventlog.Gap) bool {
			if g.Begun {
				gap = &g
			}
			return !g.Begun
		},
	})
	return page, gap, more, err
}

// allBefore reads a page of events of all sessions before a place, the last first. The zero
// place is after all of them.
func allBefore(ctx context.Context, log *eventlog.Log, task string, before eventlog.Place) (page []entry, more bool, err error) {
	more, err = log.ScanAllBefore(ctx, task, before, eventlog.Visit{Event: keep(&page)})
	return page, more, err
}

// keep returns a visit that copies events.
func keep(to *[]entry) func(eventlog.SessionID, *eventlog.Event) bool {
	return func(session eventlog.SessionID, e *eventlog.Event) bool {
		kept := entry{session, *e}
		kept.Data = bytes.Clone(e.Data)
		*to = append(*to, kept)
		return true
	}
}
