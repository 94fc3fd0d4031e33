package record

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// Questions of agents, the answers of people, and receipts of what people said.

// isSteering reports whether format 2 did not know the event's type.
func (p *Prepared) isSteering() bool {
	return p.Type == event.TypeQuestion || p.Type == event.TypeAnswer || p.Type == event.TypeReceipt
}

// readQuestion checks the options, if there are any.
func (p *Prepared) readQuestion(o *object) *event.FieldError {
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

func (p *Prepared) readAnswer(o *object) (err *event.FieldError) {
	p.answers, err = readFor(o)
	return err
}

func (p *Prepared) readReceipt(o *object) *event.FieldError {
	if _, err := readFor(o); err != nil {
		return err
	}
	var state string
	if err := optionalText(o, "state", &state); err != nil {
		return err
	}
	switch state {
	case event.ReceiptDelivered, event.ReceiptRead, event.ReceiptFailed:
		return nil
	}
	return wrong("data.state", "must be delivered, read or failed")
}

// readFor returns the sequence that an event refers to.
func readFor(o *object) (uint64, *event.FieldError) {
	sequence, err := strconv.ParseUint(string(o.value("for")), 10, 64)
	if err != nil || sequence == 0 {
		return 0, wrong("data.for", "must be the sequence of an event")
	}
	return sequence, nil
}

// answerScope is the scope of the keys that mark a question as answered. No caller can name
// it.
const answerScope = "\x01answer"

// CheckAnswers refuses a batch if it answers something that is not a question of the session, or
// that already has an answer. The session is nil if it has not started yet.
func (tx *Txn) CheckAnswers(t *Task, s *Session, events []Prepared) error {
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
			return &event.FieldError{Index: i, Field: "data.for", Reason: fmt.Sprintf("%d is no question of this session", question)}
		case answered[question] || s != nil && tx.Get(store.Keys, answerKey(t, s, question)) != nil:
			return ErrAnswered
		}
		answered[question] = true
	}
	return nil
}

// isQuestion reports whether an event with a sequence is a question: of the session, or of the
// batch before the answer. An event that was trimmed may have been one.
func (tx *Txn) isQuestion(s *Session, sequence uint64, before []Prepared) (bool, error) {
	head, first := uint64(0), uint64(1)
	if s != nil {
		head, first = s.Head, s.First
	}
	switch {
	case sequence > head:
		i := sequence - head - 1
		return i < uint64(len(before)) && before[i].Type == event.TypeQuestion, nil
	case sequence < first:
		return true, nil
	}
	key := EventKey(s.ID, sequence)
	var e event.Event
	if err := ViewEvent(&e, key, tx.Get(store.Events, key)); err != nil {
		return false, err
	}
	return e.Type == event.TypeQuestion, nil
}

// keepAnswer records that a question is answered, like a request that may come only once.
func (tx *Txn) keepAnswer(t *Task, s *Session, question, answer uint64) {
	at := answerKey(t, s, question)
	tx.Put(store.Keys, at, EncodeJSON(store.Keys, at, Request{
		Digest: make([]byte, sha256.Size), Time: event.Time{Time: tx.Now}, Session: s.ID, First: answer, Last: answer,
	}))
}

func answerKey(t *Task, s *Session, question uint64) []byte {
	return RequestKey(t, s.ID, answerScope, strconv.FormatUint(question, 10))
}
