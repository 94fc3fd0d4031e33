package record

import (
	"encoding/json"
	"fmt"

	"jrweb/eventlog/event"
)

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
