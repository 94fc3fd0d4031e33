package eventlog

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// SearchPlace is a place in the order in which a [Search] goes through the log: first the
// sessions that were open when it began, then the others, those that have ended last first.
// In a session the newest events come first. The order is that of the moment when the search
// began, and nothing that happens later changes it. The zero place is before everything.
type SearchPlace struct {
	// Asof is the last change of the log before the search began.
	Asof uint64
	// Ended is when the session had ended by then, in milliseconds since 1970, or stillOpen.
	Ended int64
	// Cursor is the last event that was looked at. Sequence 0 is the end of the session.
	Cursor
}

const stillOpen = math.MaxInt64

// firstOf is the place before everything of a search.
func firstOf(asof uint64) SearchPlace {
	p := SearchPlace{Asof: asof, Ended: stillOpen, Cursor: Cursor{Sequence: math.MaxUint64}}
	for i := range p.Session {
		p.Session[i] = 0xff
	}
	return p
}

// String returns the place as text: change, end or "open", session and sequence, with colons
// between them.
func (p SearchPlace) String() string {
	if p == (SearchPlace{}) {
		return ""
	}
	ended := "open"
	if p.Ended != stillOpen {
		ended = strconv.FormatInt(p.Ended, 10)
	}
	return fmt.Sprintf("%d:%s:%s", p.Asof, ended, p.Cursor)
}

// ParseSearchPlace reads the text of a place. The empty text is the zero place. It fails
// with [ErrMalformed].
func ParseSearchPlace(text string) (p SearchPlace, err error) {
	if text == "" {
		return SearchPlace{}, nil
	}
	asof, rest, _ := strings.Cut(text, ":")
	ended, cursor, _ := strings.Cut(rest, ":")
	var errs [3]error
	p.Asof, errs[0] = strconv.ParseUint(asof, 10, 64)
	if p.Ended = stillOpen; ended != "open" {
		p.Ended, errs[1] = strconv.ParseInt(ended, 10, 64)
	}
	p.Cursor, errs[2] = ParseCursor(cursor)
	if cmp.Or(errs[:]...) != nil || p.Asof == 0 || p.String() != text {
		return SearchPlace{}, fmt.Errorf("%w: a place in a search", ErrMalformed)
	}
	return p, nil
}
