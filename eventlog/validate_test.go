package eventlog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
)

func TestEventsThatAreRefused(t *testing.T) {
	f := inMemory(t, &eventlog.Options{MaxEventBytes: 100, MaxBatchEvents: 3})
	for _, c := range []struct {
		name, typ, data, field string
	}{
		{"a type must not be empty", "", `{}`, "type"},
		{"a type begins with a letter", "1a", `{}`, "type"},
		{"a type has no capitals", "Assistant", `{}`, "type"},
		{"a type has no line end", "a\n", `{}`, "type"},
		{"a type has at most 64 characters", strings.Repeat("a", 65), `{}`, "type"},
		{"reset is reserved", "reset", `{}`, "type"},
		{"gap is reserved", "gap", `{}`, "type"},
		{"caught_up is reserved", "caught_up", `{}`, "type"},
		{"open is reserved", "open", `{}`, "type"},
		{"message is reserved", "message", `{}`, "type"},
		{"end is reserved", "end", `{}`, "type"},
		{"data is required", "note", ``, "data"},
		{"data must be JSON", "note", `{"a":`, "data"},
		{"data must be one JSON value", "note", `{} {}`, "data"},
		{"data must be an object, not an array", "note", `[]`, "data"},
		{"data must be an object, not a string of JSON", "note", `"{}"`, "data"},
		{"data must be an object, not null", "note", `null`, "data"},
		{"data must be UTF-8", "note", "{\"a\":\"\xff\"}", "data"},
		{"data must not have surrogates in UTF-8", "note", "{\"a\":\"\xed\xa0\x80\"}", "data"},
		{"data has a limit", "note", `{"a":"` + strings.Repeat("a", 100) + `"}`, "data"},
		{"assistant needs content", "assistant", `{}`, "data.content"},
		{"content must be a string", "assistant", `{"content":1}`, "data.content"},
		{"content must not be null", "assistant", `{"content":null}`, "data.content"},
		{"a key in other case is another key", "assistant", `{"Content":"x"}`, "data.content"},
		{"thought needs content", "thought", `{}`, "data.content"},
		{"user needs content", "user", `{}`, "data.content"},
		{"status needs content", "status", `{}`, "data.content"},
		{"comment needs content", "comment", `{}`, "data.content"},
		{"checkpoint needs content", "checkpoint", `{}`, "data.content"},
		{"guardrail needs content", "guardrail", `{}`, "data.content"},
		{"error needs message", "error", `{"content":"x"}`, "data.message"},
		{"tool_call needs tool", "tool_call", `{"args":{}}`, "data.tool"},
		{"tool_call needs args", "tool_call", `{"tool":"x"}`, "data.args"},
		{"args is no string of JSON", "tool_call", `{"tool":"x","args":"{}"}`, "data.args"},
		{"tool_result needs tool", "tool_result", `{"success":true,"output":""}`, "data.tool"},
		{"tool_result needs success", "tool_result", `{"tool":"x","output":""}`, "data.success"},
		{"success is true or false", "tool_result", `{"tool":"x","success":"true","output":""}`, "data.success"},
		{"tool_result needs output", "tool_result", `{"tool":"x","success":false}`, "data.output"},
		{"cost must not be negative", "cost", `{"usd":-0.1}`, "data.usd"},
		{"cost must be finite", "cost", `{"usd":1e999}`, "data.usd"},
		{"cost must be a number", "cost", `{"usd":"1"}`, "data.usd"},
		{"tokens must not be negative", "cost", `{"input_tokens":-1}`, "data.input_tokens"},
		{"tokens are whole", "cost", `{"output_tokens":1.5}`, "data.output_tokens"},
		{"cache tokens are checked, too", "cost", `{"cache_read_tokens":null}`, "data.cache_read_tokens"},
		{"all of them", "cost", `{"cache_write_tokens":[]}`, "data.cache_write_tokens"},
		{"scope is delta or cumulative", "cost", `{"scope":"total"}`, "data.scope"},
		{"model is a string", "cost", `{"model":7}`, "data.model"},
		{"question needs content", "question", `{"options":[]}`, "data.content"},
		{"options are objects", "question", `{"content":"x","options":["a"]}`, "data.options"},
		{"options are an array", "question", `{"content":"x","options":{}}`, "data.options"},
		{"an option needs a value", "question", `{"content":"x","options":[{"value":"a"},{"label":"b"}]}`, "data.options[1].value"},
		{"answer needs for", "answer", `{"value":"x"}`, "data.for"},
		{"answer needs a value", "answer", `{"for":1}`, "data.value"},
		{"for is a sequence", "answer", `{"for":1.5,"value":"x"}`, "data.for"},
		{"sequences begin with 1", "answer", `{"for":0,"value":"x"}`, "data.for"},
		{"receipt needs for", "receipt", `{"state":"read"}`, "data.for"},
		{"for is no text", "receipt", `{"for":"1","state":"read"}`, "data.for"},
		{"receipt needs a state", "receipt", `{"for":1}`, "data.state"},
		{"state is one of three", "receipt", `{"for":1,"state":"seen"}`, "data.state"},
		{"status of complete is one of four", "complete", `{"status":"done"}`, "data.status"},
		{"status of complete is not open", "complete", `{"status":"open"}`, "data.status"},
		{"status of complete is a string", "complete", `{"status":null}`, "data.status"},
		{"reason of complete is a string", "complete", `{"reason":{}}`, "data.reason"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{says("good"), event(c.typ, c.data)}})
			fieldError, ok := errors.AsType[*eventlog.FieldError](err)
			if !ok {
				t.Fatalf("got error %v", err)
			}
			wantEqual(t, "field", fieldError.Field, c.field)
			wantEqual(t, "index", fieldError.Index, 1)
		})
	}
	if _, err := f.Task(t.Context(), "t-1"); !errors.Is(err, eventlog.ErrTaskNotFound) {
		t.Errorf("a refused append left something behind: %v", err)
	}
}

// CheckEvent follows the same rules, except the limits of size.
func TestAnEventIsCheckedAlone(t *testing.T) {
	for _, c := range []struct {
		name, field string
		event       eventlog.Event
	}{
		{"one that is kept", "", eventlog.Event{Type: "note", Data: []byte(`{"a":1}`)}},
		{"one that has all", "", eventlog.Event{Type: "assistant", Actor: "human", Time: time.UnixMilli(1), Data: []byte(`{"content":"x"}`)}},
		{"one larger than a log takes", "", eventlog.Event{Type: "note", Data: []byte(`{"a":"` + strings.Repeat("a", 5<<20) + `"}`)}},
		{"another actor", "actor", eventlog.Event{Type: "note", Actor: "robot", Data: []byte(`{}`)}},
		{"a reserved type", "type", eventlog.Event{Type: "reset", Data: []byte(`{}`)}},
		{"a field that lacks", "data.content", eventlog.Event{Type: "assistant", Data: []byte(`{}`)}},
		{"no object", "data", eventlog.Event{Type: "note", Data: []byte(`[]`)}},
	} {
		err := eventlog.CheckEvent(&c.event)
		if fault, _ := errors.AsType[*eventlog.FieldError](err); c.field == "" && err != nil || c.field != "" && (fault == nil || fault.Field != c.field || fault.Index != -1) {
			t.Errorf("%s: got %v, want the fault in %q", c.name, err, c.field)
		}
	}
}

func TestBatchesThatAreRefused(t *testing.T) {
	f := inMemory(t, &eventlog.Options{MaxEventBytes: 100, MaxBatchEvents: 3})
	for _, c := range []struct {
		name     string
		batch    eventlog.Batch
		field    string
		index    int
		tooLarge bool
	}{
		{"a batch has at least one event", eventlog.Batch{Task: "t"}, "events", -1, false},
		{"a batch has a limit", eventlog.Batch{Task: "t", Events: []eventlog.Event{says("1"), says("2"), says("3"), says("4")}}, "events", -1, true},
		{"an event has a limit", eventlog.Batch{Task: "t", Events: []eventlog.Event{says(strings.Repeat("a", 100))}}, "data", 0, true},
		{"complete comes last", eventlog.Batch{Task: "t", Events: []eventlog.Event{complete(), says("1")}}, "type", 0, false},
		{"complete comes once", eventlog.Batch{Task: "t", Events: []eventlog.Event{says("1"), complete(), complete()}}, "type", 1, false},
		{"an actor is one of three", eventlog.Batch{Task: "t", Events: []eventlog.Event{{Type: "note", Actor: "robot", Data: json.RawMessage(`{}`)}}}, "actor", 0, false},
		{"a time has four digits of year", eventlog.Batch{Task: "t", Events: []eventlog.Event{{Type: "note", Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Data: json.RawMessage(`{}`)}}}, "time", 0, false},
		{"a task id is needed", eventlog.Batch{Events: []eventlog.Event{says("1")}}, "task", -1, false},
		{"a task id is no path", eventlog.Batch{Task: "..", Events: []eventlog.Event{says("1")}}, "task", -1, false},
		{"a task id has no zero byte", eventlog.Batch{Task: "a\x00b", Events: []eventlog.Event{says("1")}}, "task", -1, false},
		{"a key is visible ASCII", eventlog.Batch{Task: "t", Key: eventlog.Key{ID: "a b"}, Events: []eventlog.Event{says("1")}}, "Idempotency-Key", -1, false},
		{"a key has at most 128 characters", eventlog.Batch{Task: "t", Key: eventlog.Key{ID: strings.Repeat("k", 129)}, Events: []eventlog.Event{says("1")}}, "Idempotency-Key", -1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := f.Append(t.Context(), &c.batch)
			fieldError, ok := errors.AsType[*eventlog.FieldError](err)
			if !ok {
				t.Fatalf("got error %v", err)
			}
			wantEqual(t, "field", fieldError.Field, c.field)
			wantEqual(t, "index", fieldError.Index, c.index)
			wantEqual(t, "is too large", errors.Is(err, eventlog.ErrTooLarge), c.tooLarge)
		})
	}
	// The control: values at the limits are accepted.
	f.appendTo("t", says(strings.Repeat("a", 100-len(`{"content":""}`))), says("2"), complete())
}

func TestEventsThatAreKept(t *testing.T) {
	f := inMemory(t, nil)
	for _, c := range []struct {
		name, typ, data, want string
	}{
		{"white space between tokens goes", "note", " {\n\t\"a\" : [ 1 , 2 ]\r\n} ", `{"a":[1,2]}`},
		{"white space within strings stays", "note", `{"a b":" c  d "}`, `{"a b":" c  d "}`},
		{"the order of keys stays", "note", `{"z":1,"a":2,"m":3}`, `{"z":1,"a":2,"m":3}`},
		{"repeated keys stay", "note", `{"a":1,"a":2}`, `{"a":1,"a":2}`},
		{"numbers stay as they were written", "note", `{"a":1.50,"b":1E+2,"c":-0,"d":123456789012345678901234567890}`, `{"a":1.50,"b":1E+2,"c":-0,"d":123456789012345678901234567890}`},
		{"escapes stay as they were written", "note", `{"a":"\u0041\/\n\u2028\ud83d\ude00\ud800"}`, `{"a":"\u0041\/\n\u2028\ud83d\ude00\ud800"}`},
		{"what needs no escape gets none", "note", "{\"a\":\"<&>\u2028\u2029é😀\"}", "{\"a\":\"<&>\u2028\u2029é😀\"}"},
		{"extra fields of a known type stay", "assistant", `{"extra":null,"content":"","more":[]}`, `{"extra":null,"content":"","more":[]}`},
		{"an unknown type is kept", "a_1", `{}`, `{}`},
		{"the longest type is kept", strings.Repeat("a", 64), `{}`, `{}`},
		{"a call with optional fields", "tool_call", `{"tool":"x","args":{"b":1,"a":2},"call_id":"a\nb"}`, `{"tool":"x","args":{"b":1,"a":2},"call_id":"a\nb"}`},
		{"a result that failed", "tool_result", `{"tool":"x","success":false,"output":"no","duration_ms":12}`, `{"tool":"x","success":false,"output":"no","duration_ms":12}`},
		{"an error", "error", `{"message":"m","code":"c","fatal":true}`, `{"message":"m","code":"c","fatal":true}`},
		{"an empty cost", "cost", `{}`, `{}`},
		{"an absent status is written in", "complete", `{}`, `{"status":"succeeded"}`},
		{"before the other fields", "complete", `{ "reason" : "r" }`, `{"status":"succeeded","reason":"r"}`},
		{"a status that is there stays in its place", "complete", `{"reason":"r","status":"failed"}`, `{"reason":"r","status":"failed"}`},
		{"canceled is a status", "complete", `{"status":"canceled"}`, `{"status":"canceled"}`},
		{"interrupted is a status", "complete", `{"status":"interrupted"}`, `{"status":"interrupted"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := f.startBeside("t-1")
			f.append(s, event(c.typ, c.data))
			got := f.events(s, 0)[0]
			wantEqual(t, "type", got.Type, c.typ)
			wantEqual(t, "data", string(got.Data), c.want)
		})
	}
}

func TestTheLogFillsInActorAndTime(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 123_987_654, time.FixedZone("", 3600))
	f := inMemory(t, &eventlog.Options{Now: func() time.Time { return now }})
	s := f.start("t-1")
	past := time.Date(1969, 7, 20, 22, 17, 40, 999_999_999, time.FixedZone("", -4*3600))
	f.append(s,
		eventlog.Event{Type: "note", Data: json.RawMessage(`{}`), Sequence: 99},
		eventlog.Event{Type: "note", Data: json.RawMessage(`{}`), Actor: eventlog.Human, Time: past},
	)
	events := f.events(s, 0)
	wantEqual(t, "default actor", events[0].Actor, eventlog.Agent)
	wantEqual(t, "default time", events[0].Time, time.Date(2026, 11, 22, 9, 0, 0, 123_000_000, time.UTC))
	wantEqual(t, "actor", events[1].Actor, eventlog.Human)
	wantEqual(t, "time", events[1].Time, time.Date(1969, 7, 21, 2, 17, 40, 999_000_000, time.UTC))
	wantEqual(t, "envelope", string(eventlog.AppendEnvelope(nil, "t-1", s.ID(), &events[0])), fmt.Sprintf(
		`{"id":"%[1]s:1","task":"t-1","session":"%[1]s","sequence":1,"time":"2026-11-22T09:00:00.123Z","type":"note","actor":"agent","data":{}}`, s.ID()))
}

func TestTheCallersMemoryIsNotKept(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	w := f.Watch("t-1")
	defer w.Close()
	_, err := readWatch(t.Context(), w, s.ID(), 0)
	f.ok(err)
	e := says("mine")
	f.append(s, e)
	copy(e.Data, strings.Repeat("X", len(e.Data)))
	page, err := readWatch(t.Context(), w, s.ID(), 0)
	f.ok(err)
	wantEqual(t, "event in memory", content(page.Events[0]), "mine")
	wantSlice(t, "events in the store", f.contents(s), []string{"mine"})
}

func TestTaskIDs(t *testing.T) {
	for _, good := range []string{"a", "t-197.4", "0", "A_b-c.d", strings.Repeat("a", 128)} {
		if !eventlog.ValidTaskID(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"", ".", "..", "-a", "_a", ".a", "a/b", "a b", "a\x00", "ä", "a\n", strings.Repeat("a", 129)} {
		if eventlog.ValidTaskID(bad) {
			t.Errorf("%q is accepted", bad)
		}
	}
}
