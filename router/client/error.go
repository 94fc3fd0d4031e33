package client

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"jrweb/eventlog"
)

// Error is the answer of a server that did not do what was requested: a problem of RFC
// 9457.
type Error struct {
	// Status is the HTTP status.
	Status int `json:"-"`
	// Title says what kind of problem it is.
	Title string `json:"title"`
	// Detail says what is wrong with this request. It may be empty.
	Detail string `json:"detail"`
	// Field names the wrong field, if one field is wrong.
	Field string `json:"field"`

	recorded *eventlog.RecordedError
}

// Unwrap returns an [*eventlog.RecordedError] if that is what the server answered.
func (e *Error) Unwrap() error {
	if e.recorded == nil {
		return nil
	}
	return e.recorded
}

// typeRecorded is the type of the problem for an [eventlog.RecordedError].
const typeRecorded = "urn:jrweb:problem:recorded"

func (e *Error) Error() string {
	return fmt.Sprintf("the server answered %d: %s", e.Status, cmp.Or(e.Detail, e.Title))
}

// maxProblem is how much of an error's body is read.
const maxProblem = 64 << 10

// readError makes an Error of an answer, even if the answer comes from a proxy and is not
// problem+json.
func readError(res *http.Response) error {
	e := &Error{}
	var more struct {
		Type    string             `json:"type"`
		Task    string             `json:"task"`
		Session eventlog.SessionID `json:"session"`
		Ended   eventlog.Time      `json:"ended"`
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	if err != nil || json.Unmarshal(body, e) != nil {
		*e = Error{}
	} else if json.Unmarshal(body, &more) == nil && more.Type == typeRecorded {
		e.recorded = &eventlog.RecordedError{Task: more.Task, Session: more.Session, Ended: more.Ended}
	}
	e.Status = res.StatusCode
	e.Title = cmp.Or(e.Title, http.StatusText(e.Status), "unknown status")
	return e
}
