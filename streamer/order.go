package streamer

import (
	"bytes"
	"context"

	"jrweb/eventlog"
)

// A stream of all sessions of a task follows their one order: see [eventlog.Place].

// readAll is next for all sessions.
func (st *eventStream) readAll(ctx context.Context) (part, error) {
	before := st.place
	var more bool
	var err error
	if st.format.slow {
		more, err = st.readAllSlowly(ctx)
	} else {
		more, err = st.hub.watch.ScanAll(ctx, st.place, eventlog.Visit{Event: st.takeOf, Gap: st.passGap})
	}
	if err != nil {
		return part{}, err
	}
	st.markCaughtUp(!more)
	return part{batch: st.made, found: st.place != before, more: more}, nil
}

// readAllSlowly is readAll for a format that would delay the store.
func (st *eventStream) readAllSlowly(ctx context.Context) (more bool, err error) {
	var take []func() bool
	size := 0
	more, err = st.hub.watch.ScanAll(ctx, st.place, eventlog.Visit{
		Event: func(session eventlog.SessionID, e *eventlog.Event) bool {
			kept := *e
			kept.Data = bytes.Clone(e.Data)
			take = append(take, func() bool { return st.takeOf(session, &kept) })
			size += len(e.Data) + frameOverhead
			return size < slowBytes
		},
		Gap: func(g eventlog.Gap) bool {
			take = append(take, func() bool { return st.passGap(g) })
			return true
		},
	})
	if err != nil {
		return false, err
	}
	for _, do := range take {
		if !do() {
			return true, nil
		}
	}
	return more, nil
}

// takeOf is take for an event of any session.
func (st *eventStream) takeOf(session eventlog.SessionID, e *eventlog.Event) bool {
	shown := st.types.Show(e)
	if shown && !st.fits(e) {
		return false
	}
	place := eventlog.PlaceOf(session, e)
	st.markCaughtUp(false)
	if shown {
		if st.from.session != session || st.from.line == nil {
			st.from = newOrigin(st.task, session)
		}
		st.frame(e, !st.began.Before(place))
	}
	st.place = place
	st.keepSent(place, e.Type == eventlog.TypeComplete)
	st.markCaughtUp(false)
	return true
}

// maxSent bounds the sessions that a stream keeps in mind. More are never open, unless many
// were deleted while they were.
const maxSent = 1024

// keepSent keeps in mind how far a session was sent, until its end: for a gap in it.
func (st *eventStream) keepSent(at eventlog.Place, ended bool) {
	switch {
	case ended:
		delete(st.sent, at.Session)
		return
	case st.sent == nil, len(st.sent) == maxSent:
		st.sent = map[eventlog.SessionID]uint64{}
	}
	st.sent[at.Session] = at.Sequence
}

// passGap tells the client of a gap, and moves the place behind it.
func (st *eventStream) passGap(g eventlog.Gap) bool {
	if st.sock.buffered()-st.start+frameOverhead > st.sock.page {
		return false
	}
	st.sock.control("gap", gapData{g.Session, max(g.After, st.sent[g.Session]), g.Next})
	st.place = g.Place
	return true
}
