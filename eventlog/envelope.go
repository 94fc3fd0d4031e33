package eventlog

import (
	"encoding/json"
	"fmt"
	"math"

	"jrweb/eventlog/internal/record"
)

// Envelope is an event with its place in this log, or in another one.
type Envelope struct {
	Task    string
	Session SessionID
	Event
}

// ParseEnvelope reads what [event.AppendEnvelope] wrote. It checks the event by the rules
// of an append, except the limits of size, and keeps the data as an append would.
func ParseEnvelope(text []byte) (Envelope, error) {
	var fields struct {
		ID       string          `json:"id"`
		Task     string          `json:"task"`
		Session  SessionID       `json:"session"`
		Sequence uint64          `json:"sequence"`
		Time     Time            `json:"time"`
		Type     string          `json:"type"`
		Actor    Actor           `json:"actor"`
		Data     json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		return Envelope{}, fmt.Errorf("eventlog: not an event as it is exported: %w", err)
	}
	e := Envelope{
		Task: fields.Task, Session: fields.Session,
		Event: Event{Time: fields.Time.Time, Type: fields.Type, Actor: fields.Actor, Data: fields.Data},
	}
	switch {
	case !ValidTaskID(e.Task):
		return e, errTaskID
	case e.Session.IsZero():
		return e, &FieldError{Index: -1, Field: "session", Reason: "is required"}
	case fields.Sequence == 0:
		return e, &FieldError{Index: -1, Field: "sequence", Reason: "must be greater than 0"}
	case fields.ID != "" && fields.ID != (Cursor{Session: e.Session, Sequence: fields.Sequence}).String():
		return e, &FieldError{Index: -1, Field: "id", Reason: "does not fit session and sequence"}
	case e.Time.IsZero():
		return e, &FieldError{Index: -1, Field: "time", Reason: "is required"}
	case e.Data == nil:
		return e, &FieldError{Index: -1, Field: "data", Reason: "is required"}
	}
	p, err := prepareAlone(&e.Event)
	if err != nil {
		return e, err
	}
	e.Event = p.Event
	e.Sequence = fields.Sequence
	return e, nil
}

// CheckEvent checks an event by the rules of an append, except the limits of size.
func CheckEvent(e *Event) error {
	_, err := prepareAlone(e)
	return err
}

func prepareAlone(e *Event) (record.Prepared, error) {
	var p record.Prepared
	if err := p.Prepare(e, math.MaxInt); err != nil {
		err.Index = -1
		return p, err
	}
	return p, nil
}
