package page

import (
	"bytes"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// Kinds are the kinds of events that a reader chooses among. An event may be of two:
// a tool that failed is an error as well. assets/kinds.js knows them, too.
var Kinds = []string{"says", "thought", "tool", "error", "people", "other"}

// KindsOf are the kinds of an event.
func KindsOf(e *eventlog.Event) []string {
	switch e.Type {
	case eventlog.TypeAssistant:
		return []string{"says"}
	case eventlog.TypeThought:
		return []string{"thought"}
	case eventlog.TypeToolCall:
		return []string{"tool"}
	case eventlog.TypeToolResult:
		if string(parseFields(e.Data).raw("success")) == "false" {
			return []string{"tool", "error"}
		}
		return []string{"tool"}
	case eventlog.TypeError:
		return []string{"error"}
	case eventlog.TypeUser:
		// What a program says in a person's place, and what an agent says to one that
		// it has started, is of no person.
		switch {
		case e.Actor == eventlog.System:
			return []string{"other"}
		case e.Actor == eventlog.Agent && parentOf(parseFields(e.Data)) != "":
			return []string{"says"}
		}
		return []string{"people"}
	case eventlog.TypeComment, eventlog.TypeQuestion, eventlog.TypeAnswer:
		return []string{"people"}
	}
	return []string{"other"}
}

// TextOf is the text of an event that can be searched: all strings and numbers of its
// data, except the bytes of images.
func TextOf(e *eventlog.Event) string {
	var text strings.Builder
	decoder := json.NewDecoder(bytes.NewReader(e.Data))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return text.String()
		}
		switch value := token.(type) {
		case string:
			if len(value) < 1000 || strings.ContainsAny(value[:1000], " \n") {
				text.WriteString(value)
				text.WriteByte('\n')
			}
		case json.Number:
			text.WriteString(value.String())
			text.WriteByte('\n')
		}
	}
}
