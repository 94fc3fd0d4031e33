package event

import (
	"encoding/base32"
	"fmt"
)

// SessionID names one session. The log makes it: unique for ever, never reused, and greater
// than every id issued before. The zero value means "no session".
//
// Its text form is 26 characters of base32hex (RFC 4648, section 7). That alphabet is in
// ASCII order, so ids sort the same as bytes and as text.
type SessionID [16]byte

var idText = base32.HexEncoding.WithPadding(base32.NoPadding)

// ParseSessionID reads the text form of an id. It accepts only the exact text that
// [SessionID.String] returns, so that one id has one name.
func ParseSessionID(text string) (SessionID, error) {
	var id SessionID
	if len(text) != idText.EncodedLen(len(id)) {
		return SessionID{}, fmt.Errorf("eventlog: %w: session id must have %d characters", ErrMalformed, idText.EncodedLen(len(id)))
	}
	if _, err := idText.Decode(id[:], []byte(text)); err != nil || id.String() != text || id.IsZero() {
		return SessionID{}, fmt.Errorf("eventlog: %w: not a session id", ErrMalformed)
	}
	return id, nil
}

// String returns the text form, or "" for the zero id.
func (id SessionID) String() string {
	if id.IsZero() {
		return ""
	}
	return idText.EncodeToString(id[:])
}

// IsZero reports whether id means "no session".
func (id SessionID) IsZero() bool { return id == SessionID{} }

// AppendText appends the text form to dst.
func (id SessionID) AppendText(dst []byte) ([]byte, error) {
	if id.IsZero() {
		return dst, nil
	}
	return idText.AppendEncode(dst, id[:]), nil
}

// MarshalText implements [encoding.TextMarshaler].
func (id SessionID) MarshalText() ([]byte, error) { return id.AppendText(nil) }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *SessionID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = SessionID{}
		return nil
	}
	parsed, err := ParseSessionID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
