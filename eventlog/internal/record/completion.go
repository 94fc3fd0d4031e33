package record

import (
	"encoding/json"
	"fmt"

	"jrweb/eventlog/event"
)

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
