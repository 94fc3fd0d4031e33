package streamer_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/streamer"
)

// sample is an event as it is appended, and its expected frame.
type sample struct {
	event eventlog.Event
	data  string
}

// everyType is a run of 70 events: every type, with texts that have broken
// other servers. In the templates, ~ is white space that does not matter.
func everyType() []sample {
	templates := []struct{ name, data string }{
		{"assistant", `{~"content"~:~"%s"~}`},
		{"thought", `{~"content"~:"%s"}`},
		{"user", `{"content":~"%s","extra":[1,~2,~{~}]}`},
		{"tool_call", `{"tool":"read_file",~"args":~{"path":~"%s",~"n":1.0e+10,"z":-0,"a":0.1000}~,"call_id":"c\n1"}`},
		{"tool_result", `{"success":~false~,"tool":"read_file","output":"%s","duration_ms":12}`},
		{"cost", `{"usd":~0.012,"input_tokens":900,"model":"m","note":"%s"}`},
		{"error", `{"message":"%s",~"fatal":false,~"message2":null}`},
		{"status", `{"content":"%s","content2":"%[1]s"}`},
		{"comment", `{"content":"%s"~}`},
		{"checkpoint", `{~"content":"%s"}`},
		{"guardrail", `{"content"~:"%s"}`},
		{"x", `{}~`},
		{"plan_step_2", `~{"b":"%s","a":true,"b":false}`},
		{strings.Repeat("z", 64), `{"%s":~[]}`},
	}
	texts := []string{
		`plain`,
		``,
		`a\r\nb\rc\nd\n\nid: 9\nevent: reset\ndata: x\n\n`,
		`nul \u0000, bell \u0007, delete ` + "\x7f",
		"line\u2028and paragraph\u2029separator, next line \u0085, byte order mark \ufeff",
		"👩‍👩‍👧 raw, " + `\ud83d\ude00 escaped, \ud800 half`,
		`<script>alert(\"1\")<\/script> &amp; <b>`,
		`\u003chtml\u003e \/ \\ \" \b\f\t`,
		strings.Repeat(`long\n`, 100_000),
		strings.Repeat("é", 32<<10+1), // more than the size of a write, and not aligned to it
		`: comment`,
	}
	loose := strings.NewReplacer("~", " \r\n\t")
	tight := strings.NewReplacer("~", "")
	actors := []eventlog.Actor{"", eventlog.Agent, eventlog.Human, eventlog.System}
	from := time.Date(2026, 11, 22, 10, 0, 0, 123e6, time.UTC)
	var run []sample
	for i := range 69 {
		template := templates[i%len(templates)]
		data := template.data
		if strings.Contains(data, "%") {
			data = fmt.Sprintf(data, texts[i%len(texts)])
		}
		run = append(run, sample{
			event: eventlog.Event{
				Type: template.name, Actor: actors[i%len(actors)], Data: []byte(loose.Replace(data)),
				Time: from.Add(time.Duration(i) * 997 * time.Millisecond),
			},
			data: tight.Replace(data),
		})
	}
	return append(run, sample{
		event: eventlog.Event{Type: "complete", Data: []byte(`{ "reason": "done" }`), Time: from.Add(time.Hour)},
		data:  `{"status":"succeeded","reason":"done"}`,
	})
}

// frames returns the exact bytes of a run in both formats.
func frames(session eventlog.SessionID, run []sample) (plain, envelopes []string) {
	for i, s := range run {
		actor := s.event.Actor
		if actor == "" {
			actor = "agent"
		}
		plain = append(plain, fmt.Sprintf("id: %s:%d\nevent: %s\ndata: %s\n\n", session, i+1, s.event.Type, s.data))
		envelopes = append(envelopes, fmt.Sprintf("id: %[1]s:%[2]d\ndata: "+
			`{"id":"%[1]s:%[2]d","task":"%[3]s","session":"%[1]s","sequence":%[2]d,"time":"%[4]s","type":"%[5]s","actor":"%[6]s","data":%[7]s}`+"\n\n",
			session, i+1, task, s.event.Time.UTC().Format("2006-01-02T15:04:05.000Z"), s.event.Type, actor, s.data))
	}
	return plain, envelopes
}

func TestFramesOfEveryTypeAreByteExact(t *testing.T) {
	run := everyType()
	if len(run) != 70 {
		t.Fatalf("the run has %d events, not 70", len(run))
	}
	log := newLog(t)
	s := start(t, log)
	server := serve(t, log, nil)
	plain, envelopes := frames(s.ID(), run)
	livePlain, liveEnvelopes := server.open(t, ""), server.open(t, "format=envelope") // watch it live

	for _, e := range run {
		if _, err := s.Append(t.Context(), e.event); err != nil {
			t.Fatalf("%s: %v", e.event.Type, err)
		}
	}

	for name, c := range map[string]struct {
		reader *reader
		want   []string
	}{
		"json, live":         {livePlain, plain},
		"envelope, live":     {liveEnvelopes, envelopes},
		"json, replayed":     {server.open(t, "format=json"), plain},
		"default, replayed":  {server.open(t, ""), plain},
		"envelope, replayed": {server.open(t, "format=envelope"), envelopes},
		"json, resumed":      {server.resume(t, "", at(s, 35)), plain[35:]},
	} {
		t.Run(name, func(t *testing.T) {
			c.reader.t = t
			c.reader.want(c.want...)
			c.reader.wantEnd()
		})
	}
}

// TestFramesReadAsWritten has frames that a person can compare with the contract.
func TestFramesReadAsWritten(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	when := time.Date(2026, 11, 22, 11, 0, 0, 123_456_789, time.FixedZone("CET", 3600))
	_, err := s.Append(t.Context(),
		eventlog.Event{Type: "tool_call", Time: when, Data: []byte(`{"tool": "read_file", "args": {"path": "foo.hs"}}`)},
		eventlog.Event{Type: "complete", Time: when, Actor: eventlog.System, Data: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, log, nil)
	for format, want := range map[string]string{
		"json": `id: S:1
event: tool_call
data: {"tool":"read_file","args":{"path":"foo.hs"}}

id: S:2
event: complete
data: {"status":"succeeded"}

`,
		"envelope": `id: S:1
data: {"id":"S:1","task":"t-197.4","session":"S","sequence":1,"time":"2026-11-22T10:00:00.123Z","type":"tool_call","actor":"agent","data":{"tool":"read_file","args":{"path":"foo.hs"}}}

id: S:2
data: {"id":"S:2","task":"t-197.4","session":"S","sequence":2,"time":"2026-11-22T10:00:00.123Z","type":"complete","actor":"system","data":{"status":"succeeded"}}

`,
	} {
		r := server.open(t, "format="+format)
		got := r.next().raw + r.next().raw
		if got = strings.ReplaceAll(got, s.ID().String(), "S"); got != want {
			t.Errorf("%s:\n%s\nnot\n%s", format, got, want)
		}
		r.wantEnd()
	}
}

// squeeze removes the white space outside the strings of a JSON text.
func squeeze(text string) string {
	var out strings.Builder
	inString, escaped := false, false
	for _, c := range []byte(text) {
		switch {
		case escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case !inString && strings.IndexByte(" \t\r\n", c) >= 0:
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

func TestARealRunIsByteExact(t *testing.T) {
	file, err := os.Open("../../shared/samples/jr/t-197.4.ndjson")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the sample of a real run is not here:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	log := newLog(t)
	s := start(t, log)
	var run []sample
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 {
			break
		}
		if err != nil && len(line) == 0 {
			t.Fatal(err)
		}
		var event struct {
			Type string          `json:"type"`
			Data json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatal(err)
		}
		run = append(run, sample{eventlog.Event{Type: event.Type, Data: event.Data}, squeeze(string(event.Data))})
		if _, err := s.Append(t.Context(), run[len(run)-1].event); err != nil {
			t.Fatal(err)
		}
	}
	if len(run) != 43 {
		t.Fatalf("the run has %d events, not 43", len(run))
	}
	seal(t, s)
	plain, _ := frames(s.ID(), run)
	r := serve(t, log, nil).open(t, "")
	r.want(plain...)
	r.want(fmt.Sprintf("id: %s\nevent: complete\ndata: {\"status\":\"succeeded\"}\n\n", at(s, 44)))
	r.wantEnd()
}

// FuzzFrames parses the frames of any event that a log accepts.
func FuzzFrames(f *testing.F) {
	for _, s := range everyType() {
		if len(s.data) < 1000 {
			f.Add(s.event.Type, string(s.event.Data))
		}
	}
	f.Add("x", "{\"a\":\"\r\n\"}")
	f.Add("x", "{\"a\":\"\u2028\ndata: \"}")
	f.Fuzz(func(t *testing.T, name, data string) {
		log, err := eventlog.New(eventlogtest.NewStore(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		s := start(t, log)
		if _, err := s.Append(t.Context(), eventlog.Event{Type: name, Data: []byte(data)}); err != nil {
			return // not an event
		}
		if name != "complete" {
			seal(t, s)
		}
		for _, format := range []string{"json", "envelope"} {
			body := record(t, streamer.New(log, nil), "format="+format)
			sse := newSSEReader(strings.NewReader(body))
			if f, err := sse.next(); err != nil || f.retry == "" {
				t.Fatalf("first frame %q: %v", f.raw, err)
			}
			f, err := sse.next()
			if err != nil {
				t.Fatal(err)
			}
			got := f.data
			if format == "envelope" {
				var envelope struct{ Data json.RawMessage }
				if err := json.Unmarshal([]byte(f.data), &envelope); err != nil {
					t.Fatalf("envelope %q: %v", f.data, err)
				}
				got = string(envelope.Data)
			} else if f.event != name {
				t.Fatalf("event %q came out as %q", name, f.event)
			}
			if want := squeeze(data); name != "complete" && got != want || f.id != at(s, 1) {
				t.Fatalf("id %s, data %q, not %q", f.id, got, want)
			}
		}
	})
}

// recorder is a ResponseWriter in memory on which a stream can run.
type recorder struct{ *httptest.ResponseRecorder }

func (recorder) SetWriteDeadline(time.Time) error { return nil }

// record returns the body of a stream that ends by itself.
func record(t testing.TB, s *streamer.Streamer, query string, headers ...string) string {
	t.Helper()
	w := recorder{httptest.NewRecorder()}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/?"+query, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	if err := s.Events(w, r, task); err != nil {
		t.Fatal(err)
	}
	return w.Body.String()
}
