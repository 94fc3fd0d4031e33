package router

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"jrweb/eventlog"
)

// eventText is the JSON of one event in a request.
type eventText struct {
	json  []byte
	place string // its line or index in the request, for an error
}

// parseEvents reads the events of an append: one object, an array, or NDJSON. where names
// the place of an event in the request, for errors of the log.
func parseEvents(body []byte, mediaType string) (events []eventlog.Event, where func(i int) string, err error) {
	texts, err := splitEvents(body, mediaType)
	if err != nil {
		return nil, nil, err
	}
	for _, text := range texts {
		event, err := parseEvent(text.json)
		if err != nil {
			if err := checkJSON(text.json); err != nil {
				return nil, nil, badRequest(fmt.Sprintf("%s is not JSON: %v", text.place, err))
			}
			return nil, nil, located(err, text.place)
		}
		events = append(events, event)
	}
	where = func(i int) string {
		if i < len(texts) {
			return texts[i].place
		}
		return fmt.Sprintf("event %d", i) // an event that middleware added
	}
	return events, where, nil
}

// splitEvents finds the events in a body. It stops after maxEvents, because millions of
// tiny events would take far more memory than the body.
func splitEvents(body []byte, mediaType string) ([]eventText, error) {
	switch {
	case mediaType == typeNDJSON:
		return splitLines(body)
	case bytes.HasPrefix(bytes.TrimLeft(body, jsonSpace), []byte("[")):
		return splitArray(body)
	}
	return []eventText{{body, "the body"}}, nil
}

func splitLines(body []byte) ([]eventText, error) {
	var texts []eventText
	number := 0
	for line := range bytes.Lines(body) {
		number++
		if line = bytes.Trim(line, jsonSpace); len(line) == 0 {
			continue
		}
		if len(texts) == maxEvents {
			return nil, errManyEvents
		}
		texts = append(texts, eventText{line, fmt.Sprintf("line %d", number)})
	}
	return texts, nil
}

func splitArray(body []byte) ([]eventText, error) {
	var texts []eventText
	d := json.NewDecoder(bytes.NewReader(body))
	wrong := func(err error) error {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
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
		if len(texts) == maxEvents {
			return nil, errManyEvents
		}
		texts = append(texts, eventText{text, fmt.Sprintf("event %d", len(texts))})
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
	o, err := toObject(text, "event", "type", "data", "actor", "time")
	if err != nil {
		return e, err
	}
	for _, name := range []string{"type", "data"} {
		if _, given := o[name]; !given {
			return e, invalid(name, "is required")
		}
	}
	e.Data = o["data"]
	name, err := o.text("type")
	if err != nil {
		return e, err
	}
	e.Type = *name
	actor, err := o.text("actor")
	if err != nil {
		return e, err
	}
	if actor != nil {
		if e.Actor = eventlog.Actor(*actor); *actor == "" { // to the log, this would mean absent
			return e, invalid("actor", "must be agent, human or system")
		}
	}
	at, err := o.text("time")
	if err != nil {
		return e, err
	}
	if at != nil {
		if e.Time, err = parseTime("time", *at); err != nil {
			return e, err
		}
	}
	return e, nil
}

// rfc3339 is the form of a time. [time.Parse] alone also accepts others, such as an hour of
// one digit.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// parseTime reads any time of RFC 3339 from a field.
func parseTime(field, text string) (time.Time, error) {
	text = strings.ToUpper(text) // t and z mean the same as T and Z
	if !rfc3339.MatchString(text) {
		return time.Time{}, invalid(field, "must be an RFC 3339 time")
	}
	// Go's clock has no leap seconds: a leap second becomes the first one of the next
	// minute.
	const seconds = len("2006-01-02T15:04:")
	leap := text[seconds:seconds+2] == "60"
	if leap {
		text = text[:seconds] + "59" + text[seconds+2:]
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if leap {
		t = t.Add(time.Second)
	}
	switch {
	case err != nil:
		return time.Time{}, invalid(field, "must be an RFC 3339 time")
	case t.Truncate(time.Millisecond).IsZero(): // to the log, the zero time would mean absent
		return time.Time{}, invalid(field, "must be later than the year 1")
	}
	return t, nil
}

// located adds to a problem the place in the request.
func located(err error, where string) error {
	p, ok := errors.AsType[*problem](err)
	if !ok {
		return err
	}
	at := *p
	at.Detail = where + ": " + p.Detail
	return &at
}
