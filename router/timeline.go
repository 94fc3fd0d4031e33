package router

import (
	"context"
	"errors"
	"iter"
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
		newer, more, err := t.forward(ctx, t.after, partEvents, partBytes)
		if err != nil {
			return page.Part{}, err
		}
		place := eventlog.Cursor{Session: t.after.Session, Sequence: min(t.after.Sequence, math.MaxUint64-1) + 1}
		last, _, err := t.backward(ctx, place, 1, 1)
		part := page.Part{Entries: newer, Older: len(last) > 0, Newer: more}
		if len(last) > 0 {
			part.After = eventlog.Cursor{Session: last[0].Session, Sequence: last[0].Sequence}
		}
		return part, err
	case !t.around.Session.IsZero():
		older, moreOlder, err := t.backward(ctx, t.around, partEvents/2, partBytes/2)
		if err != nil {
			return page.Part{}, err
		}
		from := eventlog.Cursor{Session: t.around.Session, Sequence: max(t.around.Sequence, 1) - 1}
		newer, moreNewer, err := t.forward(ctx, from, partEvents/2, partBytes/2)
		return page.Part{Entries: append(older, newer...), Older: moreOlder, Newer: moreNewer}, err
	case !t.before.Session.IsZero():
		older, more, err := t.backward(ctx, t.before, partEvents, partBytes)
		return page.Part{Entries: older, Older: more, Newer: true}, err
	}
	if t.fromStart {
		oldest, more, err := t.forward(ctx, eventlog.Cursor{Session: t.session.ID, Sequence: max(t.session.First, 1) - 1}, partEvents, partBytes)
		return page.Part{Entries: oldest, Newer: more}, err
	}
	end := eventlog.Cursor{Session: t.session.ID, Sequence: t.session.Head + 1}
	newest, more, err := t.backward(ctx, end, partEvents, partBytes)
	return page.Part{Entries: newest, Older: more}, err
}

// backward reads the newest events before a place, in ascending order. more says that there
// are older ones.
func (t *timeline) backward(ctx context.Context, place eventlog.Cursor, events, bytes int) (entries []page.Entry, more bool, err error) {
	for {
		found, older, err := t.backwardIn(ctx, place, events-len(entries), &bytes)
		if err != nil {
			return nil, false, err
		}
		entries = append(found, entries...)
		if older {
			return entries, true, nil
		}
		if !t.whole {
			return entries, false, nil
		}
		previous, err := t.log.Sessions(ctx, t.task, place.Session, 1)
		if err != nil || len(previous) == 0 {
			return entries, false, err
		}
		if len(entries) >= events || bytes <= 0 {
			return entries, true, nil
		}
		place = eventlog.Cursor{Session: previous[0].ID, Sequence: previous[0].Head + 1}
	}
}

// backwardIn reads events of one session before a place. If there are any, it returns at
// least one, however large it is.
func (t *timeline) backwardIn(ctx context.Context, place eventlog.Cursor, events int, bytes *int) (entries []page.Entry, more bool, err error) {
	session := t.session
	if place.Session != session.ID {
		if session, err = t.log.Session(t.task, place.Session).Info(ctx); err != nil {
			return nil, false, err
		}
	}
	end := min(place.Sequence, session.Head+1)
	for {
		read, err := t.log.ReadBefore(ctx, t.task, place.Session, end)
		if err != nil {
			return nil, false, err
		}
		for _, e := range slices.Backward(read.Events) {
			if more = len(entries) == events || len(entries) > 0 && *bytes < weightOf(&e); more {
				break
			}
			entries = append(entries, page.Entry{Session: place.Session, Event: e})
			*bytes -= weightOf(&e)
			end = e.Sequence
		}
		if more || len(read.Events) == 0 {
			slices.Reverse(entries)
			return entries, more, nil
		}
	}
}

// forward reads events after a place. more says that there are newer ones.
func (t *timeline) forward(ctx context.Context, place eventlog.Cursor, events, bytes int) (entries []page.Entry, more bool, err error) {
	for {
		for e, err := range t.events(ctx, place) {
			if err != nil {
				return nil, false, err
			}
			if len(entries) >= events || len(entries) > 0 && bytes < weightOf(&e.Event) {
				return entries, true, nil
			}
			entries = append(entries, e)
			bytes -= weightOf(&e.Event)
		}
		if !t.whole {
			return entries, false, nil
		}
		next, ok, err := t.log.SessionAfter(ctx, t.task, place.Session)
		for errors.Is(err, eventlog.ErrDamaged) && !next.ID.IsZero() { // the other sessions are shown
			next, ok, err = t.log.SessionAfter(ctx, t.task, next.ID)
		}
		if err != nil || !ok {
			return entries, false, err
		}
		place = eventlog.Cursor{Session: next.ID}
	}
}

// events yields the events of a session after a place, up to the head that the page shows.
func (t *timeline) events(ctx context.Context, place eventlog.Cursor) iter.Seq2[page.Entry, error] {
	return func(yield func(page.Entry, error) bool) {
		for {
			read, err := t.log.Read(ctx, t.task, place.Session, place.Sequence)
			if err != nil {
				yield(page.Entry{}, err)
				return
			}
			if len(read.Events) == 0 {
				return
			}
			for _, e := range read.Events {
				if place.Session == t.session.ID && e.Sequence > t.session.Head {
					return
				}
				if !yield(page.Entry{Session: place.Session, Event: e}, nil) {
					return
				}
				place.Sequence = e.Sequence
			}
		}
	}
}
