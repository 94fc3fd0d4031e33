package streamer

import (
	"context"
	"errors"

	"jrweb/eventlog"
)

// locate finds where the stream begins. The first read finds everything that commits from
// now on, or the commit wakes the stream after that read.
func (st *eventStream) locate(ctx context.Context) error {
	var start eventlog.SessionInfo // where a stream without a cursor begins
	var err error
	switch {
	case !st.session.IsZero():
		start, err = st.info(ctx, st.session)
	case st.all:
		start, _, err = st.log.SessionAfter(ctx, st.task, eventlog.SessionID{})
	default:
		start, _, err = st.log.SessionBefore(ctx, st.task, eventlog.SessionID{})
	}
	if err != nil {
		return err
	}
	at := start
	cursor := eventlog.Cursor{Session: start.ID}
	if st.lastEventID != "" {
		honoured, session, reset, err := st.honour(ctx)
		if err != nil {
			return err
		}
		if st.reset = reset; reset == "" {
			cursor, at = honoured, session
		}
	}
	if st.all {
		return st.locateInAll(ctx, cursor)
	}
	st.place = eventlog.Place{Cursor: cursor}
	st.ended = at.Sealed() && cursor.Sequence == at.Head && at.Head > 0
	st.began = eventlog.Place{Cursor: eventlog.Cursor{Session: at.ID, Sequence: at.Head}}
	return nil
}

// locateInAll finds where the stream begins in the order of all sessions.
func (st *eventStream) locateInAll(ctx context.Context, cursor eventlog.Cursor) (err error) {
	if cursor.Session.IsZero() {
		return nil // no session yet
	}
	if st.place, _, err = st.log.Place(ctx, st.task, cursor); err == nil {
		st.began, err = st.log.Last(ctx, st.task)
	}
	return err
}

// info returns a session of the task.
func (st *eventStream) info(ctx context.Context, id eventlog.SessionID) (eventlog.SessionInfo, error) {
	return st.log.Session(st.task, id).Info(ctx)
}

// honour reads the cursor that the client sent. reset says why the cursor cannot be used.
func (st *eventStream) honour(ctx context.Context) (c eventlog.Cursor, session eventlog.SessionInfo, reset string, err error) {
	c, err = eventlog.ParseCursor(st.lastEventID)
	switch {
	case st.twice, errors.Is(err, eventlog.ErrMalformed):
		return c, session, "malformed", nil
	case err != nil:
		return c, session, "unknown", nil
	}
	if !st.session.IsZero() && c.Session != st.session {
		return c, session, "unknown", nil
	}
	_, session, err = st.log.Place(ctx, st.task, c)
	switch {
	case errors.Is(err, eventlog.ErrSessionNotFound):
		return c, session, "unknown", nil
	case err == nil && c.Sequence > session.Head:
		return c, session, "ahead", nil
	}
	return c, session, "", err
}
