package eventlog

import (
	"bytes"
	"encoding/json"
	"errors"
)

// A change that is handed on, and its answer, are JSON. The data of events comes through it
// byte for byte, because it has no white space and no character is escaped.

// encodeHanded appends a value to what stands before it.
func encodeHanded(before string, value any) ([]byte, error) {
	out := bytes.NewBufferString(before)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return out.Bytes(), err
}

func decodeHanded(data []byte, value any) error { return json.Unmarshal(data, value) }

// An answer begins with one of these bytes.
const (
	answerGood  = "+"
	answerError = "-"
)

func encodeAnswer(out any, err error) ([]byte, error) {
	if err != nil {
		return encodeHanded(answerError, newHandedError(err))
	}
	return encodeHanded(answerGood, out)
}

func decodeAnswer(answer []byte, out any) error {
	if rest, good := bytes.CutPrefix(answer, []byte(answerGood)); good {
		return decodeHanded(rest, out)
	}
	rest, _ := bytes.CutPrefix(answer, []byte(answerError))
	said := &handedError{}
	if err := decodeHanded(rest, said); err != nil {
		return err
	}
	return said.err()
}

// handedError is an error of the writer.
type handedError struct {
	Is       string         `json:"is,omitempty"` // the text of one of handedErrors
	Text     string         `json:"text"`
	Field    *FieldError    `json:"field,omitempty"` // without Err
	Recorded *RecordedError `json:"recorded,omitempty"`
	Damage   *DamageError   `json:"damage,omitempty"`
}

// handedErrors are those that callers tell apart.
var handedErrors = []error{
	ErrTaskNotFound, ErrSessionNotFound, ErrSealed, ErrKeyReused, ErrAnswered, ErrOtherVersion, ErrTooManyOpen, ErrTooLarge,
	ErrFull, ErrNotCommitted, ErrUnsettled, ErrDamaged,
}

func newHandedError(err error) *handedError {
	h := &handedError{Text: err.Error()}
	for _, known := range handedErrors {
		if errors.Is(err, known) {
			h.Is = known.Error()
		}
	}
	switch {
	case errors.Is(err, ErrFailed): // the writer has ended, and does not know
		h.Is = ErrUnsettled.Error()
	case errors.As(err, &h.Field):
		field := *h.Field
		field.Err, h.Field = nil, &field
	}
	errors.As(err, &h.Recorded)
	errors.As(err, &h.Damage)
	return h
}

// err is the error as the caller at the writer would have got it.
func (h *handedError) err() error {
	var is error
	for _, known := range handedErrors {
		if known.Error() == h.Is {
			is = known
		}
	}
	switch {
	case h.Field != nil:
		h.Field.Err = is
		return h.Field
	case h.Recorded != nil:
		return h.Recorded
	case h.Damage != nil:
		return h.Damage
	case is != nil && is.Error() == h.Text:
		return is
	}
	return &saidError{h.Text, is}
}

// saidError is an error with the text of another process.
type saidError struct {
	text string
	is   error // nil: none that callers know
}

func (e *saidError) Error() string { return e.text }

func (e *saidError) Unwrap() error { return e.is }
