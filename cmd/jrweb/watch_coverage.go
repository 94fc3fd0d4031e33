package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/router/client"
)

// coverage is what a log has of an agent's thread.
type coverage struct {
	// whole are the times of which sessions have all that was said and done: those that a
	// watch has sealed, and those that somebody else has recorded.
	whole []timeSpan
	// had are the events of sessions that ended before their watch could seal them.
	had known
	// own are sessions of the thread's task with their times, no matter who sealed them. A start
	// in them is not somebody else's.
	own []timeSpan
	// hooks is what hooks told.
	hooks transcript.HookAccount
	// open is a session of somebody who records the thread now, zero if nobody does.
	open eventlog.SessionID
	// hooked is a session that hooks record now, its ID zero if they do not.
	hooked eventlog.SessionInfo

	clean  cleaner
	sealed []eventlog.SessionInfo // by a watch, in the thread's task
	loaded bool                   // had has their events as well
}

// cleaner returns an event without secrets.
type cleaner func(context.Context, eventlog.Event) (eventlog.Event, error)

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
// spools are on this disk. Clean takes secrets out, as of what the transcript tells.
func coverageOf(ctx context.Context, log *client.Client, id threadID, mine map[eventlog.SessionID]spool.Run, clean cleaner) (*coverage, error) {
	c := &coverage{had: known{}, clean: clean}
	sessions, err := log.SessionsByExternalID(ctx, id.agent, id.thread)
	if err != nil {
		return nil, err
	}
	for _, s := range sessions {
		at := timeSpan{s.Started.Time, s.Ended.Time}
		if s.Task == id.task() && s.Sealed() {
			c.own = append(c.own, at)
		}
		run, isMine := mine[s.ID]
		switch {
		case isMine && run.Join == s.ID:
			if err := c.loadHooks(ctx, log, s); err != nil {
				return nil, err
			}
		case isMine:
		case !s.Sealed() && s.Task == id.task() && s.Version == transcript.HookVersion:
			c.hooked = s
		case !s.Sealed():
			c.open = s.ID
		case s.Task != id.task():
			c.whole = append(c.whole, at)
		default:
			end, err := endOf(ctx, log, s)
			if err != nil {
				return nil, err
			}
			if end.Watched {
				if !end.Since.IsZero() && end.Since.Before(at.from) {
					at.from = end.Since
				}
				c.sealed = append(c.sealed, s)
				c.whole = append(c.whole, at)
			} else if err := c.load(ctx, log, s); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// watchedEnd is what the end of a session says that a watch has sealed, and so has recorded
// all of.
type watchedEnd struct {
	Status  eventlog.Status `json:"status"`
	Reason  string          `json:"reason,omitempty"`
	Watched bool            `json:"watched"`
	// Since is when it began by the transcript, in a session that hooks have started.
	Since time.Time `json:"since,omitzero"`
}

func endOf(ctx context.Context, log *client.Client, s eventlog.SessionInfo) (end watchedEnd, err error) {
	last, err := log.LastEvent(ctx, s.Task, s.ID)
	if hasStatus(err, 404) {
		return end, nil // deleted just now
	}
	if err == nil && json.Unmarshal(last.Data, &end) != nil {
		end = watchedEnd{}
	}
	return end, err
}

// load adds the events of a session.
func (c *coverage) load(ctx context.Context, log *client.Client, s eventlog.SessionInfo) error {
	by, had := transcript.HookAccount{}, known{} // of what comes next
	joined := false
	err := c.each(ctx, log, s, func(e *client.Event, event eventlog.Event) (err error) {
		if spool.Joined(e) {
			c.hooks.Join(&by)
			had, joined = known{}, true
			return nil
		}
		had[digestOf(&event)]++
		if !joined {
			err = c.add(ctx, &by, event)
		}
		return err
	})
	if s.Version == transcript.HookVersion {
		c.hooks.Join(&by)
		return err
	}
	for d, n := range had {
		c.had[d] += n
	}
	return err
}

// errJoined ends the reading of a session where somebody goes on with it.
var errJoined = errors.New("the rest was not told by hooks")

// loadHooks adds what hooks told of a session.
func (c *coverage) loadHooks(ctx context.Context, log *client.Client, s eventlog.SessionInfo) error {
	err := c.each(ctx, log, s, func(e *client.Event, event eventlog.Event) error {
		if spool.Joined(e) {
			return errJoined
		}
		return c.add(ctx, &c.hooks, event)
	})
	if errors.Is(err, errJoined) {
		return nil
	}
	return err
}

// add adds an event to what hooks told.
func (c *coverage) add(ctx context.Context, to *transcript.HookAccount, event eventlog.Event) error {
	event, err := c.clean(ctx, event)
	to.Add(&event)
	return err
}

// each reads the events of a session, except its end.
func (c *coverage) each(ctx context.Context, log *client.Client, s eventlog.SessionInfo, take func(*client.Event, eventlog.Event) error) error {
	for e, err := range log.Events(ctx, s.Task, s.ID) {
		if hasStatus(err, 404) {
			return nil
		}
		if err != nil {
			return err
		}
		if e.Type == eventlog.TypeComplete {
			continue
		}
		if err := take(&e, eventlog.Event{Type: e.Type, Actor: e.Actor, Time: e.Time.Time, Data: e.Data}); err != nil {
			return err
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
