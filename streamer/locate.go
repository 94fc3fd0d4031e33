package streamer

import (
	"context"
	"errors"

	"jrweb/eventlog"
)

// locate finds where the stream begins. What commits from here on is found by the
// first read, or wakes the stream after it.
func (st *eventStream) locate(ctx context.Context) error {
	latest, err := st.latest(ctx)
	if err != nil {
		return err
	}
	start := latest // of a stream without a cursor
	switch {
	case !st.session.IsZero():
		if start, err = st.info(ctx, st.session); err != nil {
			return err
		}
	case st.all:
		if start, _, err = st.log.SessionAfter(ctx, st.task, eventlog.SessionID{}); err != nil {
			return err
		}
	}

	at := start
	st.cursor = eventlog.Cursor{Session: start.ID}
	if st.lastEventID != "" {
		cursor, session, reset, err := st.honour(ctx)
		if err != nil {
			return err
		}
		if st.reset = reset; reset == "" {
			st.cursor, at = cursor, session
		}
	}
	st.ended = !st.all && at.Sealed() && st.cursor.Sequence == at.Head && at.Head > 0
	st.began = eventlog.Cursor{Session: at.ID, Sequence: at.Head}
	if st.all {
		st.began = eventlog.Cursor{Session: latest.ID, Sequence: latest.Head}
	}
	return nil
}

// latest returns the latest session of the task, the zero one if there is none.
func (st *eventStream) latest(ctx context.Context) (eventlog.SessionInfo, error) {
	newest, err := st.log.Sessions(ctx, st.task, eventlog.SessionID{}, 1)
	if err != nil || len(newest) == 0 {
		return eventlog.SessionInfo{}, err
	}
	return newest[0], nil
}

// info returns a session of the task.
func (st *eventStream) info(ctx context.Context, id eventlog.SessionID) (eventlog.SessionInfo, error) {
	return st.log.Session(st.task, id).Info(ctx)
}

// honour reads the cursor that the client sent. reset says why it means nothing.
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
	session, err = st.info(ctx, c.Session)
	switch {
	case errors.Is(err, eventlog.ErrSessionNotFound):
		return c, session, "unknown", nil
	case err == nil && c.Sequence > session.Head:
		return c, session, "ahead", nil
	}
	return c, session, "", err
}
