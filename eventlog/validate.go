package eventlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// maxText is how many bytes the long texts beside events may have: a task's
// description, the reason of an end. maxName is the same for short ones.
const (
	maxText = 64 << 10
	maxName = 1 << 10
)

// reservedTypes are names of the stream's own frames and of EventSource's events.
var reservedTypes = []string{"reset", "gap", "caught_up", "open", "message", "end"}

// ValidTaskID reports whether id may name a task:
// [A-Za-z0-9][A-Za-z0-9._-]{0,127}.
func ValidTaskID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alphanumeric && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// ValidType reports whether name may be an event's type: [a-z][a-z0-9_]{0,63},
// and not one of the names that the stream keeps for itself.
func ValidType(name string) bool {
	if name == "" || len(name) > 64 || slices.Contains(reservedTypes, name) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z') && (i == 0 || !(c >= '0' && c <= '9') && c != '_') {
			return false
		}
	}
	return true
}

// prepared is an event as it will be stored, with what the log reads in it.
type prepared struct {
	Event
	cost   *cost  // of a cost event
	status Status // of a complete event
	reason string // of a complete event
}

// prepare checks the events of one append and returns them as they will be
// stored. What it returns shares no memory with the caller's events.
func prepare(events []Event, maxEvents, maxBytes int) ([]prepared, error) {
	if len(events) == 0 {
		return nil, &FieldError{Index: -1, Field: "events", Reason: "at least one event is required"}
	}
	if len(events) > maxEvents {
		return nil, &FieldError{Index: -1, Field: "events", Reason: fmt.Sprintf("at most %d events in one append", maxEvents), Err: ErrTooLarge}
	}
	out := make([]prepared, len(events))
	for i := range events {
		var err *FieldError
		if out[i], err = prepareEvent(&events[i], maxBytes); err == nil && out[i].Type == TypeComplete && i != len(events)-1 {
			err = wrong("type", "complete must be the last event of an append")
		}
		if err != nil {
			err.Index = i
			return nil, err
		}
	}
	return out, nil
}

func wrong(field, reason string) *FieldError { return &FieldError{Field: field, Reason: reason} }

func prepareEvent(e *Event, maxBytes int) (prepared, *FieldError) {
	p := prepared{Event: Event{Type: e.Type, Actor: e.Actor}}
	switch {
	case slices.Contains(reservedTypes, e.Type):
		return p, wrong("type", fmt.Sprintf("%q is reserved", e.Type))
	case !ValidType(e.Type):
		return p, wrong("type", "must match [a-z][a-z0-9_]{0,63}")
	}
	switch e.Actor {
	case "":
		p.Actor = Agent
	case Agent, Human, System:
	default:
		return p, wrong("actor", "must be agent, human or system")
	}
	if !e.Time.IsZero() {
		p.Time = e.Time.UTC().Truncate(time.Millisecond)
		if y := p.Time.Year(); y < 1 || y > 9999 {
			return p, wrong("time", "year must be from 1 to 9999")
		}
	}
	if len(e.Data) > maxBytes {
		return p, &FieldError{Field: "data", Reason: fmt.Sprintf("has %d bytes, at most %d are kept", len(e.Data), maxBytes), Err: ErrTooLarge}
	}
	if !utf8.Valid(e.Data) {
		return p, wrong("data", "must be valid UTF-8")
	}
	var compact bytes.Buffer
	compact.Grow(len(e.Data))
	if err := json.Compact(&compact, e.Data); err != nil {
		return p, wrong("data", "must be JSON: "+err.Error())
	}
	p.Data = compact.Bytes()
	if p.Data[0] != '{' {
		return p, wrong("data", "must be a JSON object")
	}
	return p, p.checkKnown()
}

// checkKnown checks the fields that the known types must have.
func (p *prepared) checkKnown() *FieldError {
	required, known := requiredFields[p.Type]
	if !known {
		return nil
	}
	// An object's keys are matched exactly: encoding/json into a struct would
	// also take "Content" for "content".
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(p.Data, &fields); err != nil {
		return wrong("data", "must be a JSON object: "+err.Error())
	}
	for _, f := range required {
		value, present := fields[f.name]
		if !present {
			return wrong("data."+f.name, "is required")
		}
		if kind := kindOf(value); kind != f.kind {
			return wrong("data."+f.name, fmt.Sprintf("must be %s, not %s", f.kind, kind))
		}
	}
	switch p.Type {
	case TypeCost:
		return p.readCost(fields)
	case TypeComplete:
		return p.readComplete(fields)
	}
	return nil
}

type field struct{ name, kind string }

var (
	content        = []field{{"content", "a string"}}
	requiredFields = map[string][]field{
		TypeAssistant:  content,
		TypeThought:    content,
		TypeUser:       content,
		TypeStatus:     content,
		TypeComment:    content,
		TypeCheckpoint: content,
		TypeGuardrail:  content,
		TypeToolCall:   {{"tool", "a string"}, {"args", "an object"}},
		TypeToolResult: {{"tool", "a string"}, {"success", "true or false"}, {"output", "a string"}},
		TypeError:      {{"message", "a string"}},
		TypeCost:       nil,
		TypeComplete:   nil,
	}
)

// kindOf names the kind of a valid JSON value.
func kindOf(value json.RawMessage) string {
	switch value[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// The largest amounts that one cost event may have: far beyond any real one,
// and low enough that no sum of them overflows.
const (
	maxUSD    = 1e12
	maxTokens = 1e12
)

func (p *prepared) readCost(fields map[string]json.RawMessage) *FieldError {
	c := &cost{}
	usd, err := amount(fields, "usd", maxUSD)
	if err != nil {
		return err
	}
	c.USD = usd
	for _, f := range []struct {
		name string
		to   *uint64
	}{
		{"input_tokens", &c.InputTokens}, {"output_tokens", &c.OutputTokens},
		{"cache_read_tokens", &c.CacheReadTokens}, {"cache_write_tokens", &c.CacheWriteTokens},
	} {
		n, err := amount(fields, f.name, maxTokens)
		if err != nil {
			return err
		}
		if n != math.Trunc(n) {
			return wrong("data."+f.name, "must be a whole number")
		}
		*f.to = uint64(n)
	}
	scope := "delta"
	if err := optionalText(fields, "scope", &scope); err != nil {
		return err
	}
	if scope != "delta" && scope != "cumulative" {
		return wrong("data.scope", "must be delta or cumulative")
	}
	c.Cumulative = scope == "cumulative"
	if err := optionalText(fields, "model", &c.Model); err != nil {
		return err
	}
	if len(c.Model) > maxName {
		return wrong("data.model", fmt.Sprintf("must have at most %d bytes", maxName))
	}
	p.cost = c
	return nil
}

func amount(fields map[string]json.RawMessage, name string, limit float64) (float64, *FieldError) {
	value, present := fields[name]
	if !present {
		return 0, nil
	}
	var n float64
	if kindOf(value) != "a number" || json.Unmarshal(value, &n) != nil || n < 0 || n > limit {
		return 0, wrong("data."+name, fmt.Sprintf("must be a number from 0 to %g", limit))
	}
	return n, nil
}

func optionalText(fields map[string]json.RawMessage, name string, to *string) *FieldError {
	value, present := fields[name]
	if !present {
		return nil
	}
	if kindOf(value) != "a string" {
		return wrong("data."+name, "must be a string")
	}
	if err := json.Unmarshal(value, to); err != nil {
		return wrong("data."+name, err.Error())
	}
	return nil
}

func (p *prepared) readComplete(fields map[string]json.RawMessage) *FieldError {
	if _, present := fields["status"]; !present {
		rest := p.Data[1:]
		p.Data = append(make([]byte, 0, len(p.Data)+24), `{"status":"succeeded"`...)
		if len(fields) > 0 {
			p.Data = append(p.Data, ',')
		}
		p.Data = append(p.Data, rest...)
	}
	status := string(Succeeded)
	if err := optionalText(fields, "status", &status); err != nil {
		return err
	}
	switch p.status = Status(status); p.status {
	case Succeeded, Failed, Canceled, Interrupted:
	default:
		return wrong("data.status", "must be succeeded, failed, canceled or interrupted")
	}
	if err := optionalText(fields, "reason", &p.reason); err != nil {
		return err
	}
	if len(p.reason) > maxText {
		return wrong("data.reason", fmt.Sprintf("must have at most %d bytes", maxText))
	}
	return nil
}

// checkText checks a text beside events: a title, an agent's name.
func checkText(field, text string, limit int) error {
	switch {
	case !utf8.ValidString(text):
		return &FieldError{Index: -1, Field: field, Reason: "must be valid UTF-8"}
	case len(text) > limit:
		return &FieldError{Index: -1, Field: field, Reason: fmt.Sprintf("must have at most %d bytes", limit)}
	}
	return nil
}
