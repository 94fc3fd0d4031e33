package streamer_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/streamer"
)

// world is a task with an older session (sealed, 4 events), a deleted one and
// the latest (sealed, 3 events), beside a session of another task.
type world struct {
	log                             *eventlog.Log
	older, deleted, latest, foreign *eventlog.Session
}

func newWorld(t testing.TB) *world {
	w := &world{log: newLog(t)}
	w.older = start(t, w.log)
	put(t, w.older, 3)
	seal(t, w.older)
	w.deleted = start(t, w.log)
	put(t, w.deleted, 9)
	if err := w.log.DeleteSession(t.Context(), task, w.deleted.ID()); err != nil {
		t.Fatal(err)
	}
	w.latest = start(t, w.log)
	put(t, w.latest, 2)
	seal(t, w.latest)
	var err error
	if w.foreign, err = w.log.Start(t.Context(), "other", nil); err != nil {
		t.Fatal(err)
	}
	put(t, w.foreign, 5)
	return w
}

// badCursors are cursors that cannot be used in a world, with the reason.
func badCursors(w *world) map[string]struct{ cursor, reason string } {
	id := w.latest.ID().String()
	return map[string]struct{ cursor, reason string }{
		"no colon":                {id, "malformed"},
		"no sequence":             {id + ":", "malformed"},
		"no session":              {":1", "malformed"},
		"only a number":           {"1", "malformed"},
		"negative":                {id + ":-1", "malformed"},
		"plus sign":               {id + ":+1", "malformed"},
		"leading zero":            {id + ":01", "malformed"},
		"double zero":             {id + ":00", "malformed"},
		"2^64":                    {id + ":18446744073709551616", "malformed"},
		"a huge number":           {id + ":" + strings.Repeat("9", 100), "malformed"},
		"hexadecimal":             {id + ":0x1", "malformed"},
		"underscore":              {id + ":1_0", "malformed"},
		"exponent":                {id + ":1e0", "malformed"},
		"other digits":            {id + ":١", "malformed"},
		"two colons":              {id + ":1:1", "malformed"},
		"lower case":              {strings.ToLower(id) + ":1", "unknown"},
		"session too short":       {id[1:] + ":1", "unknown"},
		"session too long":        {id + "0:1", "unknown"},
		"zero session":            {strings.Repeat("0", 26) + ":1", "unknown"},
		"bits behind the session": {id[:25] + "V:1", "unknown"},
		"inner space":             {id + ": 1", "malformed"},
		"list of two":             {at(w.latest, 1) + ", " + at(w.latest, 2), "malformed"},
		"10 KB":                   {strings.Repeat("x", 10<<10), "malformed"},
		"10 KB of two bytes each": {"x" + strings.Repeat("é", 5<<10), "malformed"},
		"HTML":                    {"<script>alert(1)</script>", "malformed"},
		"quotes and backslashes":  {`"\"`, "malformed"},
		"unknown session":         {"00000000000000000000000004:1", "unknown"},
		"session of the future":   {"VVVVVVVVVVVVVVVVVVVVVVVVVS:0", "unknown"},
		"deleted session":         {at(w.deleted, 1), "unknown"},
		"deleted session, start":  {at(w.deleted, 0), "unknown"},
		"session of another task": {at(w.foreign, 1), "unknown"},
		"ahead by one":            {at(w.latest, 4), "ahead"},
		"ahead by far":            {at(w.latest, 1<<63), "ahead"},
		"2^64-1":                  {at(w.latest, 1<<64-1), "ahead"},
		"ahead in the older one":  {at(w.older, 5), "ahead"},
	}
}

func TestABadCursorIsResetAndReplayedFromTheStart(t *testing.T) {
	w := newWorld(t)
	resets := make(chan string, 2)
	server := serve(t, w.log, &streamer.Options{Trace: &streamer.Trace{Reset: func(reason string) { resets <- reason }}})
	cut := func(cursor string) string { // the exact bytes that the frame repeats
		switch {
		case strings.HasPrefix(cursor, "xé"): // 1 + 2n: the 256th byte is inside an é
			return "x" + strings.Repeat("é", 127)
		case len(cursor) > 256:
			return cursor[:256]
		}
		return cursor
	}
	for name, bad := range badCursors(w) {
		for _, start := range []struct {
			query string
			from  *eventlog.Session
			ends  bool
		}{
			{"", w.latest, true},
			{"control=true", w.latest, true},
			{"session=" + w.latest.ID().String(), w.latest, true},
			{"session=" + w.older.ID().String(), w.older, true},
			{"sessions=all", w.older, false},
		} {
			reason := bad.reason
			c, err := eventlog.ParseCursor(bad.cursor)
			if err == nil && strings.HasPrefix(start.query, "session=") && c.Session != start.from.ID() {
				reason = "unknown" // a cursor of another session
			}
			for i, open := range []func() *reader{
				func() *reader { return server.resume(t, start.query, bad.cursor) },
				func() *reader { return server.open(t, start.query+"&last_event_id="+url.QueryEscape(bad.cursor)) },
			} {
				t.Run(fmt.Sprintf("%s?%s/%d", name, start.query, i), func(t *testing.T) {
					r := open()
					r.t = t
					r.want(reset(reason, cut(bad.cursor)))
					n := 3
					if start.from == w.older {
						n = 4
					}
					r.wantEvents(at(start.from, 0), n)
					switch {
					case start.query == "control=true":
						r.want(caughtUp(w.latest.ID().String(), 3))
						r.wantEnd()
					case start.ends:
						r.wantEnd()
					default:
						r.wantEvents(at(start.from, 4), 3)
						r.close()
					}
					if heard := <-resets; heard != reason || len(resets) > 0 {
						t.Errorf("the trace heard of %q", heard)
					}
				})
			}
		}
	}
}

// A header cannot carry these characters, but the query can.
func TestABadCursorWithControlCharactersIsEscaped(t *testing.T) {
	w := newWorld(t)
	server := serve(t, w.log, nil)
	for cursor, want := range map[string]string{
		at(w.latest, 1) + "\x00":      `\u0000`,
		at(w.latest, 1) + "\n":        `\n`,
		at(w.latest, 1) + "\r\n\r\n":  `\r\n\r\n`,
		at(w.latest, 1) + "\u2028":    `\u2028`,
		at(w.latest, 1) + "\xff":      `\ufffd`,
		at(w.latest, 1) + "\ndata: x": `\ndata: x`,
	} {
		r := server.open(t, "last_event_id="+url.QueryEscape(cursor))
		r.want("event: reset\ndata: {\"reason\":\"malformed\",\"last_event_id\":\"" + at(w.latest, 1) + want + "\"}\n\n")
		r.wantEvents(at(w.latest, 0), 3)
		r.wantEnd()
	}
}

func TestWhichCursorCounts(t *testing.T) {
	w := newWorld(t)
	server := serve(t, w.log, nil)
	first, second := at(w.latest, 1), at(w.latest, 2)
	for name, c := range map[string]struct {
		query   string
		headers []string
		reset   string
		after   uint64
	}{
		"none":                             {"", nil, "", 0},
		"empty header":                     {"", []string{""}, "", 0},
		"empty query":                      {"last_event_id=", nil, "", 0},
		"both empty":                       {"last_event_id=", []string{""}, "", 0},
		"header":                           {"", []string{first}, "", 1},
		"query":                            {"last_event_id=" + first, nil, "", 1},
		"header wins over query":           {"last_event_id=" + first, []string{second}, "", 2},
		"header wins over a bad query":     {"last_event_id=x", []string{second}, "", 2},
		"bad header wins over query":       {"last_event_id=" + first, []string{"x"}, "x", 0},
		"empty header leaves the query":    {"last_event_id=" + first, []string{""}, "", 1},
		"two headers":                      {"", []string{first, second}, first, 0},
		"two equal headers":                {"", []string{second, second}, second, 0},
		"two headers win over the query":   {"last_event_id=" + second, []string{first, second}, first, 0},
		"two in the query":                 {"last_event_id=" + first + "&last_event_id=" + second, nil, first, 0},
		"before the first":                 {"", []string{at(w.latest, 0)}, "", 0},
		"in the session that is asked for": {"session=" + w.latest.ID().String(), []string{first}, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			for _, h := range c.headers {
				headers = append(headers, "Last-Event-ID: "+h)
			}
			r := server.open(t, c.query, headers...)
			if c.reset != "" {
				r.want(reset("malformed", c.reset))
			}
			r.wantEvents(at(w.latest, c.after), 3-int(c.after))
			r.wantEnd()
		})
	}
}

func TestACursorInAnOlderSessionGoesOnThere(t *testing.T) {
	w := newWorld(t)
	server := serve(t, w.log, nil)
	r := server.resume(t, "", at(w.older, 2))
	r.wantEvents(at(w.older, 2), 2)
	r.wantEnd()
	if res := server.get(t, "", "Last-Event-ID: "+at(w.older, 4)); res.StatusCode != 204 {
		t.Errorf("at the end of an older session: %s", res.Status)
	}
}

func TestABadCursorWithoutAnySession(t *testing.T) {
	log := newLog(t)
	if _, _, err := log.PutTask(t.Context(), task, eventlog.TaskChange{}); err != nil {
		t.Fatal(err)
	}
	r := serve(t, log, nil).resume(t, "control=true", "x")
	r.want(reset("malformed", "x"), caughtUp("", 0))
	s := start(t, log)
	put(t, s, 1)
	r.wantEvents(at(s, 0), 1)
}

func TestWhatWasTrimmedIsToldAsAGap(t *testing.T) {
	log := newLog(t)
	s := start(t, log)
	put(t, s, 120)
	server := serve(t, log, nil)
	live := server.open(t, "")
	live.wantEvents(at(s, 0), 120)
	if err := log.Trim(t.Context(), task, s.ID(), 99); err != nil {
		t.Fatal(err)
	}
	gap := func(after, next int) string {
		return fmt.Sprintf("event: gap\ndata: {\"session\":%q,\"after\":%d,\"next\":%d}\n\n", s.ID(), after, next)
	}
	for name, c := range map[string]struct {
		query  string
		cursor uint64
		gap    bool
	}{
		"inside what is gone":     {"", 12, true},
		"before the first":        {"", 0, true},
		"one before the boundary": {"", 98, true},
		"at the boundary":         {"", 99, false},
		"behind it":               {"", 110, false},
		"types never hide it":     {"types=status", 12, true},
		"envelopes":               {"format=envelope", 12, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := server.resume(t, c.query, at(s, c.cursor))
			from := c.cursor
			if c.gap {
				r.want(gap(int(c.cursor), 100))
				from = 99
			}
			r.wantEvents(at(s, from), 120-int(from))
			r.close()
		})
	}
	put(t, s, 1)
	live.wantEvents(at(s, 120), 1) // a stream that has seen everything gets no gap

	if err := log.Trim(t.Context(), task, s.ID(), 121); err != nil {
		t.Fatal(err)
	}
	r := server.resume(t, "control=true", at(s, 100))
	r.want(gap(100, 122), caughtUp(s.ID().String(), 121))
	seal(t, s)
	r.wantEvents(at(s, 121), 1)
	r.wantEnd()
}

// FuzzCursor sends any cursor: the stream resumes exactly or says reset.
func FuzzCursor(f *testing.F) {
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { log.Close() })
	s := start(f, log)
	put(f, s, 2)
	seal(f, s)
	streams := streamer.New(log, nil)
	id := s.ID().String()
	for _, seed := range []string{"", ":", "S:0", "S:1", "S:2", "S:3", "S:4", "S:01", "S:1 ", "S:18446744073709551616", "\x00", strings.Repeat("é", 200), strings.Repeat("\x80", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		cursor = strings.ReplaceAll(cursor, "S", id) // the id is different in each run
		body := record(t, streams, "last_event_id="+url.QueryEscape(cursor))
		after, known := map[string]uint64{"": 0, id + ":0": 0, id + ":1": 1, id + ":2": 2, id + ":3": 3}[cursor]
		if known && after == 3 {
			if body != "" {
				t.Fatalf("after the end: %q", body)
			}
			return
		}
		r := &reader{t: t, sse: newSSEReader(strings.NewReader(body))}
		r.wantRetry(1000, 3000)
		if !known {
			if f := r.next(); f.event != "reset" || len(f.data) > 256*6+100 {
				t.Fatalf("%q is answered by %q", cursor, f.raw)
			}
		}
		r.wantEvents(at(s, after), int(3-after))
		r.wantEnd()
	})
}
