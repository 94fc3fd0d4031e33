package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Link opens one task, read-only, for everyone who has it.
type Link struct {
	URL     string    `json:"-"` // at the server address of this client
	Path    string    `json:"path"`
	Ticket  string    `json:"ticket"`
	Expires time.Time `json:"expires"`
}

// Share makes a link to a task. life is how long it is valid, rounded to seconds.
func (c *Client) Share(ctx context.Context, task string, life time.Duration) (Link, error) {
	path, err := taskPath(task, "share")
	if err != nil {
		return Link{}, err
	}
	body, err := json.Marshal(map[string]float64{"expires_seconds": life.Round(time.Second).Seconds()})
	if err != nil {
		return Link{}, err
	}
	var link Link
	r := &request{method: http.MethodPost, path: path, body: body, header: http.Header{"Content-Type": {"application/json"}}}
	if err := c.call(ctx, r, &link); err != nil {
		return Link{}, err
	}
	u := c.base.JoinPath("tasks", task)
	u.RawQuery = "ticket=" + link.Ticket
	link.URL = u.String()
	return link, nil
}
