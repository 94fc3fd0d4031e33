package record

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"jrweb/eventlog/event"
)

// NeedsAll reports whether the event changes more of a session than its state.
func (p Prepared) NeedsAll() bool {
	return p.Type == event.TypeComplete || p.answers != 0 || p.About != nil || p.Cost != nil
}

// Completion makes a complete event.
func Completion(status event.Status, reason string) Prepared {
	return Prepared{
		Event:  event.Event{Type: event.TypeComplete, Actor: event.System, Data: CompletionData(status, reason)},
		Status: status, Reason: reason,
	}
}

// CompletionData is the data of a complete event.
func CompletionData(status event.Status, reason string) json.RawMessage {
	data, err := json.Marshal(struct {
		Status event.Status `json:"status"`
		Reason string       `json:"reason,omitempty"`
	}{status, reason})
	if err != nil {
		panic("eventlog: two strings cannot be encoded: " + err.Error())
	}
	return data
}

// Limits of the texts beside events.
const (
	// MaxText is the largest size, in bytes, of a long text: a task's description, the
	// reason of an end.
	MaxText = 64 << 10
	// MaxName is the largest size, in bytes, of a short text.
	MaxName = 1 << 10
)

// Prepared is an event as it will be stored, with the fields of it that the log uses.
type Prepared struct {
	event.Event
	Cost    *Cost        // of a cost event
	About   *about       // of a session event
	answers uint64       // of an answer: the sequence of the question
	Status  event.Status // of a complete event
	Reason  string       // of a complete event
}

// Prepare checks the events of one append and returns them as they will be stored. The
// result shares no memory with the caller's events.
func Prepare(events []event.Event, maxEvents, maxBytes int) ([]Prepared, error) {
	if len(events) == 0 {
		return nil, &event.FieldError{Index: -1, Field: "events", Reason: "at least one event is required"}
	}
	if len(events) > maxEvents {
		return nil, &event.FieldError{Index: -1, Field: "events", Reason: fmt.Sprintf("at most %d events in one append", maxEvents), Err: event.ErrTooLarge}
	}
	out := make([]Prepared, len(events))
	for i := range events {
		err := out[i].Prepare(&events[i], maxBytes)
		if err == nil && out[i].Type == event.TypeComplete && i != len(events)-1 {
			err = wrong("type", "complete must be the last event of an append")
		}
		if err != nil {
			err.Index = i
			return nil, err
		}
	}
	return out, nil
}

func wrong(field, reason string) *event.FieldError {
	return &event.FieldError{Field: field, Reason: reason}
}

// Prepare checks an event and sets p from it, with its own copy of the data.
func (p *Prepared) Prepare(e *event.Event, maxBytes int) *event.FieldError {
	p.Type, p.Actor = e.Type, e.Actor
	switch {
	case event.IsReserved(e.Type):
		return wrong("type", fmt.Sprintf("%q is reserved", e.Type))
	case !event.ValidType(e.Type):
		return wrong("type", "must match [a-z][a-z0-9_]{0,63}")
	}
	switch e.Actor {
	case "":
		p.Actor = event.Agent
	case event.Agent, event.Human, event.System:
	default:
		return wrong("actor", "must be agent, human or system")
	}
	if !e.Time.IsZero() {
		p.Time = e.Time.UTC().Truncate(time.Millisecond)
		if y := p.Time.Year(); y < 1 || y > 9999 {
			return wrong("time", "year must be from 1 to 9999")
		}
	}
	if len(e.Data) > maxBytes {
		return &event.FieldError{Field: "data", Reason: fmt.Sprintf("has %d bytes, at most %d are kept", len(e.Data), maxBytes), Err: event.ErrTooLarge}
	}
	o, data, ok := scanObject(e.Data, knownFields[e.Type])
	if !ok {
		return noObject(e.Data)
	}
	p.Data = data
	return p.checkKnown(&o)
}

// noObject says why the scanner did not accept the data.
func noObject(data []byte) *event.FieldError {
	if !utf8.Valid(data) {
		return wrong("data", "must be valid UTF-8")
	}
	if err := json.Unmarshal(data, &json.RawMessage{}); err != nil {
		return wrong("data", "must be JSON: "+err.Error())
	}
	return wrong("data", "must be a JSON object")
}

// checkKnown checks the fields that the known types must have.
func (p *Prepared) checkKnown(o *object) *event.FieldError {
	for i, f := range o.fields {
		if f.kind == optional {
			continue
		}
		value := o.values[i]
		if value == nil {
			return wrong("data."+f.name, "is required")
		}
		if kind := kindOf(value); kind != f.kind {
			return wrong("data."+f.name, fmt.Sprintf("must be %s, not %s", f.kind, kind))
		}
	}
	switch p.Type {
	case event.TypeCost:
		return p.readCost(o)
	case event.TypeQuestion:
		return p.readQuestion(o)
	case event.TypeAnswer:
		return p.readAnswer(o)
	case event.TypeReceipt:
		return p.readReceipt(o)
	case event.TypeSession:
		return p.readAbout(o)
	case event.TypeComplete:
		return p.readComplete(o)
	}
	return nil
}

// field is a field that the log reads, and the kind that its value must have.
type field struct{ name, kind string }

// optional is the kind of a field that may be absent.
const optional = ""

// maxFields is the largest number of fields that the log reads in one event.
const maxFields = 10

var (
	content     = []field{{"content", "a string"}}
	knownFields = map[string][]field{
		event.TypeAssistant:  content,
		event.TypeThought:    content,
		event.TypeUser:       content,
		event.TypeStatus:     content,
		event.TypeComment:    content,
		event.TypeCheckpoint: content,
		event.TypeGuardrail:  content,
		event.TypeToolCall:   {{"tool", "a string"}, {"args", "an object"}},
		event.TypeToolResult: {{"tool", "a string"}, {"success", "true or false"}, {"output", "a string"}},
		event.TypeError:      {{"message", "a string"}},
		event.TypeCost: {
			{"usd", optional}, {"input_tokens", optional}, {"output_tokens", optional}, {"cache_read_tokens", optional},
			{"cache_write_tokens", optional}, {"scope", optional}, {"model", optional}, {"id", optional}, {"turn", optional}, {"part_of", optional},
		},
		event.TypeQuestion: {{"content", "a string"}, {"options", optional}},
		event.TypeAnswer:   {{"for", "a number"}, {"value", "a string"}},
		event.TypeReceipt:  {{"for", "a number"}, {"state", "a string"}},
		event.TypeSession:  aboutFields,
		event.TypeComplete: {{"status", optional}, {"reason", optional}},
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

// The largest amounts that one cost event may have. They are far beyond any real amount,
// and low enough that no sum of them overflows.
const (
	maxUSD    = 1e12
	maxTokens = 1e12
)

func (p *Prepared) readCost(o *object) *event.FieldError {
	c := &Cost{}
	usd, err := amount(o, "usd", maxUSD)
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
		n, err := amount(o, f.name, maxTokens)
		if err != nil {
			return err
		}
		if n != math.Trunc(n) {
			return wrong("data."+f.name, "must be a whole number")
		}
		*f.to = uint64(n)
	}
	scope := "delta"
	if err := optionalText(o, "scope", &scope); err != nil {
		return err
	}
	if scope != "delta" && scope != "cumulative" {
		return wrong("data.scope", "must be delta or cumulative")
	}
	c.Cumulative = scope == "cumulative"
	if err := optionalName(o, "model", &c.Model); err != nil {
		return err
	}
	p.Cost = c
	return c.readIDs(o)
}

// maxCostID is the largest size, in bytes, of the id of a cost.
const maxCostID = 256

// readIDs sets the ids, or none of them if one is wrong.
func (c *Cost) readIDs(o *object) *event.FieldError {
	var id, turn, partOf string
	for _, f := range []struct {
		name string
		to   *string
	}{{"id", &id}, {"turn", &turn}, {"part_of", &partOf}} {
		if err := optionalText(o, f.name, f.to); err != nil {
			return err
		}
		if o.value(f.name) != nil && (*f.to == "" || len(*f.to) > maxCostID) {
			return wrong("data."+f.name, fmt.Sprintf("must have 1 to %d bytes", maxCostID))
		}
	}
	if partOf != "" && id == "" {
		return wrong("data.part_of", "needs an id beside it")
	}
	if turn != "" && (id == "" || partOf != "") {
		return wrong("data.turn", "needs the id of an account beside it, and no part_of")
	}
	c.ID, c.Turn, c.PartOf = id, turn, partOf
	return nil
}

// PrepareStored is Prepare for an event that the log already holds. Format 2 did not check
// the ids of costs, so a cost whose ids are wrong counts as one without ids. Format 2 did
// not check questions, answers and receipts either.
func (p *Prepared) PrepareStored(e *event.Event) *event.FieldError {
	err := p.Prepare(e, len(e.Data))
	if p.Cost != nil || p.isSteering() {
		return nil
	}
	return err
}

func amount(o *object, name string, limit float64) (float64, *event.FieldError) {
	value := o.value(name)
	if value == nil {
		return 0, nil
	}
	var n float64
	if kindOf(value) != "a number" || json.Unmarshal(value, &n) != nil || n < 0 || n > limit {
		return 0, wrong("data."+name, fmt.Sprintf("must be a number from 0 to %g", limit))
	}
	return n, nil
}

func optionalText(o *object, name string, to *string) *event.FieldError {
	value := o.value(name)
	if value == nil {
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

// optionalName is optionalText for short texts.
func optionalName(o *object, name string, to *string) *event.FieldError {
	if err := optionalText(o, name, to); err != nil {
		return err
	}
	if len(*to) > MaxName {
		return wrong("data."+name, fmt.Sprintf("must have at most %d bytes", MaxName))
	}
	return nil
}

func (p *Prepared) readComplete(o *object) *event.FieldError {
	if o.value("status") == nil {
		rest := p.Data[1:]
		p.Data = append(make([]byte, 0, len(p.Data)+24), `{"status":"succeeded"`...)
		if len(rest) > 1 {
			p.Data = append(p.Data, ',')
		}
		p.Data = append(p.Data, rest...)
	}
	status := string(event.Succeeded)
	if err := optionalText(o, "status", &status); err != nil {
		return err
	}
	switch p.Status = event.Status(status); p.Status {
	case event.Succeeded, event.Failed, event.Canceled, event.Interrupted:
	default:
		return wrong("data.status", "must be succeeded, failed, canceled or interrupted")
	}
	if err := optionalText(o, "reason", &p.Reason); err != nil {
		return err
	}
	if len(p.Reason) > MaxText {
		return wrong("data.reason", fmt.Sprintf("must have at most %d bytes", MaxText))
	}
	return nil
}

// CheckText checks a text beside events: a title, an agent's name.
func CheckText(field, text string, limit int) error {
	switch {
	case !utf8.ValidString(text):
		return &event.FieldError{Index: -1, Field: field, Reason: "must be valid UTF-8"}
	case len(text) > limit:
		return &event.FieldError{Index: -1, Field: field, Reason: fmt.Sprintf("must have at most %d bytes", limit)}
	}
	return nil
}
