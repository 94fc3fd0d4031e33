package eventlog_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/dbfile"
	"jrweb/eventlog/store"
)

func ask(text string) eventlog.Event { return event("question", fmt.Sprintf(`{"content":%q}`, text)) }

func answerTo(question uint64, value string) eventlog.Event {
	return event("answer", fmt.Sprintf(`{"for":%d,"value":%q}`, question, value))
}

func TestTheFirstAnswerToAQuestionCounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	f := newFixture(t, func() store.Store { return openStore(t, path) }, &eventlog.Options{KeepOpen: true})
	s := f.start("t-1")
	f.append(s, says("a"), ask("May I?"), ask("Which?"))
	f.append(s, answerTo(2, "yes"))
	try := func(want error, events ...eventlog.Event) {
		t.Helper()
		before := f.info(s).Head
		_, err := f.Session("t-1", s.ID()).Append(t.Context(), events...)
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		if now := f.info(s).Head; now != before {
			t.Errorf("the head went from %d to %d", before, now)
		}
	}
	try(eventlog.ErrAnswered, answerTo(2, "no"))
	try(eventlog.ErrAnswered, answerTo(3, "a"), answerTo(3, "b"))
	f.reopen()
	try(eventlog.ErrAnswered, answerTo(2, "no"))
	f.append(s, answerTo(3, "b"))
	f.append(s, ask("And?"), answerTo(6, "together with its question"))
	try(eventlog.ErrAnswered, answerTo(6, "no"))
	f.close()
	if _, err := dbfile.Check(t.Context(), path, nil); err != nil {
		t.Error(err)
	}
}

func TestAnAnswerIsToAQuestionOfItsSession(t *testing.T) {
	f := inMemory(t, nil)
	other := f.start("t-2")
	f.append(other, ask("May I?"))
	s := f.start("t-1")
	f.append(s, says("a"))
	for _, question := range []uint64{1, 2, 3, 1 << 63} {
		_, err := s.Append(t.Context(), answerTo(question, "yes"), ask("Later?"))
		if field, ok := errors.AsType[*eventlog.FieldError](err); !ok || field.Field != "data.for" {
			t.Errorf("an answer to %d: %v", question, err)
		}
	}
	_, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-3", Events: []eventlog.Event{answerTo(1, "yes")}})
	if field, ok := errors.AsType[*eventlog.FieldError](err); !ok || field.Field != "data.for" {
		t.Errorf("an answer that starts a session: %v", err)
	}
	// A trimmed event may have been a question.
	f.append(s, ask("Now?"), says("b"))
	f.ok(f.Trim(t.Context(), "t-1", s.ID(), 2))
	f.append(s, answerTo(2, "yes"))
}
