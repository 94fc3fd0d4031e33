package router_test

import (
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/router"
)

// Only people reach an agent. Without a login, a person is a user of a browser on the
// server's machine.
func TestWithoutALoginABrowserOnThisMachineIsAPerson(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers []string
		author  bool
	}{
		{"a page of the server", []string{"Sec-Fetch-Site: same-origin", "Origin: <here>"}, true},
		{"a program", nil, false},
		{"a program that names an origin", []string{"Origin: <here>"}, false},
		{"a browser that came by a proxy", []string{"Sec-Fetch-Site: same-origin", "Origin: <here>", "X-Forwarded-For: 192.0.2.1"}, false},
		{"a browser whose proxy tells so in the new way", []string{"Sec-Fetch-Site: same-origin", "Origin: <here>", "Forwarded: for=192.0.2.1"}, false},
		{"a browser that knows the server by another name", []string{"Sec-Fetch-Site: same-origin", "Host: jr.example.org", "Origin: http://jr.example.org"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serveWith(t, options{router: router.Options{AllowedHosts: []string{"jr.example.org"}}})
			session := s.start("t-1")
			var headers []string
			for _, header := range c.headers {
				headers = append(headers, strings.ReplaceAll(header, "<here>", s.http.URL))
			}
			for _, r := range []struct{ path, body string }{
				{"/tasks/t-1/events", `[{"type":"user","data":{"content":"a"}},{"type":"comment","data":{"content":"b"}}]`},
				{"/tasks/t-1/sessions/" + session + "/events", `{"type":"user","data":{"content":"c"}}`},
				{"/tasks/t-1/events?person=true", `{"type":"user","data":{"content":"d"}}`},
				{"/tasks/t-1/sessions/" + session + "/complete?person=true", `{"status":"canceled"}`},
			} {
				a := s.do("POST", r.path, bodyOf(r.body), headers...)
				if strings.Contains(r.path, "person=true") && !c.author {
					a.problem(403, "").says("cannot tell that a person sends this")
				} else {
					a.is(200)
				}
			}
			id, err := eventlog.ParseSessionID(session)
			s.ok(err)
			for e, err := range s.log.Session("t-1", id).Events(t.Context(), 0) {
				s.ok(err)
				said := strings.Contains(string(e.Data), `"author":"local"`)
				if want := c.author && e.Type != eventlog.TypeComment; said != want {
					t.Errorf("%s %s: author %v, want %v", e.Type, e.Data, said, want)
				}
			}
		})
	}
}

// Without a login, nothing but the local browser can give an author to events of a session
// whose agent accepts messages.
func TestWithoutALoginNobodySpeaksAsAPersonWhereAnAgentListens(t *testing.T) {
	s := serve(t)
	claim := `{"type":"user","data":{"content":"c","author":"ann"}}`
	session := s.post("/tasks/t-1/sessions", `{"steer":true}`).is(201).says(`"steer":true`).text("id")
	s.post("/tasks/t-1/events", claim).problem(422, "data.author")
	s.post("/tasks/t-1/sessions/"+session+"/events", claim).problem(422, "data.author")
	s.post("/tasks/t-1/sessions/"+session+"/complete", `{"author":"ann"}`).problem(422, "author")
	s.post("/tasks/t-2/sessions", `{}`).is(201)
	s.post("/tasks/t-2/events", claim).is(200)
	s.post("/tasks/t-3/events", claim).is(200)
}

func TestASecondAnswerIsAConflict(t *testing.T) {
	s := serve(t)
	s.post("/tasks/t-1/events", `{"type":"question","data":{"content":"May I?","options":[{"value":"allow","label":"Yes"}]}}`).is(200)
	s.post("/tasks/t-1/events", `{"type":"answer","data":{"for":2,"value":"allow"}}`).problem(422, "data.for")
	s.post("/tasks/t-1/events", `{"type":"answer","data":{"for":1,"value":"allow"}}`).is(200)
	s.post("/tasks/t-1/events", `{"type":"answer","data":{"for":1,"value":"deny"}}`).problem(409, "").says("the first one counts")
}
