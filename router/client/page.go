package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"jrweb/eventlog"
)

// TasksPage is a part of the list of tasks.
type TasksPage struct {
	Tasks []eventlog.Task `json:"tasks"`
	// Next is where the list goes on, "" at its end.
	Next string `json:"next"`
}

// TasksAfter returns up to limit of the tasks that match a filter, the newest activity
// first, after the place where another page ended. An empty place is the start.
func (c *Client) TasksAfter(ctx context.Context, f TaskFilter, after string, limit int) (TasksPage, error) {
	query := f.query()
	query.Set("limit", strconv.Itoa(limit))
	if after != "" {
		query.Set("after", after)
	}
	var page TasksPage
	err := c.call(ctx, &request{method: http.MethodGet, path: []string{"tasks"}, query: query, header: acceptJSON}, &page)
	return page, err
}

// EventsQuery says which events of a task are wanted. The zero value wants those of the
// latest session, from the start.
type EventsQuery struct {
	Session eventlog.SessionID // zero: the latest
	All     bool               // those of all sessions; not beside Session
	After   string             // a cursor; "": from the start
	Last    int                // how many of the newest; not beside After
	Types   []string           // empty: all
	Limit   int                // 0: what the server thinks right
}

// EventsPage is a part of the events of a task.
type EventsPage struct {
	Events []Event
	// Next is the cursor after which the events go on, also after the newest that there
	// is. It may be behind the last event if others were left out by their type.
	Next string
}

// EventsAfter returns a part of the events that a task has now.
func (c *Client) EventsAfter(ctx context.Context, task string, q EventsQuery) (EventsPage, error) {
	path, err := taskPath(task, "events")
	if err != nil {
		return EventsPage{}, err
	}
	query := url.Values{}
	set := func(name, value string, is bool) {
		if is {
			query.Set(name, value)
		}
	}
	set("session", q.Session.String(), !q.Session.IsZero())
	set("sessions", "all", q.All)
	set("after", q.After, q.After != "")
	set("last", strconv.Itoa(q.Last), q.Last > 0)
	set("types", strings.Join(q.Types, ","), len(q.Types) > 0)
	set("limit", strconv.Itoa(q.Limit), q.Limit > 0)
	var answer struct {
		Events []json.RawMessage `json:"events"`
		Next   string            `json:"next"`
	}
	if err := c.call(ctx, &request{method: http.MethodGet, path: path, query: query, header: acceptJSON}, &answer); err != nil {
		return EventsPage{}, err
	}
	page := EventsPage{Events: make([]Event, len(answer.Events)), Next: answer.Next}
	for i, envelope := range answer.Events {
		if page.Events[i], err = parseEvent(envelope); err != nil {
			return EventsPage{}, err
		}
	}
	return page, nil
}
