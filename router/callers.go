package router

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// mostCallers is how many earlier calls are shown with a part at most.
const mostCallers = 100

// addCallers adds to a part of a timeline the earlier calls whose subagents did something
// in the part, and everything that subagents have done, because the part alone does not
// show it.
func (rt *router) addCallers(ctx context.Context, view *page.TaskPage, t *timeline, looks *int) error {
	entries := view.Part.Entries
	view.Part.Subagents = map[eventlog.SessionID]page.Subagents{}
	wanted := map[eventlog.Cursor]bool{}
	for i := range entries {
		session := entries[i].Session
		if _, seen := view.Part.Subagents[session]; seen {
			continue
		}
		info := t.session
		if session != info.ID {
			var err error
			if info, err = t.log.Session(t.task, session).Info(ctx); err != nil {
				return err
			}
		}
		var all page.Subagents
		if err := rt.outlines.with(ctx, &info, looks, func(o *page.Outline) { all = o.Subagents() }); err != nil {
			return err
		}
		view.Part.Subagents[session] = all
		first := entries[i].Sequence
		for j := i; j < len(entries); j++ {
			if entries[j].Session != session {
				continue
			}
			for _, sequence := range all.Callers(&entries[j].Event, first) {
				wanted[eventlog.Cursor{Session: session, Sequence: sequence}] = true
			}
		}
	}
	size := 0
	for at := range wanted {
		if len(view.Part.Callers) == mostCallers || size >= partBytes {
			break
		}
		_, err := t.log.Scan(ctx, t.task, at.Session, at.Sequence-1, func(e *eventlog.Event) bool {
			if e.Sequence == at.Sequence { // else it is no longer kept
				one := *e
				one.Data = bytes.Clone(e.Data)
				size += len(one.Data)
				view.Part.Callers = append(view.Part.Callers, page.Entry{Session: at.Session, Event: one})
			}
			return false
		})
		if err != nil {
			return err
		}
	}
	slices.SortFunc(view.Part.Callers, func(a, b page.Entry) int {
		return cmp.Or(strings.Compare(a.Session.String(), b.Session.String()), cmp.Compare(a.Sequence, b.Sequence))
	})
	return nil
}
