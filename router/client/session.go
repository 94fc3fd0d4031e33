package client

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"time"

	"jrweb/eventlog"
)

// Start says what is known of a session at its start. The zero value is good.
type Start struct {
	// Agent, Model and ExternalID are shown to people.
	Agent, Model, ExternalID string
	// Lease is how long the session may be silent, in whole seconds. 0: no lease.
	Lease time.Duration
	// Concurrent leaves the task's other sessions open.
	Concurrent bool
	// Key is the idempotency key. Empty: a new one.
	Key string
}

// Start starts a session, and the task if there is none.
func (c *Client) Start(ctx context.Context, task string, s Start) (eventlog.SessionInfo, error) {
	path, err := taskPath(task, "sessions")
	if err != nil {
		return eventlog.SessionInfo{}, err
	}
	return c.postSession(ctx, path, s.Key, struct {
		Agent        string `json:"agent,omitempty"`
		Model        string `json:"model,omitempty"`
		ExternalID   string `json:"external_id,omitempty"`
		LeaseSeconds int64  `json:"lease_seconds,omitempty"`
		Concurrent   bool   `json:"concurrent,omitempty"`
	}{s.Agent, s.Model, s.ExternalID, int64(s.Lease / time.Second), s.Concurrent})
}

// Complete says how a session ends.
type Complete struct {
	// Status is Succeeded if empty.
	Status eventlog.Status
	// Reason is for people. It may be empty.
	Reason string
	// Key is the idempotency key. Empty: a new one.
	Key string
}

// Complete ends a session for good.
func (c *Client) Complete(ctx context.Context, task string, session eventlog.SessionID, end Complete) (eventlog.SessionInfo, error) {
	path, err := taskPath(task, "sessions", session.String(), "complete")
	if err != nil {
		return eventlog.SessionInfo{}, err
	}
	return c.postSession(ctx, path, end.Key, struct {
		Status eventlog.Status `json:"status,omitempty"`
		Reason string          `json:"reason,omitempty"`
	}{end.Status, end.Reason})
}

func (c *Client) postSession(ctx context.Context, path []string, key string, body any) (eventlog.SessionInfo, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return eventlog.SessionInfo{}, fmt.Errorf("client: %w", err)
	}
	var answer eventlog.SessionInfo
	err = c.callSafely(ctx, &request{
		method: http.MethodPost, path: path, body: text,
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

// Sessions yields all sessions of a task, the newest first. A yielded error is
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

// DeleteSession deletes one session of a task, for ever.
func (c *Client) DeleteSession(ctx context.Context, task string, session eventlog.SessionID) error {
	path, err := taskPath(task, "sessions", session.String())
	if err != nil {
		return err
	}
	return c.call(ctx, &request{method: http.MethodDelete, path: path}, nil)
}
