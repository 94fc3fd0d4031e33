package main

import (
	"context"
	"encoding/json"
	"time"

	"jrweb/eventlog"
	"jrweb/router/client"
)

// coverage is what a log has of an agent's thread.
type coverage struct {
	// whole are the times of which sessions have all that was said and done: those that a
	// watch has sealed, and those that somebody else has recorded.
	whole []timeSpan
	// had are the events of sessions that ended before their watch could seal them.
	had known
	// own are sessions of the thread's task with their times, whoever sealed them. A start
	// in them is not somebody else's.
	own []timeSpan
	// open is a session of somebody who records the thread now, zero if nobody does.
	open eventlog.SessionID

	sealed []eventlog.SessionInfo // by a watch, in the thread's task
	loaded bool                   // had has their events as well
}

// timeSpan is from one time to another, both included.
type timeSpan struct{ from, to time.Time }

func (s timeSpan) has(at time.Time) bool { return !at.Before(s.from) && !at.After(s.to) }

func anyHas(spans []timeSpan, at time.Time) bool {
	for _, s := range spans {
		if s.has(at) {
			return true
		}
	}
	return false
}

// coverageOf asks a log what it has of a thread, beside the sessions that are mine: their
// spools are on this disk.
func coverageOf(ctx context.Context, log *client.Client, id threadID, mine map[eventlog.SessionID]bool) (*coverage, error) {
	c := &coverage{had: known{}}
	sessions, err := log.SessionsByExternalID(ctx, id.agent, id.thread)
	if err != nil {
		return nil, err
	}
	for _, s := range sessions {
		at := timeSpan{s.Started.Time, s.Ended.Time}
		if s.Task == id.task() && s.Sealed() {
			c.own = append(c.own, at)
		}
		switch {
		case mine[s.ID]:
		case !s.Sealed():
			c.open = s.ID
		case s.Task != id.task():
			c.whole = append(c.whole, at)
		default:
			sealed, err := sealedByWatch(ctx, log, s)
			if err != nil {
				return nil, err
			}
			if sealed {
				c.sealed = append(c.sealed, s)
				c.whole = append(c.whole, at)
			} else if err := c.load(ctx, log, s); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// sealedByWatch reports whether a watch ended a session, and so has recorded all of it.
func sealedByWatch(ctx context.Context, log *client.Client, s eventlog.SessionInfo) (bool, error) {
	last, err := log.LastEvent(ctx, s.Task, s.ID)
	if hasStatus(err, 404) {
		return false, nil // deleted just now
	}
	if err != nil {
		return false, err
	}
	var end struct{ Watched bool }
	return json.Unmarshal(last.Data, &end) == nil && end.Watched, nil
}

// load adds the events of a session.
func (c *coverage) load(ctx context.Context, log *client.Client, s eventlog.SessionInfo) error {
	for e, err := range log.Events(ctx, s.Task, s.ID) {
		if hasStatus(err, 404) {
			return nil
		}
		if err != nil {
			return err
		}
		if e.Type != eventlog.TypeComplete {
			c.had[digestOf(&eventlog.Event{Type: e.Type, Actor: e.Actor, Data: e.Data})]++
		}
	}
	return nil
}

// has reports whether the log has an event. Of one without a time only its words tell.
func (c *coverage) has(ctx context.Context, log *client.Client, e *eventlog.Event, d digest) (bool, error) {
	if !e.Time.IsZero() && anyHas(c.whole, e.Time.UTC().Truncate(time.Millisecond)) {
		return true, nil
	}
	if e.Time.IsZero() && !c.loaded {
		c.loaded = true
		for _, s := range c.sealed {
			if err := c.load(ctx, log, s); err != nil {
				return false, err
			}
		}
	}
	return c.had.take(d), nil
}
