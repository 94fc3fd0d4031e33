package eventlog_test

import (
	"errors"
	"testing"

	"jrweb/eventlog"
)

func FuzzParseCursor(f *testing.F) {
	const id = "06GQ3T5S1O0G00000000000000"
	for _, text := range []string{
		id + ":0", id + ":1", id + ":18446744073709551615", id + ":18446744073709551616",
		id + ":-1", id + ":+1", id + ":01", id + ":", id + ":1 ", id + ":1\x00", id + ":1\n", id + "::1",
		id, ":", ":1", "", "\x00", "06gq3t5s1o0g00000000000000:1", "00000000000000000000000000:0",
		"VVVVVVVVVVVVVVVVVVVVVVVVVV:1", "VVVVVVVVVVVVVVVVVVVVVVVVVS:1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cursor, err := eventlog.ParseCursor(text)
		if err != nil {
			if !errors.Is(err, eventlog.ErrSessionNotFound) {
				wantErr(t, "parse", err, eventlog.ErrMalformed)
			}
			wantEqual(t, "cursor beside an error", cursor, eventlog.Cursor{})
			return
		}
		wantEqual(t, "text", cursor.String(), text)
		wantEqual(t, "session is named", cursor.Session.IsZero(), false)
	})
}

func FuzzParseSessionID(f *testing.F) {
	for _, text := range []string{
		"06GQ3T5S1O0G00000000000000", "06gq3t5s1o0g00000000000000", "00000000000000000000000000",
		"VVVVVVVVVVVVVVVVVVVVVVVVVS", "VVVVVVVVVVVVVVVVVVVVVVVVVV", "06GQ3T5S1O0G0000000000000\n", "", "=",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := eventlog.ParseSessionID(text)
		if err != nil {
			wantErr(t, "parse", err, eventlog.ErrMalformed)
			wantEqual(t, "id beside an error", id.IsZero(), true)
			return
		}
		wantEqual(t, "text", id.String(), text)
		var again eventlog.SessionID
		if err := again.UnmarshalText([]byte(text)); err != nil || again != id {
			t.Errorf("unmarshalled as %v, %v", again, err)
		}
	})
}

// FuzzAppend appends data that may or may not be an event. What is accepted can be read
// back, in an envelope that is one line of JSON.
func FuzzAppend(f *testing.F) {
	for _, seed := range [][2]string{
		{"assistant", `{"content":"x"}`}, {"note", ` { "a" : [1, 2] } `}, {"cost", `{"usd":1e3,"scope":"cumulative"}`},
		{"complete", `{}`}, {"cost", `{"id":"m","part_of":"s","usd":1,"model":"x"}`}, {"cost", `{"id":"","part_of":1}`},
		{"session", `{"agent":"a","external_id":"x","title":"t","title_by":"prompt"}`}, {"session", `{"title_by":null}`}, {"complete", `{"status":"failed"}`}, {"note", "{\"a\":\"\u2028\"}"}, {"note", `{"a":"\ud800"}`},
		{"note", `{"a":1e999}`}, {"end", `{}`}, {"note", `[]`}, {"note", "{\"\xff\":1}"}, {"", ``},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		log := inMemory(t, nil)
		answer, err := log.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{event(typ, string(data))}})
		if err != nil {
			if _, ok := errors.AsType[*eventlog.FieldError](err); !ok {
				t.Errorf("got error %v", err)
			}
			return
		}
		e := log.events(log.Session("t-1", answer.Session), 0)[0]
		wantEqual(t, "type", e.Type, typ)
		wantOneLineOfJSON(t, eventlog.AppendEnvelope(nil, "t-1", answer.Session, &e))
	})
}
