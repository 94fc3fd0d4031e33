package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"jrweb/eventlog"
	"jrweb/streamer"
)

// problem is an error in the form for clients: RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Field names the wrong part of the request, if it is a single one.
	Field string `json:"field,omitempty"`
	// Next is where to continue, if the requested events are no longer kept.
	Next string `json:"next,omitempty"`
	// Task, Session and Ended name a session that was recorded already.
	Task    string         `json:"task,omitempty"`
	Session string         `json:"session,omitempty"`
	Ended   *eventlog.Time `json:"ended,omitempty"`

	header http.Header // of the answer, in addition to its own
}

// problemType is the prefix of the type of every problem. A word follows that programs can
// compare.
const problemType = "urn:jrweb:problem:"

// Error implements error: a handler returns a problem like any other error.
func (p *problem) Error() string { return p.Detail }

func newProblem(status int, word, title, detail string) *problem {
	return &problem{Type: problemType + word, Title: title, Status: status, Detail: detail}
}

func badRequest(detail string) *problem {
	return newProblem(http.StatusBadRequest, "malformed", "The request is malformed", detail)
}

func badQuery(field, reason string) *problem {
	p := newProblem(http.StatusBadRequest, "query", "The query is not valid", fmt.Sprintf("%s %s", field, reason))
	p.Field = field
	return p
}

func invalid(field, reason string) *problem {
	p := newProblem(http.StatusUnprocessableEntity, "invalid", "A field is not valid", fmt.Sprintf("%s %s", field, reason))
	p.Field = field
	return p
}

func badMediaType(detail string) *problem {
	p := newProblem(http.StatusUnsupportedMediaType, "media_type", "Media type not supported", detail)
	p.Field = "Content-Type"
	return p
}

func tooLarge(detail string) *problem {
	return newProblem(http.StatusRequestEntityTooLarge, "too_large", "The request is too large", detail)
}

var (
	errNoRoute = newProblem(http.StatusNotFound, "not_found", "Not found", "there is nothing at this path")
	errMethod  = newProblem(http.StatusMethodNotAllowed, "method", "Method not allowed", "this path does not answer this method; see the Allow header")
)

// toProblem returns what a client may see of an error. It is the only place that maps
// errors to statuses.
func toProblem(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if p, ok := isRefusal(err); ok {
		return p
	}
	if e, ok := errors.AsType[*streamer.QueryError](err); ok {
		return badQuery(e.Field, e.Reason)
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(fmt.Sprintf("the body has more than %d bytes", e.Limit))
	}
	if e, ok := errors.AsType[*eventlog.FieldError](err); ok {
		p := invalid(e.Field, e.Reason)
		if errors.Is(e, eventlog.ErrTooLarge) {
			p = tooLarge(e.Field + " " + e.Reason)
			p.Field = e.Field
		}
		if e.Index >= 0 {
			p.Detail = fmt.Sprintf("event %d: %s", e.Index, p.Detail)
		}
		return p
	}
	if e, ok := errors.AsType[*eventlog.RecordedError](err); ok {
		p := newProblem(http.StatusConflict, "recorded", "It is recorded already", e.Error())
		p.Task, p.Session, p.Ended = e.Task, e.Session.String(), &e.Ended
		return p
	}
	switch {
	case errors.Is(err, eventlog.ErrTaskNotFound):
		return newProblem(http.StatusNotFound, "not_found", "Not found", "there is no such task")
	case errors.Is(err, eventlog.ErrSessionNotFound):
		return newProblem(http.StatusNotFound, "not_found", "Not found", "the task has no such session")
	case errors.Is(err, eventlog.ErrSealed):
		return newProblem(http.StatusConflict, "sealed", "The session is sealed", "the session has ended: nothing can be appended to it; start a new one")
	case errors.Is(err, eventlog.ErrTooManyOpen):
		return newProblem(http.StatusConflict, "too_many_open", "Too many open sessions", "the task has as many open sessions as it may have: complete some, or start without concurrent, which supersedes them all")
	case errors.Is(err, eventlog.ErrAnswered):
		return newProblem(http.StatusConflict, "answered", "The question is answered", "the question has an answer already: the first one counts")
	case errors.Is(err, eventlog.ErrKeyReused):
		return invalid("Idempotency-Key", "was used before with another body")
	case errors.Is(err, eventlog.ErrFailed): // whatever it failed of: it is final
		return newProblem(http.StatusServiceUnavailable, "storage_failed", "Storage failed", "a commit failed: nothing more is acknowledged or shown until the server is restarted")
	case errors.Is(err, eventlog.ErrFull):
		return newProblem(http.StatusInsufficientStorage, "full", "No room left", "the disk is full, or the database has reached its limit; nothing was changed: append again when there is room")
	case errors.Is(err, eventlog.ErrNotCommitted):
		return newProblem(http.StatusServiceUnavailable, "not_committed", "Not committed", "the commit failed and changed nothing: repeat the request")
	case errors.Is(err, eventlog.ErrUnsettled):
		return newProblem(http.StatusServiceUnavailable, "unsettled", "Not known yet", "the log does not answer now: whether the request took effect shows later; repeat it, with its Idempotency-Key if it has one")
	case errors.Is(err, eventlog.ErrClosed):
		return newProblem(http.StatusServiceUnavailable, "closed", "The log is closed", "the server is shutting down")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		// The client may still listen: it may have closed only its half of the connection,
		// or the program around us may have given up its request. Without this it would get
		// an empty 200, and take it for a commit.
		return newProblem(http.StatusServiceUnavailable, "canceled", "The request was given up", "it ended before it was answered: repeat it, with its Idempotency-Key if it has one")
	case errors.Is(err, eventlog.ErrDamaged):
		return newProblem(http.StatusInternalServerError, "damaged", "The database is damaged", "what was read is not what was written; the server's log says where")
	}
	return newProblem(http.StatusInternalServerError, "internal", "Internal error", "the server's log says more")
}

// fail answers an error, and logs it if it is a failure of the server.
func (rt *router) fail(w *recorder, r *http.Request, err error) {
	p := toProblem(err)
	// A client that leaves is no failure. The log itself reports that there is no room,
	// once for all the appends that it refuses.
	quiet := errors.Is(err, context.Canceled) || errors.Is(err, eventlog.ErrFull)
	if p.Status >= http.StatusInternalServerError && !quiet {
		rt.o.Logger.Error("request failed", "method", clip(r.Method), "path", clip(r.URL.Path), "status", p.Status, "error", err)
	}
	if w.status != 0 {
		return // the answer has begun
	}
	if r.Method == http.MethodGet && p.Status == http.StatusNotFound && wantsPage(r) && failPage(w, r, p) {
		return
	}
	body, encodeErr := json.Marshal(p)
	if encodeErr != nil {
		panic("router: a problem cannot be encoded: " + encodeErr.Error()) // our own type
	}
	h := w.Header()
	maps.Copy(h, p.header)
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}

// writeJSON answers with v. If it returns an error, it has written nothing.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	writeBody(w, status, body)
	return nil
}

// writeRead answers a request that changes nothing with v, once there is room for the
// answer. It is not for changes: their answers are never refused.
func writeRead(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	if err := hold(w, 2*len(body)); err != nil { // twice, because v takes memory as well
		return err
	}
	writeBody(w, http.StatusOK, body)
	return nil
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}
