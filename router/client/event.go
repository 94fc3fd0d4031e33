package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"jrweb/eventlog"
)

// Event is an event as the server lists it.
type Event struct {
	// ID is the cursor after the event.
	ID       string             `json:"id"`
	Task     string             `json:"task"`
	Session  eventlog.SessionID `json:"session"`
	Sequence uint64             `json:"sequence"`
	Time     eventlog.Time      `json:"time"`
	Type     string             `json:"type"`
	Actor    eventlog.Actor     `json:"actor"`
	Data     json.RawMessage    `json:"data"`

	// Envelope is the whole event as the server sent it: JSON in one line.
	Envelope []byte `json:"-"`
}

// Author returns the person who said it, or "" if the server knows none. To read the field
// from the data yourself, match its name exactly: a program may write Author there, but
// only the server can write author.
func (e *Event) Author() string {
	var members map[string]json.RawMessage
	var author string
	if json.Unmarshal(e.Data, &members) != nil || json.Unmarshal(members["author"], &author) != nil {
		return ""
	}
	return author
}

func parseEvent(envelope []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(envelope, &e); err != nil {
		return Event{}, fmt.Errorf("client: not an event: %w", err)
	}
	e.Envelope = envelope
	return e, nil
}

// Events yields the events that a task has now: those of one session, or of all sessions in
// order if session is zero. If it yields an error, that is the last value.
func (c *Client) Events(ctx context.Context, task string, session eventlog.SessionID) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		query := url.Values{"sessions": {"all"}}
		if !session.IsZero() {
			query = url.Values{"session": {session.String()}}
		}
		path, err := taskPath(task, "events")
		if err != nil {
			yield(Event{}, err)
			return
		}
		for {
			next, err := c.eventsPage(ctx, path, query, yield)
			if err != nil && !errors.Is(err, errStop) {
				yield(Event{}, err)
			}
			// The link of the last page points to the place where that page began.
			if err != nil || next == "" || next == query.Get("after") {
				return
			}
			query.Set("after", next)
		}
	}
}

// LastEvent returns the last event that a session has now.
func (c *Client) LastEvent(ctx context.Context, task string, session eventlog.SessionID) (Event, error) {
	last, err := c.LastEvents(ctx, task, session, 1)
	if err == nil && len(last) == 0 {
		err = fmt.Errorf("client: session %s has no events", session)
	}
	if err != nil {
		return Event{}, err
	}
	return last[0], nil
}

// LastEvents returns up to most of the newest events of a session, in ascending order. A
// zero session is the task's latest.
func (c *Client) LastEvents(ctx context.Context, task string, session eventlog.SessionID, most int) ([]Event, error) {
	page, err := c.EventsAfter(ctx, task, EventsQuery{Session: session, Last: most})
	return page.Events, err
}

// errStop: the caller wants no more.
var errStop = errors.New("stop")

// eventsPage yields the events of one page as they arrive, so that memory never holds a
// whole page of large events.
func (c *Client) eventsPage(ctx context.Context, path []string, query url.Values, yield func(Event, error) bool) (next string, err error) {
	res, err := c.do(ctx, &request{
		method: http.MethodGet, path: path, query: query,
		header: http.Header{"Accept": {"application/x-ndjson"}},
	})
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	lines := bufio.NewReaderSize(res.Body, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nextCursor(res.Header), nil
		}
		if err != nil {
			return "", fmt.Errorf("client: read events: %w", err)
		}
		e, err := parseEvent(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			return "", err
		}
		if !yield(e, nil) {
			return "", errStop
		}
	}
}

// nextCursor finds the cursor in the link to the next page.
func nextCursor(h http.Header) string {
	for _, link := range h.Values("Link") {
		target, params, ok := strings.Cut(link, ">")
		if !ok || !strings.Contains(strings.ReplaceAll(params, `"`, ""), "rel=next") {
			continue
		}
		if u, err := url.Parse(strings.TrimPrefix(strings.TrimSpace(target), "<")); err == nil {
			return u.Query().Get("after")
		}
	}
	return ""
}
