package transcript_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// realFormats are the formats that have a converter.
func realFormats() []transcript.Format { return transcript.Formats()[1:] }

// fixture reads the project's own example of a format.
func fixture(t testing.TB, format transcript.Format) []byte {
	t.Helper()
	input, err := os.ReadFile(filepath.Join("testdata", string(format)+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return input
}

// capture reads the output of a real agent, which is not a part of the project.
func capture(t *testing.T, name string) []byte {
	t.Helper()
	input, err := os.ReadFile(filepath.Join("../../../shared/samples", name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the capture %s is not here", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return input
}

func converter(t testing.TB, format transcript.Format, o *transcript.Options) *transcript.Converter {
	t.Helper()
	c, err := transcript.New(format, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// feed converts the whole of an input, given in chunks of some size; 0 is all at once.
func feed(c *transcript.Converter, input []byte, chunk int) []eventlog.Event {
	var events []eventlog.Event
	take := func(l transcript.Line) { events = append(events, c.Line(l)...) }
	s := transcript.NewSplitter(0)
	for len(input) > 0 {
		n := len(input)
		if chunk > 0 {
			n = min(n, chunk)
		}
		s.Split(input[:n], take)
		input = input[n:]
	}
	s.Rest(take)
	return append(events, c.End()...)
}

// convert converts an input of a format.
func convert(t testing.TB, format transcript.Format, input string) []eventlog.Event {
	t.Helper()
	events := feed(converter(t, format, nil), []byte(input), 0)
	for _, e := range events {
		checkEvent(t, e, 4<<20)
	}
	return events
}

var someSession = func() eventlog.SessionID {
	id, err := eventlog.ParseSessionID("06CJ0000000000000000000000")
	if err != nil {
		panic(err)
	}
	return id
}()

// checkEvent holds an event to the rules of the log, and to our own.
func checkEvent(t testing.TB, e eventlog.Event, limit int) {
	t.Helper()
	if len(e.Data) > limit {
		t.Errorf("%s: the data has %d bytes", e.Type, len(e.Data))
	}
	if e.Type == eventlog.TypeComplete {
		t.Errorf("an event ends the session: %s", e.Data)
	}
	if e.Time.IsZero() {
		e.Time = time.UnixMilli(1)
	}
	if e.Actor == "" {
		e.Actor = eventlog.Agent
	}
	e.Sequence = 1
	if _, err := eventlog.ParseEnvelope(eventlog.AppendEnvelope(nil, "t-1", someSession, &e)); err != nil {
		t.Errorf("%s: %v in %.300s", e.Type, err, e.Data)
	}
}

// lines writes events for people, one a line.
func lines(events []eventlog.Event) []byte {
	var b bytes.Buffer
	for _, e := range events {
		b.WriteString(e.Type)
		if e.Actor != "" {
			b.WriteString(" " + string(e.Actor))
		}
		if !e.Time.IsZero() {
			b.WriteString(" " + e.Time.UTC().Format(eventlog.TimeFormat))
		}
		b.WriteString("\n    ")
		b.Write(e.Data)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// fields decodes the data of an event.
func fields(t testing.TB, e eventlog.Event) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(e.Data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// ofType returns the events of a type.
func ofType(events []eventlog.Event, kind string) []eventlog.Event {
	var some []eventlog.Event
	for _, e := range events {
		if e.Type == kind {
			some = append(some, e)
		}
	}
	return some
}

// texts returns one field of all events of a type.
func texts(t testing.TB, events []eventlog.Event, kind, field string) []string {
	t.Helper()
	var all []string
	for _, e := range ofType(events, kind) {
		text, _ := fields(t, e)[field].(string)
		all = append(all, text)
	}
	return all
}
