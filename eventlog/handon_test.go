package eventlog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/store"
)

// twoLogs are the writer and a log that hands on to it, and the store as each sees it.
func twoLogs(t *testing.T, o *eventlog.Options) (writer, other *fixture, first, second *told) {
	s := newToldStore()
	first, second = s.replica(), s.replica()
	return on(t, first, o), on(t, second, o), first, second
}

// Every log answers the same, to the letter, whatever the change and its outcome are.
func TestEveryLogAnswersAsTheWriterDoes(t *testing.T) {
	text := func(s string) *string { return &s }
	yes := true
	long := strings.Repeat("x", 2000)
	odd := `{"content":"<a&b> é\u2028 ` + "\u2028\x7f" + ` \"","n":1.50,"z":[1,  2],"a":{}}`
	key := func(id string, digest byte) eventlog.Key {
		return eventlog.Key{ID: id, Scope: "s", Digest: [32]byte{digest, 0xff}}
	}
	type ask func(t *testing.T, f *fixture) (any, error)
	session := func(f *fixture, n int) eventlog.SessionID {
		all, err := f.Sessions(f.Context(), "t-1", eventlog.SessionID{}, 100)
		f.ok(err)
		return all[len(all)-1-n].ID
	}
	batch := func(session eventlog.SessionID, key eventlog.Key, events ...eventlog.Event) ask {
		return func(t *testing.T, f *fixture) (any, error) {
			return f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: session, Events: events, Key: key, Owner: "somebody"})
		}
	}
	in := func(n int, events ...eventlog.Event) ask {
		return func(t *testing.T, f *fixture) (any, error) {
			return batch(session(f, n), eventlog.Key{}, events...)(t, f)
		}
	}
	start := func(o eventlog.StartOptions) ask {
		return func(t *testing.T, f *fixture) (any, error) {
			info, replayed, err := f.StartInfo(t.Context(), "t-1", &o)
			return fmt.Sprintf("%+v %v", info, replayed), err
		}
	}
	put := func(task string, c eventlog.TaskChange) ask {
		return func(t *testing.T, f *fixture) (any, error) {
			put, created, err := f.PutTask(t.Context(), task, c)
			return fmt.Sprintf("%+v %v", put, created), err
		}
	}
	of := func(n int, do func(f *fixture, s *eventlog.Session) error) ask {
		return func(t *testing.T, f *fixture) (any, error) { return nil, do(f, f.Session("t-1", session(f, n))) }
	}
	heartbeat := func(f *fixture, s *eventlog.Session) error { return s.Heartbeat(f.Context()) }
	asks := []ask{
		put("t-1", eventlog.TaskChange{Title: text("a <b>"), Type: text(""), Parent: text("t-0"), Description: text("d"), Project: text("p"), Pinned: &yes}),
		put("t-1", eventlog.TaskChange{Title: text("")}),
		put("t-1", eventlog.TaskChange{Title: &long}),
		put("-", eventlog.TaskChange{}),
		start(eventlog.StartOptions{
			Agent: "a", Version: "1", Model: "m", Cwd: "/", Branch: "b", Machine: "mm", ExternalID: "e", ParentExternalID: "pe", Owner: "o",
			Started: time.Now().Add(-time.Hour), Steer: true, Lease: time.Hour, Concurrent: true, Key: key("start", 1),
		}),
		start(eventlog.StartOptions{Key: key("start", 1)}),
		start(eventlog.StartOptions{Key: key("start", 2)}),
		start(eventlog.StartOptions{Agent: "a", ExternalID: "e", Unique: true}),
		start(eventlog.StartOptions{Concurrent: true}),
		in(0, eventlog.Event{Type: "assistant", Actor: eventlog.System, Time: time.Now().Add(-time.Minute), Data: json.RawMessage(odd)}, says("2")),
		of(0, func(f *fixture, s *eventlog.Session) error { // the data, byte for byte
			return fmt.Errorf("%+q", f.events(s, 0)[0].Data)
		}),
		in(0, event("cost", `{"usd":0.1234567890123,"input_tokens":3,"model":"m"}`), event("cost", `{"input_tokens":7,"model":"n"}`)),
		in(0, says("x"), event("reset", `{}`)),
		in(0, event(eventlog.TypeQuestion, `{"content":"?"}`)),
		in(0, event(eventlog.TypeAnswer, `{"for":5,"value":"yes"}`)),
		in(0, event(eventlog.TypeAnswer, `{"for":5,"value":"no"}`)),
		in(0, event(eventlog.TypeAnswer, `{"for":1,"value":"no"}`)),
		batch(eventlog.SessionID{}, key("latest", 1), says("to the latest")),
		batch(eventlog.SessionID{}, key("latest", 1), says("to the latest")),
		batch(eventlog.SessionID{}, key("latest", 2), says("another")),
		batch(eventlog.SessionID{9}, eventlog.Key{}, says("to nobody")),
		of(0, heartbeat),
		of(0, func(f *fixture, s *eventlog.Session) error { return f.Trim(f.Context(), "t-1", s.ID(), 3) }),
		of(0, func(f *fixture, s *eventlog.Session) error { return s.Complete(f.Context(), eventlog.Failed, "why") }),
		in(0, complete()),
		of(0, heartbeat),
		in(1, says("x"), complete()),
		batch(eventlog.SessionID{}, key("starts", 1), says("to a new one"), complete()),
		batch(eventlog.SessionID{}, key("starts", 1), says("to a new one"), complete()),
		of(0, func(f *fixture, s *eventlog.Session) error { return f.DeleteSession(f.Context(), "t-1", s.ID()) }),
		of(0, func(f *fixture, _ *eventlog.Session) error {
			return f.DeleteSession(f.Context(), "t-1", eventlog.SessionID{1})
		}),
		func(t *testing.T, f *fixture) (any, error) { return nil, f.Probe(t.Context()) },
		func(t *testing.T, f *fixture) (any, error) { return nil, f.DeleteTask(t.Context(), "t-1") },
		func(t *testing.T, f *fixture) (any, error) { return nil, f.DeleteTask(t.Context(), "t-1") },
	}
	// The same happens to two stores at the same times. Of one the writer is asked, of the
	// other the log that hands on.
	ids := regexp.MustCompile("[0-9A-V]{26}") // they are random, except for their order
	play := func(through func(writer, other *fixture) *fixture) (told []string) {
		seen := map[string]string{}
		synctest.Test(t, func(t *testing.T) {
			writer, other, _, second := twoLogs(t, nil)
			handed := second.handed
			f := through(writer, other)
			for n, ask := range asks {
				answer, err := ask(t, f)
				is := ""
				for _, known := range []error{
					eventlog.ErrTaskNotFound, eventlog.ErrSessionNotFound, eventlog.ErrSealed, eventlog.ErrKeyReused, eventlog.ErrAnswered, eventlog.ErrTooLarge,
				} {
					if errors.Is(err, known) {
						is += known.Error()
					}
				}
				if field, ok := errors.AsType[*eventlog.FieldError](err); ok {
					is += fmt.Sprintf("%+v", *field)
				}
				if recorded, ok := errors.AsType[*eventlog.RecordedError](err); ok {
					is += fmt.Sprintf("%+v", *recorded)
				}
				if a, ok := answer.(eventlog.Appended); ok && a.Sealed != nil {
					is += fmt.Sprintf("%+v", *a.Sealed)
					a.Sealed = nil
					answer = a
				}
				told = append(told, ids.ReplaceAllStringFunc(fmt.Sprintf("%d: %+v, %v (%s)", n, answer, err, is), func(id string) string {
					if seen[id] == "" {
						seen[id] = fmt.Sprint("session ", len(seen))
					}
					return seen[id]
				}))
				time.Sleep(time.Second)
			}
			if n := second.handed - handed; (f == other) != (n > len(asks)-6) {
				t.Errorf("%d changes were handed on", n)
			}
		})
		return told
	}
	here := play(func(writer, _ *fixture) *fixture { return writer })
	there := play(func(_, other *fixture) *fixture { return other })
	for i := range here {
		if here[i] != there[i] {
			t.Errorf("the writer answers\n%s\nand another log\n%s", here[i], there[i])
		}
	}
}

// What got no answer was made once or never, and a key says which.
func TestAnAnswerThatIsLostIsSettledByTheKey(t *testing.T) {
	writer, other, first, _ := twoLogs(t, nil)
	s := writer.start("t-1")
	there := other.Session("t-1", s.ID())
	first.lose = 1
	if _, err := there.Append(t.Context(), says("1")); !errors.Is(err, eventlog.ErrUnsettled) {
		t.Errorf("an append without an answer: %v", err)
	}
	first.lose = 2
	a, err := other.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: s.ID(), Events: []eventlog.Event{says("2")}, Key: eventlog.Key{ID: "k"}})
	other.ok(err)
	if !a.Replayed || a.First != 2 {
		t.Errorf("an append whose answer was lost twice: %+v", a)
	}
	first.lose = 1
	other.ok(there.Heartbeat(t.Context()))
	wantSlice(t, "contents", other.contents(s), numbers(1, 2))
}

// A change that reaches a log after it was deposed, or in a later term of its own, is not made:
// the one that handed it on may have handed it on to the next writer, and more after it.
func TestAChangeIsMadeInItsTermOrNever(t *testing.T) {
	writer, other, first, second := twoLogs(t, nil)
	s := writer.start("t-1")
	var kept []byte
	second.hand = func(change []byte) { kept = change }
	other.append(other.Session("t-1", s.ID()), says("1"))
	for name, turn := range map[string]func(){"of another": second.turns, "of its own": first.turns} {
		turn()
		if _, err := first.make(t.Context(), 1, kept); !errors.Is(err, store.ErrNotWriter) {
			t.Errorf("in a later term %s: %v", name, err)
		}
	}
	wantSlice(t, "contents", writer.contents(s), numbers(1, 1))
	first.turns()
	if _, err := first.make(t.Context(), first.term, kept); err != nil { // the control
		t.Error(err)
	}
	wantEqual(t, "events", len(writer.contents(s)), 2)
}

// A change goes to the writer, also if the writer changes while it is under way.
func TestChangesFollowTheWriter(t *testing.T) {
	_, other, first, second := twoLogs(t, nil)
	third := on(t, first.replica(), nil)
	s := other.start("t-1")
	for n := range 60 {
		second.hand = nil
		switch n % 3 {
		case 0: // deposed before it is asked
			second.hand = func([]byte) { second.turns() }
		case 1:
			first.turns()
		}
		f := []*fixture{other, third}[n%2]
		f.append(f.Session("t-1", s.ID()), says(fmt.Sprint(n+1)))
	}
	wantSlice(t, "contents", third.contents(s), numbers(1, 60))
}

// Every log knows that something was spent, and whether it is the one that committed it.
func TestEveryLogHearsThatSomethingWasSpent(t *testing.T) {
	var logs [2]*fixture
	var heard [2][]bool
	s := newToldStore()
	for i := range logs {
		logs[i] = on(t, s.replica(), &eventlog.Options{Trace: &eventlog.Trace{Spent: func(own bool) { heard[i] = append(heard[i], own) }}})
	}
	session := logs[0].start("t-1")
	for _, f := range logs {
		f.append(f.Session("t-1", session.ID()), spends(`{"usd":1}`))
		f.append(f.Session("t-1", session.ID()), says("x"))
	}
	wantEqual(t, "at the writer, and at the other log", fmt.Sprint(heard), "[[true true] [false false]]")
}

// What is done of itself the writer alone does.
func TestTheWriterAloneEndsRetainsAndPurges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		writer, other, _, second := twoLogs(t, &eventlog.Options{RetainSessions: 2, RetainAge: 10 * time.Hour, IdleTimeout: time.Hour})
		for range 4 {
			f := other
			s := f.start("t-1")
			f.append(s, says("x"), complete())
		}
		synctest.Wait()
		open := other.start("t-2")
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		wantEqual(t, "sessions", writer.task("t-1").Sessions, 2)
		wantEqual(t, "reason", writer.info(open).Reason, "idle timeout")
		wantEqual(t, "updates of the other log", second.updates, 0)
		second.turns()
		late := writer.start("t-2") // handed on the other way round
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		wantEqual(t, "reason", other.info(late).Reason, "idle timeout")
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		wantEqual(t, "sessions after their age", other.task("t-1").Sessions, 0)
	})
}
