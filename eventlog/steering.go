package eventlog

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
)

// Questions of agents, the answers of people, and what became of what people said.

// isSteering reports whether the event is of a type that format 2 did not know.
func (p *prepared) isSteering() bool {
	return p.Type == TypeQuestion || p.Type == TypeAnswer || p.Type == TypeReceipt
}

// readQuestion checks the options, if there are any.
func (p *prepared) readQuestion(o *object) *FieldError {
	value := o.value("options")
	if value == nil {
		return nil
	}
	var options []struct {
		Value *string `json:"value"`
		Label *string `json:"label"`
	}
	if err := json.Unmarshal(value, &options); err != nil {
		return wrong("data.options", "must be an array of objects with value and label")
	}
	for i, option := range options {
		if option.Value == nil {
			return wrong(fmt.Sprintf("data.options[%d].value", i), "is required")
		}
	}
	return nil
}

func (p *prepared) readAnswer(o *object) (err *FieldError) {
	p.answers, err = readFor(o)
	return err
}

// The states of a receipt.
const (
	ReceiptDelivered = "delivered"
	ReceiptRead      = "read"
	ReceiptFailed    = "failed"
)

func (p *prepared) readReceipt(o *object) *FieldError {
	if _, err := readFor(o); err != nil {
		return err
	}
	var state string
	if err := optionalText(o, "state", &state); err != nil {
		return err
	}
	switch state {
	case ReceiptDelivered, ReceiptRead, ReceiptFailed:
		return nil
	}
	return wrong("data.state", "must be delivered, read or failed")
}

// readFor returns the sequence that an event speaks of.
func readFor(o *object) (uint64, *FieldError) {
	sequence, err := strconv.ParseUint(string(o.value("for")), 10, 64)
	if err != nil || sequence == 0 {
		return 0, wrong("data.for", "must be the sequence of an event")
	}
	return sequence, nil
}

// answerScope is the scope of the keys that say that a question is answered. No caller
// can name it.
const answerScope = "\x01answer"

// checkAnswers refuses a batch with an answer to what is no question of the session, or
// is answered. The session is nil if it is to be started.
func (tx *txn) checkAnswers(t *taskRecord, s *sessionRecord, events []prepared) error {
	answered := map[uint64]bool{}
	for i := range events {
		question := events[i].answers
		if question == 0 {
			continue
		}
		is, err := tx.isQuestion(s, question, events[:i])
		switch {
		case err != nil:
			return err
		case !is:
			return &FieldError{Index: i, Field: "data.for", Reason: fmt.Sprintf("%d is no question of this session", question)}
		case answered[question] || s != nil && tx.Get(bucketKeys, answerKey(t, s, question)) != nil:
			return ErrAnswered
		}
		answered[question] = true
	}
	return nil
}

// isQuestion reports whether a sequence is that of a question: of the session, or of
// those that are appended with the answer. What was trimmed may have been one.
func (tx *txn) isQuestion(s *sessionRecord, sequence uint64, before []prepared) (bool, error) {
	head, first := uint64(0), uint64(1)
	if s != nil {
		head, first = s.Head, s.First
	}
	switch {
	case sequence > head:
		i := sequence - head - 1
		return i < uint64(len(before)) && before[i].Type == TypeQuestion, nil
	case sequence < first:
		return true, nil
	}
	key := eventKey(s.id, sequence)
	var e Event
	if err := viewEvent(&e, key, tx.Get(bucketEvents, key)); err != nil {
		return false, err
	}
	return e.Type == TypeQuestion, nil
}

// keepAnswer writes down that a question is answered, as if it were a request that may
// come once.
func (tx *txn) keepAnswer(t *taskRecord, s *sessionRecord, question, answer uint64) {
	at := answerKey(t, s, question)
	tx.Put(bucketKeys, at, encodeJSON(bucketKeys, at, keyRecord{
		Digest: make([]byte, sha256.Size), Time: Time{tx.now}, Session: s.id, First: answer, Last: answer,
	}))
}

func answerKey(t *taskRecord, s *sessionRecord, question uint64) []byte {
	return requestKey(t, s.id, answerScope, strconv.FormatUint(question, 10))
}
