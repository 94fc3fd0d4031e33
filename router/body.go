package router

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"jrweb/eventlog"
)

const (
	typeJSON   = "application/json"
	typeNDJSON = "application/x-ndjson"
)

// readBody reads the whole body of a request and its media type: typeJSON or
// typeNDJSON.
func (rt *router) readBody(w http.ResponseWriter, r *http.Request) (body []byte, mediaType string, err error) {
	mediaType, err = mediaTypeOf(r)
	if err != nil {
		return nil, "", err
	}
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, rt.o.MaxRequestBytes))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, "", err
		}
		return nil, "", badRequest("the body could not be read: " + err.Error())
	}
	if !utf8.Valid(body) {
		return nil, "", badRequest(fmt.Sprintf("the body is not valid UTF-8 at byte %d (line %d)", invalidAt(body), 1+bytes.Count(body[:invalidAt(body)], []byte("\n"))))
	}
	return body, mediaType, nil
}

// invalidAt returns where the first invalid UTF-8 sequence begins.
func invalidAt(body []byte) int {
	at := 0
	for at < len(body) {
		r, size := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

// mediaTypeOf accepts JSON, NDJSON, and no type at all, which is JSON. A form
// is what any web page may send without asking.
func mediaTypeOf(r *http.Request) (string, error) {
	header := r.Header.Get("Content-Type")
	if header == "" {
		return typeJSON, nil
	}
	mediaType, parameters, err := mime.ParseMediaType(header)
	charset := strings.ToLower(parameters["charset"])
	switch {
	case err != nil || charset != "" && charset != "utf-8":
	case mediaType == typeNDJSON:
		return typeNDJSON, nil
	case mediaType == typeJSON, strings.HasSuffix(mediaType, "+json"):
		return typeJSON, nil
	}
	p := newProblem(http.StatusUnsupportedMediaType, "media_type", "Media type not supported",
		fmt.Sprintf("send %s or %s in UTF-8, not %q", typeJSON, typeNDJSON, header))
	p.Field = "Content-Type"
	return "", p
}

// readKey reads the Idempotency-Key of a request.
func readKey(r *http.Request, scope string, body []byte) (eventlog.Key, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return eventlog.Key{}, nil
	}
	if len(values) > 1 || !eventlog.ValidKeyID(values[0]) {
		p := badRequest("Idempotency-Key must be one header of 1 to 128 visible ASCII characters")
		p.Field = "Idempotency-Key"
		return eventlog.Key{}, p
	}
	return eventlog.Key{ID: values[0], Scope: scope, Digest: sha256.Sum256(body)}, nil
}

// object is a JSON object of a request: names are matched exactly.
type object map[string]json.RawMessage

// readObject reads a body that is one JSON object, or empty.
func readObject(body []byte, mediaType string) (object, error) {
	if mediaType != typeJSON {
		return nil, newProblem(http.StatusUnsupportedMediaType, "media_type", "Media type not supported", "send "+typeJSON)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return object{}, nil
	}
	if err := checkJSON(body); err != nil {
		return nil, badRequest("the body is not JSON: " + err.Error())
	}
	return toObject(body, "body")
}

// checkJSON says where a text stops being JSON.
func checkJSON(text []byte) error {
	var any json.RawMessage
	err := json.Unmarshal(text, &any)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w (at byte %d)", err, syntax.Offset)
	}
	return err
}

func toObject(text []byte, field string) (object, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || text[0] != '{' {
		return nil, invalid(field, "must be a JSON object")
	}
	o := object{}
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, invalid(field, "must be a JSON object: "+err.Error())
	}
	return o, nil
}

// only refuses names beside the known ones: a misspelt name must not be lost in silence.
func (o object) only(names ...string) error {
	for name := range o {
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known {
			return invalid(name, "is not known here; known are "+strings.Join(names, ", "))
		}
	}
	return nil
}

// text reads a string, nil if it is absent.
func (o object) text(name string) (*string, error) {
	raw, given := o[name]
	if !given {
		return nil, nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return nil, invalid(name, "must be a string")
	}
	return s, nil
}

// parseEvents reads the events of an append: one object, an array, or NDJSON.
// where names the place of an event for an error: its line or its index.
func parseEvents(body []byte, mediaType string, most int) (events []eventlog.Event, where func(i int) string, err error) {
	var texts []json.RawMessage
	var lines []int
	where = func(i int) string { return fmt.Sprintf("event %d", i) }
	switch {
	case mediaType == typeNDJSON:
		where = func(i int) string { return fmt.Sprintf("line %d", lines[i]) }
		number := 0
		for line := range bytes.Lines(body) {
			number++
			if line = bytes.TrimSpace(line); len(line) > 0 {
				texts, lines = append(texts, line), append(lines, number)
			}
		}
	case bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")):
		if texts, err = parseArray(body); err != nil {
			return nil, nil, err
		}
	default:
		texts = []json.RawMessage{body}
		where = func(int) string { return "the body" }
	}
	if len(texts) > most {
		return nil, nil, tooLarge(fmt.Sprintf("%d events in one append, at most %d are taken", len(texts), most))
	}
	for i, text := range texts {
		if err := checkJSON(text); err != nil {
			return nil, nil, badRequest(fmt.Sprintf("%s is not JSON: %v", where(i), err))
		}
		event, err := parseEvent(text)
		if err != nil {
			return nil, nil, located(err, where(i))
		}
		events = append(events, event)
	}
	return events, where, nil
}

// parseArray splits a JSON array, and says at which index it is not JSON.
func parseArray(body []byte) ([]json.RawMessage, error) {
	var texts []json.RawMessage
	d := json.NewDecoder(bytes.NewReader(body))
	wrong := func(err error) error {
		return badRequest(fmt.Sprintf("the array is not JSON at index %d: %v (at byte %d)", len(texts), err, d.InputOffset()))
	}
	if _, err := d.Token(); err != nil {
		return nil, wrong(err)
	}
	for d.More() {
		var text json.RawMessage
		if err := d.Decode(&text); err != nil {
			return nil, wrong(err)
		}
		texts = append(texts, text)
	}
	if _, err := d.Token(); err != nil {
		return nil, wrong(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest(fmt.Sprintf("something stands behind the array (at byte %d)", d.InputOffset()))
	}
	return texts, nil
}

func parseEvent(text []byte) (eventlog.Event, error) {
	var e eventlog.Event
	o, err := toObject(text, "event")
	if err != nil {
		return e, err
	}
	if err := o.only("type", "data", "actor", "time"); err != nil {
		return e, err
	}
	values := map[string]string{}
	for _, name := range []string{"type", "actor", "time"} {
		value, err := o.text(name)
		if err != nil {
			return e, err
		}
		if value != nil {
			values[name] = *value
		}
	}
	if _, given := o["type"]; !given {
		return e, invalid("type", "is required")
	}
	if _, given := o["data"]; !given {
		return e, invalid("data", "is required")
	}
	e = eventlog.Event{Type: values["type"], Actor: eventlog.Actor(values["actor"]), Data: o["data"]}
	if given, ok := values["time"]; ok {
		if e.Time, err = time.Parse(time.RFC3339Nano, given); err != nil {
			return e, invalid("time", "must be an RFC 3339 time")
		}
		if e.Time.IsZero() { // the log takes the zero time for an absent one
			return e, invalid("time", "must be later than the year 1")
		}
	}
	if _, given := o["actor"]; given && e.Actor == "" {
		return e, invalid("actor", "must be agent, human or system")
	}
	return e, nil
}

// located adds to a problem where in the request it is.
func located(err error, where string) error {
	p, ok := errors.AsType[*problem](err)
	if !ok {
		return err
	}
	at := *p
	at.Detail = where + ": " + p.Detail
	return &at
}
