package router

import (
	"context"
	"math"
	"slices"
	"strconv"

	"jrweb/eventlog"
	"jrweb/router/blob"
	"jrweb/router/page"
)

const (
	// A page shows this many events of a timeline, or fewer if their data reaches this
	// size: to open a page must not cost megabytes.
	partEvents = 200
	partBytes  = 2 << 20
)

// weightOf is how many bytes an event counts for. Images are not in the page.
func weightOf(e *eventlog.Event) int { return len(e.Data) - blob.SizeIn(e.Data) }

// timeline finds the part of a timeline that a page shows.
type timeline struct {
	log  *eventlog.Log
	task string
	// session is the session of the timeline, with the head up to which it is shown. If
	// whole is set, the zero session means all sessions.
	session eventlog.SessionInfo
	whole   bool
	// fromStart shows the oldest part instead of the newest, if no place is requested.
	fromStart bool
	// Where the part is: before, after or around an event. If all are zero, it is at an
	// end.
	before, after, around eventlog.Cursor
}

// parsePlace reads where the part is. In the timeline of one session a place is a sequence,
// in that of all sessions a cursor.
func (t *timeline) parsePlace(q queryValues) error {
	if at, given := q["at"]; given {
		if at != "end" {
			return badQuery("at", "must be end")
		}
		t.fromStart = false
	}
	given := 0
	for name, to := range map[string]*eventlog.Cursor{"before": &t.before, "after": &t.after, "around": &t.around} {
		text, has := q[name]
		if !has {
			continue
		}
		if given++; given > 1 {
			return badQuery(name, "only one of before, after and around can be given")
		}
		if t.whole {
			cursor, err := eventlog.ParseCursor(text)
			if err != nil {
				return badQuery(name, "must be a cursor, <session>:<sequence>")
			}
			*to = cursor
			continue
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || n == 0 && name != "after" {
			return badQuery(name, "must be the sequence of an event")
		}
		*to = eventlog.Cursor{Session: t.session.ID, Sequence: n}
	}
	return nil
}

// part reads the part. A place that does not exist (any more) stands for where it would be.
func (t *timeline) part(ctx context.Context) (page.Part, error) {
	switch {
	case !t.after.Session.IsZero():
		place, err := t.place(ctx, t.after)
		if err != nil {
			return page.Part{}, err
		}
		newer, more, err := t.forward(ctx, place, partEvents, partBytes)
		if err != nil {
			return page.Part{}, err
		}
		place.Sequence = min(place.Sequence, math.MaxUint64-1) + 1
		last, _, err := t.backward(ctx, place, 1, 1)
		part := page.Part{Entries: newer, Older: len(last) > 0, Newer: more}
		if len(last) > 0 {
			part.After = eventlog.PlaceOf(last[0].Session, &last[0].Event)
		}
		return part, err
	case !t.around.Session.IsZero():
		place, err := t.place(ctx, t.around)
		if err != nil {
			return page.Part{}, err
		}
		older, moreOlder, err := t.backward(ctx, place, partEvents/2, partBytes/2)
		if err != nil {
			return page.Part{}, err
		}
		place.Sequence = max(place.Sequence, 1) - 1
		newer, moreNewer, err := t.forward(ctx, place, partEvents/2, partBytes/2)
		return page.Part{Entries: append(older, newer...), Older: moreOlder, Newer: moreNewer}, err
	case !t.before.Session.IsZero():
		place, err := t.place(ctx, t.before)
		if err != nil {
			return page.Part{}, err
		}
		older, more, err := t.backward(ctx, place, partEvents, partBytes)
		return page.Part{Entries: older, Older: more, Newer: true}, err
	}
	if t.fromStart {
		start := eventlog.Place{Cursor: eventlog.Cursor{Session: t.session.ID, Sequence: max(t.session.First, 1) - 1}}
		oldest, more, err := t.forward(ctx, start, partEvents, partBytes)
		return page.Part{Entries: oldest, Newer: more}, err
	}
	end := eventlog.Place{} // of all sessions
	if !t.whole {
		end.Cursor = eventlog.Cursor{Session: t.session.ID, Sequence: t.session.Head + 1}
	}
	newest, more, err := t.backward(ctx, end, partEvents, partBytes)
	return page.Part{Entries: newest, Older: more}, err
}

// place returns the place of a cursor.
func (t *timeline) place(ctx context.Context, c eventlog.Cursor) (eventlog.Place, error) {
	if !t.whole {
		return eventlog.Place{Cursor: c}, nil
	}
	place, _, err := t.log.Place(ctx, t.task, c)
	return place, err
}

// shows reports whether the page shows an event: it shows its session up to the head that
// it describes. The events behind that are not shown either, so that none is missing in between.
func (t *timeline) shows(e *entry) bool {
	return e.session != t.session.ID || e.Sequence <= t.session.Head
}

// backward reads the newest events before a place, in ascending order. If there are any, it
// returns at least one, however large it is. more says that there are older ones.
func (t *timeline) backward(ctx context.Context, place eventlog.Place, events, bytes int) (entries []page.Entry, more bool, err error) {
	room := bytes
	for {
		read, err := t.pageBefore(ctx, place)
		if err != nil {
			return nil, false, err
		}
		for i := range read {
			e := &read[i]
			place = e.place()
			if !t.shows(e) {
				entries, room = nil, bytes
				continue
			}
			if len(entries) == events || len(entries) > 0 && room < weightOf(&e.Event) {
				slices.Reverse(entries)
				return entries, true, nil
			}
			entries = append(entries, page.Entry{Session: e.session, Event: e.Event})
			room -= weightOf(&e.Event)
		}
		if len(read) == 0 {
			slices.Reverse(entries)
			return entries, false, nil
		}
	}
}

// pageBefore reads a page of events before a place, the last first.
func (t *timeline) pageBefore(ctx context.Context, place eventlog.Place) (page []entry, err error) {
	if t.whole {
		_, err = t.log.ScanAllBefore(ctx, t.task, place, eventlog.Visit{Event: keep(&page), PassOver: true})
		return page, err
	}
	read, err := t.log.ReadBefore(ctx, t.task, place.Session, min(place.Sequence, t.session.Head+1))
	slices.Reverse(read.Events)
	return entriesOf(place.Session, read.Events), err
}

// forward reads events after a place. If there are any, it returns at least one. more says
// that there are newer ones.
func (t *timeline) forward(ctx context.Context, place eventlog.Place, events, bytes int) (entries []page.Entry, more bool, err error) {
	for {
		read, err := t.pageAfter(ctx, place)
		if err != nil {
			return nil, false, err
		}
		for i := range read {
			e := &read[i]
			place = e.place()
			if !t.shows(e) {
				return entries, false, nil
			}
			if len(entries) >= events || len(entries) > 0 && bytes < weightOf(&e.Event) {
				return entries, true, nil
			}
			entries = append(entries, page.Entry{Session: e.session, Event: e.Event})
			bytes -= weightOf(&e.Event)
		}
		if len(read) == 0 {
			return entries, false, nil
		}
	}
}

// pageAfter reads a page of events after a place. What is no longer kept is passed over.
func (t *timeline) pageAfter(ctx context.Context, place eventlog.Place) (page []entry, err error) {
	if t.whole {
		_, err = t.log.ScanAll(ctx, t.task, place, eventlog.Visit{Event: keep(&page), PassOver: true})
		return page, err
	}
	read, err := t.log.Read(ctx, t.task, place.Session, place.Sequence)
	return entriesOf(place.Session, read.Events), err
}
