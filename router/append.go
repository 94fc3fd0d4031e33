package router

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"jrweb/eventlog"
)

// maxEvents is how many events one append may have. The log has the same limit; here it
// prevents that an absurdly large request is parsed to its end.
const maxEvents = 10_000

var errManyEvents = tooLarge(fmt.Sprintf("more than %d events in one append", maxEvents))

// The scopes of Idempotency-Keys: one for each route that takes them.
const (
	scopeAppend   = "append"
	scopeComplete = "complete"
	scopeHook     = "hook"
)

func (rt *router) appendToTask(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, "start", "person")
	if err != nil {
		return err
	}
	start, err := q.flag("start", true)
	if err != nil {
		return err
	}
	return rt.append(w, r, p, q, &eventlog.Batch{Task: p.task, NoStart: !start, Owner: rt.owner(&p.grant)})
}

func (rt *router) appendToSession(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, "person")
	if err != nil {
		return err
	}
	return rt.append(w, r, p, q, &eventlog.Batch{Task: p.task, Session: p.session})
}

// append reads the events of a request into the batch and appends it.
func (rt *router) append(w http.ResponseWriter, r *http.Request, p params, q queryValues, b *eventlog.Batch) error {
	person, err := q.flag("person", false)
	if err != nil {
		return err
	}
	body, mediaType, err := rt.readBody(w, r)
	if err != nil {
		return err
	}
	if b.Key, err = readKey(r, scopeAppend, body); err != nil {
		return err
	}
	var where func(int) string
	if b.Events, where, err = parseEvents(body, mediaType); err != nil {
		return err
	}
	if err := rt.sign(r, b, &p.grant, person); err != nil {
		return locate(err, where)
	}
	answer, err := rt.log.Append(r.Context(), b)
	if err != nil {
		return locate(err, where)
	}
	markReplay(w, answer.Replayed)
	return writeJSON(w, http.StatusOK, answer)
}

// locate says in which line or element of the request the refused field is.
func locate(err error, where func(int) string) error {
	field, ok := errors.AsType[*eventlog.FieldError](err)
	if !ok || field.Index < 0 {
		return err
	}
	bare := *field
	bare.Index = -1
	return located(toProblem(&bare), where(field.Index))
}

// inBody names a field of a complete event as the body names it: the body is the event's
// data.
func inBody(err error) error {
	field, ok := errors.AsType[*eventlog.FieldError](err)
	if !ok {
		return err
	}
	bare := *field
	bare.Index = -1
	bare.Field = strings.TrimPrefix(field.Field, "data.")
	return &bare
}

// complete seals a session: the body is the data of its complete event.
func (rt *router) complete(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, "person")
	if err != nil {
		return err
	}
	person, err := q.flag("person", false)
	if err != nil {
		return err
	}
	body, mediaType, err := rt.readBody(w, r)
	if err != nil {
		return err
	}
	key, err := readKey(r, scopeComplete, body)
	if err != nil {
		return err
	}
	data, err := readData(body, mediaType)
	if err != nil {
		return err
	}
	b := &eventlog.Batch{Task: p.task, Session: p.session, Events: []eventlog.Event{{Type: eventlog.TypeComplete, Data: data}}, Key: key}
	if err := rt.sign(r, b, &p.grant, person); err != nil {
		return inBody(err)
	}
	answer, err := rt.log.Append(r.Context(), b)
	if err != nil {
		return inBody(err)
	}
	markReplay(w, answer.Replayed)
	return writeJSON(w, http.StatusOK, answer.Sealed)
}

func (rt *router) heartbeat(w http.ResponseWriter, r *http.Request, p params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	if err := rt.log.Session(p.task, p.session).Heartbeat(r.Context()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// markReplay marks an answer that was given before.
func markReplay(w http.ResponseWriter, replayed bool) {
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
}
