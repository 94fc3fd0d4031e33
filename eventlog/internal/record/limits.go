package record

import (
	"fmt"
	"unicode/utf8"

	"jrweb/eventlog/event"
)

// Limits of the texts beside events.
const (
	// MaxText is the largest size, in bytes, of a long text: a task's description, the
	// reason of an end.
	MaxText = 64 << 10
	// MaxName is the largest size, in bytes, of a short text.
	MaxName = 1 << 10
)

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
