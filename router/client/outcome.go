package client

import (
	"context"
	"net/http"
	"net/url"

	"jrweb/eventlog"
)

// Outcome is what a session came to, or has come to so far.
type Outcome struct {
	Task    string                `json:"task"`
	Title   string                `json:"title"`
	Session *eventlog.SessionInfo `json:"session"` // nil: there is none yet
	// Now is what the agent does, or how the session has ended.
	Now struct {
		What   string `json:"what"`
		Detail string `json:"detail"`
		Who    string `json:"who"`  // the subagent that does it
		Plan   string `json:"plan"` // how much of the agent's plan is done, as "3/7"
		Loop   string `json:"loop"` // that the agent goes round in circles
	} `json:"now"`
	// Answer is what the agent itself said last, nil if it has said nothing.
	Answer *struct {
		Sequence uint64 `json:"sequence"`
		Content  string `json:"content"`
		Cut      int    `json:"cut"` // how many bytes are missing at its end
	} `json:"answer"`
	Files []struct {
		Path    string `json:"path"`
		Added   int    `json:"added"`
		Removed int    `json:"removed"`
	} `json:"files"`
	MoreFiles bool `json:"more_files"` // more than Files has
	Tests     []struct {
		Command  string `json:"command"`
		Sequence uint64 `json:"sequence"`
		Failed   bool   `json:"failed"`
	} `json:"tests"`
	Errors int `json:"errors"`
}

// Outcome returns what a session came to. A zero session is the task's latest.
func (c *Client) Outcome(ctx context.Context, task string, session eventlog.SessionID) (Outcome, error) {
	path, err := taskPath(task, "outcome")
	if err != nil {
		return Outcome{}, err
	}
	query := url.Values{}
	if !session.IsZero() {
		query.Set("session", session.String())
	}
	var answer Outcome
	err = c.call(ctx, &request{method: http.MethodGet, path: path, query: query, header: acceptJSON}, &answer)
	return answer, err
}
