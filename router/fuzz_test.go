package router_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"jrweb/eventlog/eventlogtest"
)

// sent are the events of an append as another reader of JSON sees them.
func sent(t *testing.T, body []byte, ndjson bool) (events []envelope) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	if !ndjson && bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		if err := d.Decode(&events); err != nil {
			t.Fatalf("what was accepted is no array of events: %v: %q", err, body)
		}
		return events
	}
	for d.More() {
		var e envelope
		if err := d.Decode(&e); err != nil {
			t.Fatalf("what was accepted is no event: %v: %q", err, body)
		}
		events = append(events, e)
	}
	return events
}

func FuzzAppend(f *testing.F) {
	for _, seed := range []string{
		say("a"), "[" + say("a") + "," + complete + "]", say("a") + "\n\r\n" + say("b") + "\n",
		`{"type":"note","data":{"z":1,"a":[1e9,"\u0041\ud800"],"z":null},"actor":"human","time":"2026-11-22T10:00:00.5+01:00"}`,
		`{"type":"cost","data":{"usd":1e999}}`, `{"type":"complete","data":{ "x":1 }}`, `{"type":"tool_call","data":{"tool":"x","args":{}}}`,
		`[]`, `[`, `{`, `null`, `[[]]`, "\xff", "\u00a0", `{"t\u0079pe":"note","data":{}}`, `{"type":"note","data":{},"time":"1990-12-31T23:59:60Z"}`,
		`{"type":"note","data":{}} {"type":"note","data":{}}`, `{"type":"note","type":"note","data":{}}`, deep(50),
		"[" + say("a") + ",{\"x\":1},1]", "[" + say("a") + "]]", "[" + say("a") + ",]", "[{\"type\":\"note\",\"data\":{\"x\":\"\xff\"}}]", "[" + complete, "\ufeff[]", "[ ]\x00",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, ndjson bool) {
		h, log := handler(t, eventlogtest.NewStore())
		defer log.Close()
		r := request("POST", "/tasks/t-1/events", body)
		if ndjson {
			r.Header.Set("Content-Type", "application/x-ndjson")
		}
		w := handle(h, r)
		isJSON := utf8.Valid(body) && json.Valid(body)
		if !ndjson && w.Code != http.StatusRequestEntityTooLarge && isJSON == (w.Code == http.StatusBadRequest) {
			t.Fatalf("%q is answered %d %s", body, w.Code, w.Body)
		}
		if w.Code != http.StatusOK {
			if !slices.Contains([]int{400, 413, 422}, w.Code) || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Fatalf("%q is answered %d %s", body, w.Code, w.Body)
			}
			if w := handle(h, request("GET", "/tasks/t-1", nil)); w.Code != http.StatusNotFound {
				t.Fatalf("%q was refused, but has started the task", body)
			}
			return
		}
		texts := [][]byte{body}
		if ndjson {
			texts = bytes.Split(body, []byte("\n"))
		}
		for _, text := range texts {
			if len(bytes.TrimSpace(text)) > 0 && !json.Valid(text) {
				t.Fatalf("%q was accepted", text)
			}
		}
		events := sent(t, body, ndjson)
		var kept eventsPage
		if err := json.Unmarshal(handle(h, request("GET", "/tasks/t-1/events", nil)).Body.Bytes(), &kept); err != nil {
			t.Fatalf("what was accepted is read back as no JSON: %v", err)
		}
		if len(kept.Events) != len(events) {
			t.Fatalf("%d events were sent, %d are kept", len(events), len(kept.Events))
		}
		for i, e := range events {
			k := kept.Events[i]
			var data bytes.Buffer
			if err := json.Compact(&data, e.Data); err != nil {
				t.Fatal(err)
			}
			same := bytes.Equal(data.Bytes(), k.Data)
			if e.Type == "complete" { // its status may be written in
				same = bytes.HasSuffix(k.Data, data.Bytes()[1:])
			}
			if !same || e.Type != k.Type || k.Sequence != uint64(i+1) || e.Actor != "" && e.Actor != k.Actor {
				t.Fatalf("%+v was sent, %+v is kept", e, k)
			}
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "=", "limit=1", "last=2&sessions=all", "after={0}:1", "session={0}&types=a,b", "start=false", "limit=1&limit=2", "%zz", "a=1;b=2",
		"after={0}:18446744073709551615", "after=1", "after=:", "types=,", "session=%00", "last=+1", "limit=0x1", "limit=1_0",
		"q=a+b&status=open&agent=x&owner=", "status=x", "owner=%ff", "external_id=&project=%00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		h, log := handler(t, eventlogtest.NewStore())
		defer log.Close()
		var started struct{ Session string }
		if err := json.Unmarshal(handle(h, request("POST", "/tasks/t-1/events", []byte(say("a")))).Body.Bytes(), &started); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/", "/tasks", "/tasks/t-1", "/tasks/t-1/events", "/tasks/t-1/sessions", "/tasks/t-1/sessions/" + started.Session} {
			for _, accept := range []string{"application/json", "application/x-ndjson", "text/html"} {
				r := request("GET", path, nil)
				r.URL.RawQuery = strings.ReplaceAll(query, "{0}", started.Session)
				r.Header.Set("Accept", accept)
				w := handle(h, r)
				if !slices.Contains([]int{200, 400, 404, 409}, w.Code) {
					t.Fatalf("GET %s?%s is answered %d %s", path, r.URL.RawQuery, w.Code, w.Body)
				}
				if w.Code == 400 && !bytes.Contains(w.Body.Bytes(), []byte(`"field":`)) {
					t.Fatalf("GET %s?%s does not say what is wrong: %s", path, r.URL.RawQuery, w.Body)
				}
				if link := w.Header().Get("Link"); strings.ContainsAny(link, "\r\n") || strings.Count(link, "<") > 1 {
					t.Fatalf("the Link is %q", link)
				}
			}
		}
		if w := handle(h, request("GET", "/tasks/t-1/events", nil)); !strings.Contains(w.Body.String(), fmt.Sprintf(`"next":"%s:1"`, started.Session)) {
			t.Fatalf("a read has changed the events: %s", w.Body)
		}
	})
}
