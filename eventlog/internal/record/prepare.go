package record

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"jrweb/eventlog/event"
)

// NeedsAll reports whether the event changes more of a session than its state.
func (p Prepared) NeedsAll() bool {
	return p.Type == event.TypeComplete || p.answers != 0 || p.About != nil || p.Cost != nil
}

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
