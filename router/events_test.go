package router_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// typed is the JSON of an event of a type.
func typed(name string) string { return `{"type":"` + name + `","data":{}}` }

// threeSessions serves a task with three sessions: the first two have ended.
func threeSessions(t *testing.T, o options) (s *server, sessions [3]string) {
	t.Helper()
	s = serveWith(t, o)
	sessions[0] = s.append("t-1", typed("a1"), typed("b1"), typed("a2"), complete)
	sessions[1] = s.append("t-1", typed("b2"), complete)
	sessions[2] = s.append("t-1", typed("a3"), typed("b3"), typed("a4"))
	return s, sessions
}

func TestEventsByEveryQuery(t *testing.T) {
	s, sessions := threeSessions(t, options{})
	for _, c := range []struct{ query, contents, next string }{
		{"", "a3 b3 a4", "{2}:3"},
		{"after=", "a3 b3 a4", "{2}:3"},
		{"session={0}", "a1 b1 a2 complete", "{0}:4"},
		{"session={1}", "b2 complete", "{1}:2"},
		{"sessions=all", "a1 b1 a2 complete b2 complete a3 b3 a4", "{2}:3"},

		{"limit=2", "a3 b3", "{2}:2"},
		{"limit=3", "a3 b3 a4", "{2}:3"},
		{"session={0}&limit=1", "a1", "{0}:1"},
		{"sessions=all&limit=4", "a1 b1 a2 complete", "{0}:4"},
		{"sessions=all&limit=5", "a1 b1 a2 complete b2", "{1}:1"},

		{"after={2}:0", "a3 b3 a4", "{2}:3"},
		{"after={2}:1", "b3 a4", "{2}:3"},
		{"after={2}:3", "", "{2}:3"},
		{"after={0}:2", "a2 complete", "{0}:4"},
		{"after={0}:4", "", "{0}:4"},
		{"after={0}:2&session={0}", "a2 complete", "{0}:4"},
		{"after={0}:2&sessions=all", "a2 complete b2 complete a3 b3 a4", "{2}:3"},
		{"after={0}:4&sessions=all&limit=1", "b2", "{1}:1"},
		{"after={1}:2&sessions=all", "a3 b3 a4", "{2}:3"},

		{"types=a3", "a3", "{2}:3"},
		{"types=a3,a4", "a3 a4", "{2}:3"},
		{"types=nobody", "", "{2}:3"},
		{"types=a3&limit=1", "a3", "{2}:1"},
		{"types=b1&session={0}", "b1 complete", "{0}:4"},
		{"types=a4&sessions=all", "complete complete a4", "{2}:3"},

		{"last=1", "a4", "{2}:3"},
		{"last=2", "b3 a4", "{2}:3"},
		{"last=100", "a3 b3 a4", "{2}:3"},
		{"last=2&after=", "b3 a4", "{2}:3"},
		{"last=2&limit=1", "a4", "{2}:3"},
		{"last=1&limit=2", "a4", "{2}:3"},
		{"last=1&types=a3", "a3", "{2}:3"},
		{"last=2&session={0}", "a2 complete", "{0}:4"},
		{"last=4&sessions=all", "complete a3 b3 a4", "{2}:3"},
		{"last=100&sessions=all", "a1 b1 a2 complete b2 complete a3 b3 a4", "{2}:3"},
		{"last=3&sessions=all&types=b1,b2", "complete b2 complete", "{2}:3"},
	} {
		fill := strings.NewReplacer("{0}", sessions[0], "{1}", sessions[1], "{2}", sessions[2]).Replace
		if p := s.holds("/tasks/t-1/events?"+fill(c.query), c.contents); p.Next != fill(c.next) {
			t.Errorf("%s: next is %s, not %s", c.query, p.Next, fill(c.next))
		}
	}
}

func TestEventsBeforeTheFirstSession(t *testing.T) {
	s := serve(t)
	s.put("/tasks/t-1", "{}").is(201)
	for _, query := range []string{"", "?last=5", "?sessions=all", "?sessions=all&last=5", "?types=a"} {
		s.get("/tasks/t-1/events" + query).is(200).json(`{"events":[],"next":""}`)
		a := s.get("/tasks/t-1/events"+query, "Accept: application/x-ndjson").is(200)
		if a.body != "" || a.header.Get("Link") != "" {
			t.Errorf("%s: NDJSON of no session is %q, Link %q", query, a.body, a.header.Get("Link"))
		}
	}
	s.start("t-1")
	s.get("/tasks/t-1/events").json(`{"events":[],"next":"<cursor>"}`).says(`:0"`)
}

// pages reads a path to its end by next, and returns the contents of all events.
func (s *server) pages(path, query string) string {
	s.Helper()
	var all []string
	for after := ""; ; {
		p := s.events(path + "?" + query + "&after=" + after)
		if len(p.Events) > 0 {
			all = append(all, p.contents())
		}
		if p.Next == after {
			return strings.Join(all, " ")
		}
		after = p.Next
	}
}

func TestPagesByNextAreExactlyEverything(t *testing.T) {
	s := serve(t)
	var all, some []string
	for session := range 4 {
		var events []string
		for i := range 3 + session {
			name := fmt.Sprintf("%c%d_%d", 'a'+i%2, session, i)
			events = append(events, typed(name))
			if all = append(all, name); i%2 == 0 {
				some = append(some, name)
			}
		}
		if session < 3 {
			events, all = append(events, complete), append(all, "complete")
			some = append(some, "complete")
		}
		s.append("t-1", events...)
	}
	for limit := range 8 {
		query := fmt.Sprintf("sessions=all&limit=%d", limit+1)
		if got := s.pages("/tasks/t-1/events", query); got != strings.Join(all, " ") {
			t.Errorf("%s gave %s\nnot %s", query, got, strings.Join(all, " "))
		}
		query += "&types=" + strings.Join(some, ",")
		if got := s.pages("/tasks/t-1/events", query); got != strings.Join(some, " ") {
			t.Errorf("%s gave %s\nnot %s", query, got, strings.Join(some, " "))
		}
		if got := s.pages("/tasks/t-1/events", fmt.Sprintf("limit=%d", limit+1)); got != strings.Join(all[len(all)-6:], " ") {
			t.Errorf("the latest session by %d gave %s", limit+1, got)
		}
	}
}

func TestAnAnswerIsBoundedAndNextGoesOn(t *testing.T) {
	s := serve(t)
	large := saying(2 << 20)
	for range 5 {
		s.append("t-1", large, typed("small"))
	}
	read := func(path string) (events int, next string) {
		t.Helper()
		a := s.get(path, "Accept: application/x-ndjson").is(200)
		next, _, _ = strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), ">")
		return strings.Count(a.body, "\n"), "/tasks/t-1/" + next
	}
	first, next := read("/tasks/t-1/events")
	if first < 5 || first > 8 {
		t.Errorf("an answer has %d events of 2 MiB or little, two by two", first)
	}
	if rest, _ := read(next); first+rest != 10 {
		t.Errorf("two answers have %d of 10 events", first+rest)
	}
	newest, next := read("/tasks/t-1/events?last=10")
	if newest < 5 || newest > 8 {
		t.Errorf("the newest are %d events of 2 MiB or little, two by two", newest)
	}
	s.append("t-1", typed("new"))
	s.holds(next, "new")
}

func TestThereAreAThousandEventsInAnAnswerUnlessTheClientSaysOtherwise(t *testing.T) {
	s := serve(t)
	s.post("/tasks/t-1/events", strings.Repeat(typed("n")+"\n", 10_000), "Content-Type: application/x-ndjson").is(200)
	s.append("t-1", typed("n"))
	for query, n := range map[string]int{"": 1000, "?limit=10000": 10_000, "?last=10000": 10_000, "?last=1500": 1500} {
		if p := s.events("/tasks/t-1/events" + query); len(p.Events) != n {
			t.Errorf("%q gives %d events, not %d", query, len(p.Events), n)
		}
	}
}

func TestACursorThatCannotBeHonoured(t *testing.T) {
	s, sessions := threeSessions(t, options{})
	other := s.append("t-2", typed("x"))
	deleted := s.append("t-3", typed("x"))
	s.delete("/tasks/t-3/sessions/" + deleted).is(204)
	for _, c := range []struct {
		after  string
		status int
		word   string
	}{
		{"x", 400, "query"}, {":", 400, "query"}, {sessions[0], 400, "query"}, {sessions[0] + ":", 400, "query"},
		{sessions[0] + ":-1", 400, "query"}, {sessions[0] + ":%2B1", 400, "query"}, {sessions[0] + ":01", 400, "query"},
		{sessions[0] + ":1x", 400, "query"}, {sessions[0] + ":18446744073709551616", 400, "query"}, {sessions[0] + ":1%00", 400, "query"},
		{"%00:1", 400, "query"}, {strings.Repeat("x", 10_000), 400, "query"}, {strings.ToLower(sessions[0]) + ":1", 404, "unknown_cursor"},
		{strings.Repeat("0", 25) + "4:1", 404, "unknown_cursor"}, {other + ":1", 404, "unknown_cursor"}, {deleted + ":0", 404, "unknown_cursor"},
		{sessions[0] + ":5", 409, "ahead"}, {sessions[2] + ":4", 409, "ahead"}, {sessions[2] + ":18446744073709551615", 409, "ahead"},
	} {
		for _, accept := range []string{"application/json", "application/x-ndjson"} {
			s.get("/tasks/t-1/events?after="+c.after, "Accept: "+accept).problem(c.status, "after").says("problem:" + c.word)
			s.get("/tasks/t-1/events?sessions=all&after="+c.after).problem(c.status, "after")
		}
	}
	s.get("/tasks/t-1/events?session="+sessions[1]+"&after="+sessions[0]+":1").problem(404, "after")
	s.get("/tasks/t-1/events?last=1&after="+sessions[0]+":1").problem(400, "last")
	s.get("/tasks/t-1/events?sessions=all&session="+sessions[0]).problem(400, "sessions")
	s.get("/tasks/t-1/events?session="+other).problem(404, "")
}

func TestWhatWasTrimmedIs410WithWhereToGoOn(t *testing.T) {
	s, sessions := threeSessions(t, options{})
	id, err := eventlog.ParseSessionID(sessions[0])
	s.ok(err)
	s.ok(s.log.Trim(t.Context(), "t-1", id, 2))
	for _, sequence := range []string{"0", "1"} {
		a := s.get("/tasks/t-1/events?after="+sessions[0]+":"+sequence).problem(410, "after").says("problem:trimmed")
		s.holds("/tasks/t-1/events?after="+a.text("next"), "a2 complete")
	}
	s.holds("/tasks/t-1/events?after="+sessions[0]+":2", "a2 complete")
	s.holds("/tasks/t-1/events?session="+sessions[0], "a2 complete")
	s.holds("/tasks/t-1/events?last=10&session="+sessions[0], "a2 complete")
	s.holds("/tasks/t-1/events?sessions=all", "a2 complete b2 complete a3 b3 a4")
	s.holds("/tasks/t-1/events?sessions=all&last=10", "a2 complete b2 complete a3 b3 a4")
}

func TestWhatWasTrimmedBesideOtherSessionsHidesNothingOfThem(t *testing.T) {
	s := serve(t)
	start := func() *eventlog.Session {
		session, err := s.log.Start(t.Context(), "t-1", &eventlog.StartOptions{Concurrent: true})
		s.ok(err)
		return session
	}
	say := func(session *eventlog.Session, content string) {
		_, err := session.Append(t.Context(), eventlog.Event{Type: "assistant", Data: []byte(`{"content":"` + content + `"}`)})
		s.ok(err)
	}
	a, b := start(), start()
	for _, n := range []string{"1", "2", "3"} {
		say(a, "a"+n)
		say(b, "b"+n)
	}
	at := func(session *eventlog.Session, n uint64) string {
		return eventlog.Cursor{Session: session.ID(), Sequence: n}.String()
	}
	all := "/tasks/t-1/events?sessions=all"
	s.ok(s.log.Trim(t.Context(), "t-1", a.ID(), 2))
	s.holds(all, "b1 b2 a3 b3") // nobody was told of more
	s.holds(all+"&last=3", "b2 a3 b3")

	// A cursor whose event is gone.
	problem := s.get(all+"&after="+at(a, 1)).problem(410, "after").says("problem:trimmed")
	s.holds(all+"&after="+problem.text("next"), "b1 b2 a3 b3")
	s.holds(all+"&after="+at(a, 2), "b2 a3 b3") // its place is known

	// A cursor in another session, before what is gone: the answer says what is missing.
	problem = s.get(all+"&after="+at(b, 1)).problem(410, "after")
	if next := problem.text("next"); next != at(a, 2) {
		t.Errorf("next is %s, not %s", next, at(a, 2))
	}
	s.holds(all+"&after="+at(b, 2), "a3 b3")
	say(b, "b4")
	s.ok(s.log.Trim(t.Context(), "t-1", a.ID(), 3))
	s.holds(all+"&after="+at(b, 1), "b2") // up to what is missing
	s.get(all+"&after="+at(b, 2)).problem(410, "after")
	s.holds(all+"&after="+at(a, 3), "b3 b4")
}

func TestNDJSONIsTheSameEnvelopesLineByLine(t *testing.T) {
	for _, prefix := range []string{"", "/jr"} {
		s, _ := threeSessions(t, options{prefix: prefix})
		var lines []string
		path, query := "/tasks/t-1/events", "?sessions=all&limit=2&types=a1,a2,a3"
		at, err := url.Parse(s.http.URL + prefix + path + query)
		s.ok(err)
		for {
			a := s.get(strings.TrimPrefix(at.RequestURI(), prefix), "Accept: application/x-ndjson").is(200).
				has("Content-Type", "application/x-ndjson").has("Vary", "Accept")
			if a.body == "" {
				break
			}
			if !strings.HasSuffix(a.body, "\n") {
				t.Fatalf("the last line does not end: %q", a.body)
			}
			lines = append(lines, strings.SplitAfter(a.body, "\n")...)
			link, ok := strings.CutSuffix(a.header.Get("Link"), `>; rel="next"`)
			if !ok || link[0] != '<' {
				t.Fatalf("the Link is %q", a.header.Get("Link"))
			}
			at, err = at.Parse(link[1:])
			s.ok(err)
			if at.Path != prefix+path {
				t.Fatalf("the Link leads to %s", at)
			}
		}
		got := "[" + strings.TrimSuffix(strings.ReplaceAll(strings.Join(lines, ""), "\n", ","), ",") + "]"
		asJSON := s.get(path + "?sessions=all&types=a1,a2,a3").body
		if !strings.HasPrefix(asJSON, `{"events":`+got+`,"next":`) {
			t.Errorf("NDJSON has %s, JSON %s", got, asJSON)
		}
	}
}

func TestTheLinkOfTheNewestGoesOnFromThem(t *testing.T) {
	s, _ := threeSessions(t, options{})
	link := s.get("/tasks/t-1/events?last=1", "Accept: application/x-ndjson").header.Get("Link")
	s.append("t-1", typed("new"))
	next, _, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	s.holds("/tasks/t-1/"+next, "new")
}

func TestAPollerMissesNothing(t *testing.T) {
	s := serve(t)
	s.put("/tasks/t-1", "{}").is(201)
	after, seen := "", []string(nil)
	poll := func() {
		p := s.events("/tasks/t-1/events?sessions=all&after=" + url.QueryEscape(after))
		if after = p.Next; len(p.Events) > 0 {
			seen = append(seen, p.contents())
		}
	}
	poll()
	s.start("t-1")
	poll()
	s.append("t-1", typed("a"), typed("b"))
	poll()
	poll()
	s.append("t-1", complete)
	poll()
	s.append("t-1", typed("c"))
	poll()
	if got := strings.Join(seen, " "); got != "a b complete c" {
		t.Errorf("the poller saw %s", got)
	}
}

func TestEventsAreNegotiated(t *testing.T) {
	s, _ := threeSessions(t, options{})
	for accept, contentType := range map[string]string{
		"":                                      jsonType,
		"*/*":                                   jsonType,
		"application/json":                      jsonType,
		"application/x-ndjson":                  "application/x-ndjson",
		"Application/X-NDJSON":                  "application/x-ndjson",
		"text/html, application/x-ndjson;q=0.5": "application/x-ndjson",
		"application/x-ndjson;q=0":              jsonType,
		"application/x-ndjson; q=0.000":         jsonType,
		"text/html":                             jsonType,
	} {
		s.get("/tasks/t-1/events", "Accept: "+accept).is(200).has("Content-Type", contentType).has("Vary", "Accept")
	}
	s.get("/tasks/nobody/events").problem(404, "").has("Vary", "Accept")
}

func TestALogThatFailsAnswers503AndShowsNothingMore(t *testing.T) {
	s, _ := threeSessions(t, options{})
	s.store.broken.Store(true)
	s.post("/tasks/t-1/events", typed("x")).problem(503, "").says("problem:storage_failed")
	for _, r := range routes {
		if r.method == "GET" && strings.HasPrefix(r.path, "/tasks") && !strings.Contains(r.path, "{") {
			s.get(r.path).problem(503, "")
		}
	}
	s.get("/").problem(503, "")
	s.get("/stream").problem(503, "")
	s.put("/tasks/t-1", "{}").problem(503, "")
	s.delete("/tasks/t-1").problem(503, "")
	s.get("/healthz").is(http.StatusOK)
}

func TestTimesAreThoseOfTheLogsClock(t *testing.T) {
	now := time.Date(2026, 11, 22, 11, 0, 0, 987654321, time.FixedZone("", 3600))
	s := serveWith(t, options{log: eventlog.Options{Now: func() time.Time { return now }}})
	session := s.append("t-1", typed("a"), complete)
	const at = `"2026-11-22T10:00:00.987Z"`
	s.get("/tasks/t-1/events").says(`"time":` + at)
	s.get("/tasks/t-1").says(`"created":` + at + `,"updated":` + at)
	s.get("/tasks/t-1/sessions/" + session).says(`"started":` + at + `,"ended":` + at)
}

// readCounting is a store that counts the events that reads reach.
type readCounting struct {
	store.Store
	events atomic.Int64
}

func (s *readCounting) View(ctx context.Context, fn func(store.Reader) error) error {
	return s.Store.View(ctx, func(r store.Reader) error { return fn(countingReader{r, &s.events}) })
}

type countingReader struct {
	store.Reader
	events *atomic.Int64
}

func (r countingReader) Ascend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return r.count(b, r.Reader.Ascend(b, from, to))
}

func (r countingReader) Descend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return r.count(b, r.Reader.Descend(b, from, to))
}

func (r countingReader) count(b store.Bucket, all iter.Seq2[[]byte, []byte]) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for k, v := range all {
			if b == "events" && len(v) >= 64<<10 { // without the state of the session, which is in the same bucket
				r.events.Add(1)
			}
			if !yield(k, v) {
				return
			}
		}
	}
}

func TestTheNewestEventIsFoundWithoutReadingThoseBeforeIt(t *testing.T) {
	store := &readCounting{Store: eventlogtest.NewStore()}
	h, log := handler(t, store)
	defer log.Close()
	for range 100 {
		if w := handle(h, request("POST", "/tasks/t-1/events", []byte(saying(64<<10)))); w.Code != 200 {
			t.Fatalf("an append is answered %d: %s", w.Code, w.Body)
		}
	}
	store.events.Store(0)
	if w := handle(h, request("GET", "/tasks/t-1/events?last=1", nil)); !strings.Contains(w.Body.String(), `"sequence":100,`) {
		t.Errorf("the newest event is answered %d: %.300s", w.Code, w.Body)
	}
	// A page of 256 KiB ends after four or five of them.
	if n := store.events.Load(); n == 0 || n > 5 {
		t.Errorf("for one event %d events of 64 KiB were read", n)
	}
}
