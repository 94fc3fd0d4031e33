package client

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"jrweb/eventlog"
)

// Append is a batch of events to append: either all of them are committed, or none.
type Append struct {
	// Session is the session to append to. Zero: the task's latest session if it is open,
	// else a new one; the task is created if it does not exist.
	Session eventlog.SessionID
	// Key is the idempotency key. Empty: a new one.
	Key string
	// Person refuses the append unless the server can tell that a person sends it. What
	// people say carries their name, and only that reaches an agent.
	Person bool
	// Body has the events as NDJSON, one {"type","data","actor","time"} on each line.
	Body []byte
}

func personOnly(person bool) url.Values {
	if !person {
		return nil
	}
	return url.Values{"person": {"true"}}
}

// Append appends events and returns once they are on the server's disk.
func (c *Client) Append(ctx context.Context, task string, a Append) (eventlog.Appended, error) {
	rest := []string{"events"}
	if !a.Session.IsZero() {
		rest = []string{"sessions", a.Session.String(), "events"}
	}
	path, err := taskPath(task, rest...)
	if err != nil {
		return eventlog.Appended{}, err
	}
	var answer eventlog.Appended
	err = c.callSafely(ctx, &request{
		method: http.MethodPost, path: path, body: a.Body, query: personOnly(a.Person),
		header: http.Header{
			"Content-Type":    {"application/x-ndjson"},
			"Idempotency-Key": {cmp.Or(a.Key, newKey())},
		},
	}, &answer)
	return answer, err
}
