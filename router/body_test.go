package router_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/router"
)

// deep is JSON with this many levels.
func deep(levels int) string {
	return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
}

func TestABadAppendIsRefusedAsAWhole(t *testing.T) {
	const ndjson = "Content-Type: application/x-ndjson"
	event := func(typ, data string) string { return `{"type":"` + typ + `","data":` + data + `}` }
	for _, c := range []struct {
		name   string
		body   string
		header string
		status int
		field  string
		detail string
	}{
		{"no body", "", "", 400, "", "the body is not JSON"},
		{"white space", " \n", "", 400, "", "the body is not JSON"},
		{"no JSON", "hello", "", 400, "", "the body is not JSON"},
		{"JSON that ends early", `{"type":"assistant"`, "", 400, "", "the body is not JSON"},
		{"something behind the event", say("a") + "x", "", 400, "", "the body is not JSON"},
		{"two events without NDJSON's type", say("a") + "\n" + say("b"), "", 400, "", "the body is not JSON"},
		{"a byte order mark", "\ufeff" + say("a"), "", 400, "", "the body is not JSON"},
		{"white space that is not JSON's", "\u00a0" + say("a"), "", 400, "", "the body is not JSON"},
		{"a comment", "/**/" + say("a"), "", 400, "", "the body is not JSON"},
		{"NaN", event("note", `{"x":NaN}`), "", 400, "", "the body is not JSON"},
		{"a control character in a string", event("note", "{\"x\":\"\x00\"}"), "", 400, "", "the body is not JSON"},
		{"JSON deeper than can be read", event("note", deep(100_000)), "", 400, "", "the body is not JSON"},
		{"an array that ends early", "[" + say("a"), "", 400, "", "index 1"},
		{"an array with a hole", "[" + say("a") + ",," + say("b") + "]", "", 400, "", "index 1"},
		{"an array with a comma too many", "[" + say("a") + ",]", "", 400, "", "index 1"},
		{"an array without commas", "[" + say("a") + say("b") + "]", "", 400, "", "index 1"},
		{"an array with something behind it", "[" + say("a") + "]]", "", 400, "", "behind the array"},
		{"two arrays", "[" + say("a") + "][]", "", 400, "", "behind the array"},
		{"an array whose third is no JSON", "[" + say("a") + "," + say("b") + ",{x}]", "", 400, "", "index 2"},
		{"an array whose second ends early", "[" + say("a") + `,{"type":"note",]`, "", 400, "", "the array at index 1 is not JSON: invalid character ']' looking for beginning of object key string (at byte 61)"},
		{"an array whose second is no UTF-8", "[" + say("a") + ",{\"type\":\"assistant\",\"data\":{\"content\":\"\xff\"}}]", "", 400, "", "the array at index 1 is not valid UTF-8 at byte 84"},
		{"an array with a wrong field, and then no JSON", `[{"x":1},` + say("a") + ",{x}]", "", 400, "", "index 2"},
		{"an array with a wrong field, and no JSON in the same event", `[{"x":1,x}]`, "", 400, "", "index 0"},
		{"an array with something behind it, and where", "[" + say("a") + "] x", "", 400, "", "something stands behind the array (at byte 47)"},
		{"NDJSON whose third line is no JSON", say("a") + "\n\n{x}\n", ndjson, 400, "", "line 3"},
		{"NDJSON with two events in a line", say("a") + say("b"), ndjson, 400, "", "line 1"},
		{"NDJSON with white space that is not JSON's", say("a") + "\n\v\n", ndjson, 400, "", "line 2"},
		{"invalid UTF-8", "{\"type\":\"assistant\",\"data\":{\"content\":\"\xff\"}}", "", 400, "", "not valid UTF-8 at byte 39"},
		{"invalid UTF-8 in NDJSON", say("a") + "\n\"\xc3\x28\"", ndjson, 400, "", "line 2 is not valid UTF-8 at byte 1"},
		{"a surrogate in UTF-8", "{\"type\":\"assistant\",\"data\":{\"content\":\"\xed\xa0\x80\"}}", "", 400, "", "UTF-8"},
		{"UTF-16", "{\x00\"\x00", "", 400, "", "the body is not JSON"},

		{"an empty array", "[]", "", 422, "events", "at least one"},
		{"NDJSON without a line", "", ndjson, 422, "events", "at least one"},
		{"NDJSON with blank lines only", "\n \r\n\t\n", ndjson, 422, "events", "at least one"},

		{"null", "null", "", 422, "event", "JSON object"},
		{"a string", `"x"`, "", 422, "event", "JSON object"},
		{"a number", "1", "", 422, "event", "JSON object"},
		{"an array in an array", "[[]]", "", 422, "event", "event 0: "},
		{"an array with a number in it", "[" + say("a") + ", 1, " + say("b") + "]", "", 422, "event", "event 1: event must be a JSON object"},
		{"an array with two wrong events", "[" + say("a") + `,{"x":1},{"y":1}]`, "", 422, "x", "event 1: "},
		{"an event with two wrong fields", `{"x":1,"y":1}`, "", 422, "x", "not known"},
		{"NDJSON whose second line is an array", say("a") + "\n[]", ndjson, 422, "event", "line 2: "},
		{"a field that is not known", `{"type":"note","data":{},"session":"x"}`, "", 422, "session", "known are type, data, actor, time"},
		{"a field without a name", `{"":1}`, "", 422, "event", "not known"},
		{"a field in other letters", `{"Type":"note","data":{}}`, "", 422, "Type", "not known"},
		{"a field that is given twice", `{"type":"note","data":{},"type":"thought"}`, "", 422, "type", "more than once"},
		{"a field twice, once escaped", `{"type":"note","data":{},"t\u0079pe":"thought"}`, "", 422, "type", "more than once"},

		{"no type", `{"data":{}}`, "", 422, "type", "required"},
		{"type null", `{"type":null,"data":{}}`, "", 422, "type", "a string"},
		{"type a number", `{"type":1,"data":{}}`, "", 422, "type", "a string"},
		{"type empty", event("", "{}"), "", 422, "type", "must match"},
		{"type in capitals", event("Assistant", "{}"), "", 422, "type", "must match"},
		{"type with a hyphen", event("tool-call", "{}"), "", 422, "type", "must match"},
		{"type with a line break", event(`a\nb`, "{}"), "", 422, "type", "must match"},
		{"type of 65 characters", event(strings.Repeat("a", 65), "{}"), "", 422, "type", "must match"},
		{"type reset", event("reset", "{}"), "", 422, "type", "reserved"},
		{"type gap", event("gap", "{}"), "", 422, "type", "reserved"},
		{"type caught_up", event("caught_up", "{}"), "", 422, "type", "reserved"},
		{"type open", event("open", "{}"), "", 422, "type", "reserved"},
		{"type message", event("message", "{}"), "", 422, "type", "reserved"},
		{"type end", event("end", "{}"), "", 422, "type", "reserved"},

		{"no data", `{"type":"note"}`, "", 422, "data", "required"},
		{"data null", event("note", "null"), "", 422, "data", "object"},
		{"data a string of JSON", event("note", `"{}"`), "", 422, "data", "object"},
		{"data an array", event("note", "[]"), "", 422, "data", "object"},

		{"actor null", `{"type":"note","data":{},"actor":null}`, "", 422, "actor", "a string"},
		{"actor empty", `{"type":"note","data":{},"actor":""}`, "", 422, "actor", "agent, human or system"},
		{"actor unknown", `{"type":"note","data":{},"actor":"Agent"}`, "", 422, "actor", "agent, human or system"},
		{"time a number", `{"type":"note","data":{},"time":1}`, "", 422, "time", "a string"},
		{"time null", `{"type":"note","data":{},"time":null}`, "", 422, "time", "a string"},
		{"time empty", `{"type":"note","data":{},"time":""}`, "", 422, "time", "RFC 3339"},
		{"time without a zone", `{"type":"note","data":{},"time":"2026-11-22T10:00:00"}`, "", 422, "time", "RFC 3339"},
		{"time with an hour of one digit", `{"type":"note","data":{},"time":"2026-11-22T1:00:00Z"}`, "", 422, "time", "RFC 3339"},
		{"time with a comma", `{"type":"note","data":{},"time":"2026-11-22T10:00:00,5Z"}`, "", 422, "time", "RFC 3339"},
		{"time with 61 seconds", `{"type":"note","data":{},"time":"2026-11-22T10:00:61Z"}`, "", 422, "time", "RFC 3339"},
		{"time with 60 minutes", `{"type":"note","data":{},"time":"2026-11-22T10:60:00Z"}`, "", 422, "time", "RFC 3339"},
		{"time the zero of Go", `{"type":"note","data":{},"time":"0001-01-01T00:00:00.0001Z"}`, "", 422, "time", "year 1"},
		{"time after the year 9999", `{"type":"note","data":{},"time":"9999-12-31T23:59:59-01:00"}`, "", 422, "time", "year"},

		{"assistant without content", event("assistant", `{"Content":"x"}`), "", 422, "data.content", "required"},
		{"thought with content null", event("thought", `{"content":null}`), "", 422, "data.content", "a string"},
		{"user with a number", event("user", `{"content":1}`), "", 422, "data.content", "a string"},
		{"status without content", event("status", `{}`), "", 422, "data.content", "required"},
		{"comment without content", event("comment", `{}`), "", 422, "data.content", "required"},
		{"checkpoint without content", event("checkpoint", `{}`), "", 422, "data.content", "required"},
		{"guardrail without content", event("guardrail", `{}`), "", 422, "data.content", "required"},
		{"content twice, at last a number", event("assistant", `{"content":"x","content":1}`), "", 422, "data.content", "a string"},
		{"tool_call without a tool", event("tool_call", `{"args":{}}`), "", 422, "data.tool", "required"},
		{"tool_call without args", event("tool_call", `{"tool":"x"}`), "", 422, "data.args", "required"},
		{"tool_call with args in a string", event("tool_call", `{"tool":"x","args":"{}"}`), "", 422, "data.args", "an object"},
		{"tool_result without success", event("tool_result", `{"tool":"x","output":""}`), "", 422, "data.success", "required"},
		{"tool_result with success in a string", event("tool_result", `{"tool":"x","output":"","success":"true"}`), "", 422, "data.success", "true or false"},
		{"tool_result without output", event("tool_result", `{"tool":"x","success":true}`), "", 422, "data.output", "required"},
		{"error without message", event("error", `{}`), "", 422, "data.message", "required"},
		{"cost below 0", event("cost", `{"usd":-0.1}`), "", 422, "data.usd", "a number from 0"},
		{"cost beyond any number", event("cost", `{"usd":1e999}`), "", 422, "data.usd", "a number from 0"},
		{"cost in a string", event("cost", `{"usd":"1"}`), "", 422, "data.usd", "a number from 0"},
		{"cost null", event("cost", `{"usd":null}`), "", 422, "data.usd", "a number from 0"},
		{"half a token", event("cost", `{"input_tokens":0.5}`), "", 422, "data.input_tokens", "whole"},
		{"tokens below 0", event("cost", `{"output_tokens":-1}`), "", 422, "data.output_tokens", "a number from 0"},
		{"tokens beyond any number", event("cost", `{"cache_read_tokens":1e400}`), "", 422, "data.cache_read_tokens", "a number from 0"},
		{"a scope that is none", event("cost", `{"usd":1,"scope":"total"}`), "", 422, "data.scope", "delta or cumulative"},
		{"a model that is a number", event("cost", `{"usd":1,"model":5}`), "", 422, "data.model", "a string"},

		{"complete before the last", "[" + complete + "," + say("a") + "]", "", 422, "type", "event 0: "},
		{"complete twice", complete + "\n" + complete, ndjson, 422, "type", "line 1: "},
		{"complete with another status", event("complete", `{"status":"done"}`), "", 422, "data.status", "succeeded"},
		{"complete with status open", event("complete", `{"status":"open"}`), "", 422, "data.status", "succeeded"},
		{"complete with status null", event("complete", `{"status":null}`), "", 422, "data.status", "a string"},
		{"complete with a reason that is none", event("complete", `{"reason":1}`), "", 422, "data.reason", "a string"},

		{"good events and then a bad one", "[" + say("a") + "," + say("b") + "," + event("assistant", "{}") + "]", "", 422, "data.content", "event 2: "},
		{"good lines and then a bad one", "\n" + say("a") + "\n\n" + event("assistant", "{}"), ndjson, 422, "data.content", "line 4: "},

		{"a form", "a=b", "Content-Type: application/x-www-form-urlencoded", 415, "Content-Type", "application/x-ndjson"},
		{"a form with files", "a=b", "Content-Type: multipart/form-data; boundary=x", 415, "Content-Type", ""},
		{"plain text, which any page may send", say("a"), "Content-Type: text/plain", 415, "Content-Type", ""},
		{"another charset", say("a"), "Content-Type: application/json; charset=latin1", 415, "Content-Type", ""},
		{"a Content-Type that is none", say("a"), "Content-Type: json", 415, "Content-Type", ""},
		{"a Content-Type that is broken", say("a"), "Content-Type: application/json; charset", 415, "Content-Type", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t)
			session := s.append("t-1", say("before"))
			var headers []string
			if c.header != "" {
				headers = append(headers, c.header)
			}
			for _, path := range []string{"/tasks/t-1/events", "/tasks/t-1/sessions/" + session + "/events", "/tasks/t-2/events"} {
				s.post(path, c.body, headers...).problem(c.status, c.field).says(c.detail)
			}
			s.holds("/tasks/t-1/events", "before")
			s.get("/tasks/t-2").problem(404, "") // a refused append starts nothing
		})
	}
}

func TestWhatIsLargerThanTheLimitsIs413(t *testing.T) {
	s := serveWith(t, options{router: router.Options{MaxRequestBytes: 1000}, log: eventlog.Options{MaxEventBytes: 100}})
	s.append("t-1", say("before"))
	fits := say(strings.Repeat("x", 100-len(`{"content":""}`)))
	s.post("/tasks/t-1/events", fits).is(200)
	s.post("/tasks/t-1/events", say(strings.Repeat("x", 101-len(`{"content":""}`)))).problem(413, "data").says("at most 100")
	s.post("/tasks/t-1/events", "["+fits+","+say(strings.Repeat("x", 200))+"]").problem(413, "data").says("event 1: ")

	padding := strings.Repeat(" ", 1001-len(fits))
	unknownLength := func(text string) io.Reader { return struct{ io.Reader }{strings.NewReader(text)} }
	for _, path := range []string{"/tasks/t-1/events", "/tasks/t-1/sessions", "/tasks/t-1/sessions/" + s.start("t-1") + "/complete"} {
		s.post(path, padding+fits).problem(413, "").says("1000 bytes")
		s.do("POST", path, unknownLength(padding+fits)).problem(413, "").says("1000 bytes")
	}
	s.put("/tasks/t-1", padding+fits).problem(413, "")
	s.post("/tasks/t-1/events", padding[1:]+fits).is(200)
	s.do("POST", "/tasks/t-1/events", unknownLength(padding[1:]+fits)).is(200)
}

func TestABodyThatIsTooLargeIsRefusedBeforeItIsSent(t *testing.T) {
	s := serve(t)
	a := rawRequest(s, "POST /tasks/t-1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 33554433\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(a, "HTTP/1.1 413 ") {
		t.Errorf("it is answered %q", a)
	}
}

func TestAnEventMayHaveFourMebibytes(t *testing.T) {
	s := serve(t)
	most := 4<<20 - len(`{"content":""}`)
	s.post("/tasks/t-1/events", saying(most)).is(200)
	s.post("/tasks/t-1/events", saying(most+1)).problem(413, "data")
}

func TestTenThousandEventsAreTakenAndOneMoreIs413(t *testing.T) {
	s := serve(t)
	one := `{"type":"n","data":{}}`
	most := strings.Repeat(one+"\n", 10_000)
	s.post("/tasks/t-1/events", most+one, "Content-Type: application/x-ndjson").problem(413, "")
	s.post("/tasks/t-1/events", "["+strings.Repeat(one+",", 10_000)+one+"]").problem(413, "")
	s.post("/tasks/t-1/events", most+"\n\n", "Content-Type: application/x-ndjson").is(200).says(`"last":10000`)
	s.post("/tasks/t-1/events", "["+strings.Repeat(one+",", 9_999)+one+"]").is(200).says(`"last":20000`)
}

func TestWhatIsUnusualButGoodIsTaken(t *testing.T) {
	for name, c := range map[string]struct{ body, contentType string }{
		"no Content-Type":               {say("a"), ""},
		"JSON":                          {say("a"), "application/json"},
		"JSON in other letters":         {say("a"), "Application/JSON; Charset=UTF-8"},
		"JSON of a vendor":              {say("a"), "application/vnd.example+json"},
		"an array":                      {"[" + say("a") + "]", ""},
		"white space around an array":   {"\r\n\t [ " + say("a") + " ] \n", ""},
		"white space around an event":   {"\r\n\t " + say("a") + " \n", ""},
		"NDJSON":                        {say("a"), "application/x-ndjson"},
		"NDJSON with blank lines, CRLF": {"\r\n\r\n" + say("a") + "\r\n  \r\n", "application/x-ndjson; charset=utf-8"},
		"names with escapes":            {`{"typ\u0065":"assistant","data":{"content":"\u0061"}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			var headers []string
			if c.contentType != "" {
				headers = []string{"Content-Type: " + c.contentType}
			}
			s.post("/tasks/t-1/events", c.body, headers...).json(`{"session":"<session>","first":1,"last":1}`)
			s.holds("/tasks/t-1/events", "a")
		})
	}
}

func TestTheTimeOfAnEventMayBeAnyOfRFC3339(t *testing.T) {
	s := serve(t)
	for given, kept := range map[string]string{
		"2026-11-22T10:00:00Z":           "2026-11-22T10:00:00.000Z",
		"2026-11-22T10:00:00.123456789Z": "2026-11-22T10:00:00.123Z",
		"2026-11-22T10:00:00.9999+02:30": "2026-11-22T07:30:00.999Z",
		"2026-11-22t10:00:00z":           "2026-11-22T10:00:00.000Z",
		"1990-12-31T23:59:60Z":           "1991-01-01T00:00:00.000Z",
		"1990-12-31T15:59:60.5-08:00":    "1991-01-01T00:00:00.500Z",
		"1969-12-31T23:59:59.9999Z":      "1969-12-31T23:59:59.999Z",
		"0001-01-01T00:00:00.001Z":       "0001-01-01T00:00:00.001Z",
		"9999-12-31T23:59:59.999Z":       "9999-12-31T23:59:59.999Z",
		"2026-11-22T10:00:00-00:00":      "2026-11-22T10:00:00.000Z",
	} {
		s.post("/tasks/t-1/events", `{"type":"note","data":{},"time":"`+given+`"}`).is(200)
		s.get("/tasks/t-1/events?last=1").is(200).says(`"time":"` + kept + `"`)
	}
}

func TestABadBodyOfTheOtherRoutes(t *testing.T) {
	s := serve(t)
	session := s.start("t-1")
	start, put, seal := "/tasks/t-1/sessions", "/tasks/t-1", "/tasks/t-1/sessions/"+session+"/complete"
	for _, c := range []struct {
		path, body string
		status     int
		field      string
	}{
		{start, "x", 400, ""}, {start, "[]", 422, "body"}, {start, "null", 422, "body"}, {start, "{}{}", 400, ""},
		{start, `{"agent":1}`, 422, "agent"}, {start, `{"model":null}`, 422, "model"}, {start, `{"external_id":[]}`, 422, "external_id"},
		{start, `{"agent":"` + strings.Repeat("x", 1025) + `"}`, 422, "agent"},
		{start, `{"lease_seconds":"5"}`, 422, "lease_seconds"}, {start, `{"lease_seconds":-1}`, 422, "lease_seconds"},
		{start, `{"lease_seconds":null}`, 422, "lease_seconds"}, {start, `{"lease_seconds":1e999}`, 422, "lease_seconds"}, {start, `{"lease_seconds":1e15}`, 422, "lease_seconds"},
		{start, `{"concurrent":"true"}`, 422, "concurrent"}, {start, `{"concurrent":null}`, 422, "concurrent"},
		{start, `{"Agent":"x"}`, 422, "Agent"}, {start, `{"agent":"x","agent":"y"}`, 422, "agent"}, {start, "\xff", 400, ""},
		{put, "x", 400, ""}, {put, "[]", 422, "body"}, {put, `{"title":1}`, 422, "title"}, {put, `{"type":null}`, 422, "type"},
		{put, `{"description":{}}`, 422, "description"}, {put, `{"parent":"a/b"}`, 422, "parent"}, {put, `{"parent":5}`, 422, "parent"},
		{put, `{"title":"` + strings.Repeat("x", 1025) + `"}`, 422, "title"}, {put, `{"id":"x"}`, 422, "id"}, {put, `{"status":"open"}`, 422, "status"},
		{put, `{"title":"x","title":"y"}`, 422, "title"}, {put, `{"` + strings.Repeat("x", 1000) + `":1}`, 422, strings.Repeat("x", 64)},
		{seal, "x", 400, ""}, {seal, "[]", 422, "body"}, {seal, `"failed"`, 422, "body"}, {seal, `{"status":"done"}`, 422, "status"},
		{seal, `{"status":1}`, 422, "status"}, {seal, `{"reason":1}`, 422, "reason"}, {seal, `{} {}`, 400, ""}, {seal, "\xff", 400, ""},
	} {
		method := http.MethodPost
		if c.path == put {
			method = http.MethodPut
		}
		s.do(method, c.path, strings.NewReader(c.body)).problem(c.status, c.field)
		for _, contentType := range []string{"application/x-www-form-urlencoded", "text/plain", "application/x-ndjson"} {
			s.do(method, c.path, strings.NewReader("{}"), "Content-Type: "+contentType).problem(415, "Content-Type")
		}
	}
	s.get("/tasks/t-1/sessions/" + session).says(`"status":"open"`).says(`"head":0`)
	s.get("/tasks/t-1/sessions").says(fmt.Sprintf(`{"sessions":[{"id":%q`, session))
}
