package event

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Cursor is a place in a session: just after the event with this sequence.
// Sequence 0 is before the first event. Its text form, "<session>:<sequence>",
// is the id of an SSE frame.
type Cursor struct {
	Session  SessionID
	Sequence uint64
}

// sessionPattern is what clients know of session ids. A log makes only some of the ids that
// match; the others name no session.
var sessionPattern = regexp.MustCompile(`^[A-Za-z0-9]{16,40}$`)

// ParseCursor reads "<session>:<sequence>". The sequence is decimal without sign or leading
// zero. The error wraps [ErrMalformed]. It wraps [ErrSessionNotFound] instead if the
// session looks like an id, but no log makes such an id.
func ParseCursor(text string) (Cursor, error) {
	session, digits, found := strings.Cut(text, ":")
	if !found {
		return Cursor{}, fmt.Errorf("eventlog: %w: cursor must be <session>:<sequence>", ErrMalformed)
	}
	sequence, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || strconv.FormatUint(sequence, 10) != digits {
		return Cursor{}, fmt.Errorf("eventlog: %w: sequence of a cursor must be a decimal number", ErrMalformed)
	}
	id, err := ParseSessionID(session)
	if err != nil && sessionPattern.MatchString(session) {
		err = fmt.Errorf("eventlog: cursor: %w", ErrSessionNotFound)
	}
	if err != nil {
		return Cursor{}, err
	}
	return Cursor{Session: id, Sequence: sequence}, nil
}

// String returns "<session>:<sequence>".
func (c Cursor) String() string { return string(c.AppendTo(nil)) }

// AppendTo appends the text form to dst.
func (c Cursor) AppendTo(dst []byte) []byte {
	dst, _ = c.Session.AppendText(dst)
	dst = append(dst, ':')
	return strconv.AppendUint(dst, c.Sequence, 10)
}
