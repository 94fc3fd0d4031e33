package eventlog

import (
	"context"
	"slices"
	"sort"

	"jrweb/eventlog/internal/record"
)

// orderTail is the newest events of a task, of all its sessions in their order. Like a tail
// it is a cache: a reader whose place is before its first event reads the store.
type orderTail struct {
	events  []located // none is missing after from
	fresh   []located // of the commit that is being added, in any order
	from    Place     // see events
	end     Place     // of the last event, or from
	bytes   int       // size of events
	dropped int       // size of the dropped events that the array still holds
}

// located is an event with its session.
type located struct {
	session SessionID
	Event
}

func (e *located) place() Place { return PlaceOf(e.session, &e.Event) }

// ScanAll is [Log.ScanAll], from memory where possible.
func (w *Watch) ScanAll(ctx context.Context, after Place, visit Visit) (more bool, err error) {
	l, t := w.log, w.task
	if err := l.Err(); err != nil {
		return false, err
	}
	events, more, commits, ok := t.readAll(after)
	if ok {
		for i := range events {
			if !visit.Event(events[i].session, &events[i].Event) {
				return true, nil
			}
		}
		return more, nil
	}
	end := after
	seen := visit
	seen.Event = func(session SessionID, e *Event) bool {
		end = PlaceOf(session, e)
		return visit.Event(session, e)
	}
	more, err = l.scanAll(ctx, t.id, &t.decoded, after, seen)
	if err == nil && !more {
		t.keepAll(end, commits)
	}
	return more, err
}

// BehindAll is [Watch.Behind] for a reader of all sessions.
func (w *Watch) BehindAll(at Place) bool {
	w.task.mu.Lock()
	defer w.task.mu.Unlock()
	t := w.task.all
	return t == nil || at.Before(t.end)
}

// readAll is read for all sessions.
func (w *watchedTask) readAll(after Place) (events []located, more bool, commits uint64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.all
	if t == nil || after.Before(t.from) {
		return nil, false, w.commits, false
	}
	from := sort.Search(len(t.events), func(i int) bool { return after.Before(t.events[i].place()) })
	to, page := from, newAllowance()
	for to < len(t.events) {
		to++
		if page.spend(&t.events[to-1].Event) {
			break
		}
	}
	return t.events[from:to:to], to < len(t.events), 0, true
}

// keepAll begins the tail of all sessions at the end of their order, if no commit has
// touched the task since commits was read.
func (w *watchedTask) keepAll(end Place, commits uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.commits == commits && w.all == nil {
		w.all = &orderTail{from: end, end: end}
	}
}

// add takes the events of an append. They are not shown until settle.
func (t *orderTail) add(a *record.Appended) {
	for i := range a.Events {
		one := located{a.Session, a.Events[i].Event}
		if t.end.Before(one.place()) { // else the read that began the tail had it already
			t.fresh = append(t.fresh, one)
		}
	}
}

// settle shows the events of a commit in their order.
func (w *watchedTask) settle(limit int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.all
	if t == nil || len(t.fresh) == 0 {
		return
	}
	slices.SortFunc(t.fresh, func(a, b located) int { return a.place().Compare(b.place()) })
	for i := range t.fresh {
		t.bytes += tailBytes(&t.fresh[i].Event)
	}
	t.events = append(t.events, t.fresh...)
	t.end = t.fresh[len(t.fresh)-1].place()
	t.fresh = nil
	t.shrink(limit)
}

// shrink drops the oldest events beyond limit bytes, as that of a tail does.
func (t *orderTail) shrink(limit int) {
	surplus := 0
	for t.bytes > limit && surplus < len(t.events) {
		n := tailBytes(&t.events[surplus].Event)
		t.bytes -= n
		t.dropped += n
		t.from = t.events[surplus].place()
		surplus++
	}
	t.events = t.events[surplus:]
	if t.dropped > limit {
		t.events = slices.Clone(t.events)
		t.dropped = 0
	}
}
