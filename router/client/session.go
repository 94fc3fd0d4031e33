package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"time"

	"jrweb/eventlog"
)

// Start is what is known of a session at its start. The zero value is good.
type Start struct {
	// Agent, Version and Model say what runs; Cwd, Branch and Machine say where.
	Agent, Version, Model string
	Cwd, Branch, Machine  string
	// ExternalID is the agent's own id of its thread. ParentExternalID is the id of the
	// thread that started this one.
	ExternalID, ParentExternalID string
	// Started is when the agent began. Zero: now.
	Started time.Time
	// Unique refuses the start, with an [eventlog.RecordedError], if a session
	// with the same Agent and ExternalID ran at Started.
	Unique bool
	// Lease is how long the session may be silent, in whole seconds. 0: no lease.
	Lease time.Duration
	// Steer says that people can send messages to the agent.
	Steer bool
	// Concurrent leaves the task's other sessions open.
	Concurrent bool
	// Key is the idempotency key. Empty: a new one.
	Key string
}

// Start starts a session. It creates the task if it does not exist.
func (c *Client) Start(ctx context.Context, task string, s Start) (eventlog.SessionInfo, error) {
	path, err := taskPath(task, "sessions")
	if err != nil {
		return eventlog.SessionInfo{}, err
	}
	var started *eventlog.Time
	if !s.Started.IsZero() {
		started = &eventlog.Time{Time: s.Started}
	}
	return c.postSession(ctx, path, nil, s.Key, struct {
		Agent            string         `json:"agent,omitempty"`
		Version          string         `json:"version,omitempty"`
		Model            string         `json:"model,omitempty"`
		Cwd              string         `json:"cwd,omitempty"`
		Branch           string         `json:"branch,omitempty"`
		Machine          string         `json:"machine,omitempty"`
		ExternalID       string         `json:"external_id,omitempty"`
		ParentExternalID string         `json:"parent_external_id,omitempty"`
		Started          *eventlog.Time `json:"started,omitempty"`
		Unique           bool           `json:"unique,omitempty"`
		LeaseSeconds     int64          `json:"lease_seconds,omitempty"`
		Concurrent       bool           `json:"concurrent,omitempty"`
		Steer            bool           `json:"steer,omitempty"`
	}{
		s.Agent, s.Version, s.Model, s.Cwd, s.Branch, s.Machine, s.ExternalID, s.ParentExternalID,
		started, s.Unique, int64(s.Lease / time.Second), s.Concurrent, s.Steer,
	})
}

// Complete says how a session ends.
type Complete struct {
	// Status is Succeeded if empty.
	Status eventlog.Status
	// Reason is for people. It may be empty.
	Reason string
	// Person refuses the request unless the server can tell that a person ends the session.
	// If a person cancels a session, its agent stops.
	Person bool
	// Key is the idempotency key. Empty: a new one.
	Key string
}

// Complete ends a session for good.
func (c *Client) Complete(ctx context.Context, task string, session eventlog.SessionID, end Complete) (eventlog.SessionInfo, error) {
	path, err := taskPath(task, "sessions", session.String(), "complete")
	if err != nil {
		return eventlog.SessionInfo{}, err
	}
	return c.postSession(ctx, path, personOnly(end.Person), end.Key, struct {
		Status eventlog.Status `json:"status,omitempty"`
		Reason string          `json:"reason,omitempty"`
	}{end.Status, end.Reason})
}

func (c *Client) postSession(ctx context.Context, path []string, query url.Values, key string, body any) (eventlog.SessionInfo, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return eventlog.SessionInfo{}, fmt.Errorf("client: %w", err)
	}
	var answer eventlog.SessionInfo
	err = c.callSafely(ctx, &request{
		method: http.MethodPost, path: path, query: query, body: text,
		header: http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {cmp.Or(key, newKey())}},
	}, &answer)
	return answer, err
}

// Heartbeat says that the writer of a session is alive.
func (c *Client) Heartbeat(ctx context.Context, task string, session eventlog.SessionID) error {
	path, err := taskPath(task, "sessions", session.String(), "heartbeat")
	if err != nil {
		return err
	}
	return c.call(ctx, &request{method: http.MethodPost, path: path}, nil)
}

// Session returns a session as it is now, with the part of its cost that counts in other
// sessions.
func (c *Client) Session(ctx context.Context, task string, session eventlog.SessionID) (eventlog.SessionInfo, error) {
	path, err := taskPath(task, "sessions", session.String())
	if err != nil {
		return eventlog.SessionInfo{}, err
	}
	var answer eventlog.SessionInfo
	err = c.call(ctx, &request{method: http.MethodGet, path: path, header: acceptJSON}, &answer)
	return answer, err
}

// Sessions yields all sessions of a task, the newest first. If it yields an error, that is
// the last value.
func (c *Client) Sessions(ctx context.Context, task string) iter.Seq2[eventlog.SessionInfo, error] {
	return func(yield func(eventlog.SessionInfo, error) bool) {
		path, err := taskPath(task, "sessions")
		if err != nil {
			yield(eventlog.SessionInfo{}, err)
			return
		}
		fetch := func(after string) ([]eventlog.SessionInfo, string, error) {
			var page struct {
				Sessions []eventlog.SessionInfo `json:"sessions"`
				Next     string                 `json:"next"`
			}
			err := c.call(ctx, &request{method: http.MethodGet, path: path, query: pageAfter(after), header: acceptJSON}, &page)
			return page.Sessions, page.Next, err
		}
		yieldPages(fetch, yield)
	}
}

// SessionsByExternalID returns the sessions of an agent's thread in all tasks, the newest
// first. An empty agent means any.
func (c *Client) SessionsByExternalID(ctx context.Context, agent, externalID string) ([]eventlog.SessionInfo, error) {
	var found []eventlog.SessionInfo
	for task, err := range c.TasksByExternalID(ctx, externalID) {
		if err != nil {
			return nil, err
		}
		for s, err := range c.Sessions(ctx, task.ID) {
			if err != nil {
				return nil, err
			}
			if s.ExternalID == externalID && (agent == "" || s.Agent == agent) {
				found = append(found, s)
			}
		}
	}
	slices.SortFunc(found, func(a, b eventlog.SessionInfo) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return found, nil
}

// DeleteSession deletes one session of a task, for ever.
func (c *Client) DeleteSession(ctx context.Context, task string, session eventlog.SessionID) error {
	path, err := taskPath(task, "sessions", session.String())
	if err != nil {
		return err
	}
	return c.call(ctx, &request{method: http.MethodDelete, path: path}, nil)
}
