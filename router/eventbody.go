package router

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"jrweb/eventlog"
	"jrweb/internal/jsonscan"
)

// parseEvents reads the events of an append: one object, an array, or NDJSON. It passes over
// the body once. where names the place of an event in the request, for errors of the log.
func parseEvents(body []byte, mediaType string) (events []eventlog.Event, where func(i int) string, err error) {
	var places []string
	switch {
	case mediaType == typeNDJSON:
		events, places, err = parseLines(body)
	case bytes.HasPrefix(bytes.TrimLeft(body, jsonSpace), []byte("[")):
		events, err = parseArray(body)
	default:
		events, places = make([]eventlog.Event, 1), []string{"the body"}
		events[0], err = parseText(body, places[0])
	}
	where = func(i int) string {
		if i < len(places) {
			return places[i]
		}
		return eventAt(i) // of an array, or added by middleware
	}
	return events, where, err
}

func eventAt(i int) string { return fmt.Sprintf("event %d", i) }

// parseLines reads NDJSON. It stops after maxEvents, because millions of tiny events would
// take far more memory than the body.
func parseLines(body []byte) (events []eventlog.Event, places []string, err error) {
	number := 0
	for line := range bytes.Lines(body) {
		number++
		if line = bytes.Trim(line, jsonSpace); len(line) == 0 {
			continue
		}
		if len(events) == maxEvents {
			return nil, nil, errManyEvents
		}
		place := fmt.Sprintf("line %d", number)
		e, err := parseText(line, place)
		if err != nil {
			return nil, nil, err
		}
		events, places = append(events, e), append(places, place)
	}
	return events, places, nil
}

// parseArray is parseLines for a JSON array. A body that is not JSON is refused for that
// first.
func parseArray(body []byte) (events []eventlog.Event, refused error) {
	s := jsonscan.Objects(body)
	for s.NextObject() {
		if len(events) == maxEvents {
			return nil, errManyEvents
		}
		e, err := parseEvent(&s)
		if !s.OK() {
			break
		}
		if err != nil && refused == nil {
			refused = located(err, eventAt(len(events)))
		}
		events = append(events, e)
	}
	if !s.OK() {
		return nil, noArray(body, len(events))
	}
	return events, refused
}

// noArray says why a scan found no array of objects in a body. i is the index where it ended.
func noArray(body []byte, i int) error {
	err := notJSON(body)
	if err == nil {
		return located(errNoEvent, eventAt(i))
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && json.Valid(body[:syntax.Offset-1]) {
		return badRequest(fmt.Sprintf("something stands behind the array (at byte %d)", syntax.Offset))
	}
	return badRequest(fmt.Sprintf("the array at index %d is %v", i, err))
}

// parseText reads a text that is one event.
func parseText(text []byte, place string) (eventlog.Event, error) {
	s := jsonscan.Object(text)
	e, err := parseEvent(&s)
	if s.OK() {
		return e, located(err, place)
	}
	if err := notJSON(text); err != nil {
		return e, badRequest(fmt.Sprintf("%s is %v", place, err))
	}
	return e, located(errNoEvent, place)
}

var errNoEvent = invalid("event", "must be a JSON object")

var eventFields = []string{"type", "data", "actor", "time"}

// parseEvent reads the next object of a scan. What it returns counts only if the scan is OK.
func parseEvent(s *jsonscan.Scanner) (eventlog.Event, error) {
	var e eventlog.Event
	o, err := toObject(s, "event", eventFields...)
	if err != nil {
		return e, err
	}
	for _, name := range []string{"type", "data"} {
		if o.value(name) == nil {
			return e, invalid(name, "is required")
		}
	}
	e.Data = o.value("data")
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
