package router_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/router"
)

// needs is the role of each route.
var needs = map[string]router.Role{
	"GET /": router.RoleRead, "GET /search": router.RoleRead, "GET /wall": router.RoleRead, "GET /stream": router.RoleRead, "GET /tasks": router.RoleRead,
	"GET /tasks/:task": router.RoleRead, "PUT /tasks/:task": router.RoleWrite, "DELETE /tasks/:task": router.RoleAdmin,
	"GET /tasks/:task/now": router.RoleRead, "GET /tasks/:task/outcome": router.RoleRead, "GET /tasks/:task/search": router.RoleRead, "GET /tasks/:task/overview": router.RoleRead,
	"GET /tasks/:task/events": router.RoleRead, "POST /tasks/:task/events": router.RoleWrite,
	"GET /tasks/:task/events/stream": router.RoleRead,
	"GET /tasks/:task/sessions":      router.RoleRead, "POST /tasks/:task/sessions": router.RoleWrite,
	"GET /tasks/:task/sessions/:session/blobs/:hash": router.RoleRead,
	"GET /tasks/:task/sessions/:session":             router.RoleRead, "DELETE /tasks/:task/sessions/:session": router.RoleAdmin,
	"POST /tasks/:task/sessions/:session/events":    router.RoleWrite,
	"POST /tasks/:task/sessions/:session/heartbeat": router.RoleWrite,
	"POST /tasks/:task/sessions/:session/complete":  router.RoleWrite,
	"GET /backup": router.RoleAdmin,
	"GET /usage":  router.RoleRead, "POST /hooks/claude": router.RoleWrite,
	"GET /metrics": router.RoleRead, "GET /healthz": router.RoleNone, "GET /readyz": router.RoleNone, "GET /assets/*file": router.RoleNone, "GET /openapi.json": router.RoleNone,
}

// as authorizes by the role in the header Role. A request without it sets up the test.
func as(a router.Access) (router.Grant, error) {
	if a.Request.Header.Values("Role") == nil {
		return router.Grant{Role: router.RoleAdmin}, nil
	}
	role, err := router.ParseRole(a.Request.Header.Get("Role"))
	switch {
	case err != nil:
		return router.Grant{}, &router.Refusal{Status: 401, Detail: "say who you are", Header: http.Header{"Www-Authenticate": {"Bearer"}}}
	case role < a.Role:
		return router.Grant{}, &router.Refusal{Status: 403, Detail: fmt.Sprintf("%s needs the role %s", a.Route, a.Role)}
	}
	return router.Grant{Role: role}, nil
}

func TestEveryRouteNeedsItsRole(t *testing.T) {
	for _, r := range routes {
		role, listed := needs[r.method+" "+r.pattern]
		if !listed {
			t.Errorf("%s %s has no role in the list", r.method, r.pattern)
		}
		for _, has := range []string{"nobody", "read", "write", "steer", "admin"} {
			s, fill := serveRoutes(t, options{router: router.Options{Authorize: as}})
			a := s.do(r.method, fill(r.path), bodyOf(r.body), "Role: "+has)
			given, err := router.ParseRole(has)
			switch {
			case role == router.RoleNone || err == nil && given >= role:
				a.is(r.status)
			case err != nil:
				a.problem(401, "").has("WWW-Authenticate", "Bearer")
			default:
				a.problem(403, "").says("needs the role " + role.String())
			}
		}
	}
}

// A client that may not read gets the same answer for things that exist, that do not exist,
// and that cannot exist.
func TestWhoMayNotLookHearsNothingOfWhatExists(t *testing.T) {
	s, fill := serveRoutes(t, options{router: router.Options{Authorize: as}})
	for _, path := range []string{
		"/tasks/t-1", "/tasks/nothing", "/tasks/%00", "/tasks/t-1/sessions/{session}", "/tasks/t-1/sessions/x", "/tasks/t-1/events?types=%00",
	} {
		for _, method := range []string{"GET", "DELETE"} {
			if strings.HasSuffix(path, "%00") && method == "DELETE" {
				continue // there is no such route
			}
			s.do(method, fill(path), nil, "Role: nobody").problem(401, "")
		}
	}
}

func TestOnlyTasksThatSomebodySeesAreShown(t *testing.T) {
	sees := func(router.Access) (router.Grant, error) {
		return router.Grant{Role: router.RoleAdmin, Sees: func(task string) bool { return task == "t-1" }}, nil
	}
	s := serveWith(t, options{router: router.Options{Authorize: sees}})
	for _, task := range []string{"t-1", "t-2"} {
		if _, err := s.log.Start(t.Context(), task, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range routes {
		if strings.HasPrefix(r.path, "/tasks/t-1") && !strings.Contains(r.path, "{") {
			s.do(r.method, strings.Replace(r.path, "t-1", "t-2", 1), bodyOf(r.body)).problem(404, "")
		}
	}
	for _, path := range []string{"/tasks", "/", "/wall"} {
		if a := s.get(path); strings.Contains(a.body, "t-2") || !strings.Contains(a.body, "t-1") {
			t.Errorf("%s shows %s", path, a.body)
		}
	}
}

// What belongs to several tasks shows none that somebody does not see.
func TestNothingThatIsShownNamesATaskThatSomebodyDoesNotSee(t *testing.T) {
	s := serveWith(t, options{router: router.Options{Authorize: func(router.Access) (router.Grant, error) {
		return router.Grant{Role: router.RoleAdmin, Sees: func(task string) bool { return task != "t-hidden" }}, nil
	}}})
	parent := &eventlog.StartOptions{Agent: "a", ExternalID: "x-1"}
	for _, task := range []string{"t-seen", "t-hidden"} { // the newest is the first that is found
		_, err := s.log.Start(t.Context(), task, parent)
		s.ok(err)
	}
	s.post("/tasks/t-child/sessions", `{"agent":"a","external_id":"x-2","parent_external_id":"x-1"}`).is(201)
	s.get("/tasks/t-child", "Accept: text/html").says(`href="./t-seen?session=`) // the control: there is a link
	for _, path := range []string{"/tasks/t-child", "/tasks", "/tasks?external_id=x-1", "/tasks/t-child/now", "/tasks/t-child/overview"} {
		for _, accept := range []string{"Accept: text/html", "Accept: application/json"} {
			if a := s.get(path, accept).is(200); strings.Contains(a.body, "t-hidden") {
				t.Errorf("%s shows %s", path, a.body)
			}
		}
	}
	s.do("GET", "/backup", nil).problem(403, "").says("all tasks")

	res, err := s.client.Get(s.http.URL + "/stream")
	s.ok(err)
	defer res.Body.Close()
	feed := bufio.NewReader(res.Body)
	for line, seen := "", 0; seen < 2; {
		line, err = feed.ReadString('\n')
		s.ok(err)
		if strings.HasPrefix(line, "data: ") {
			seen++
		}
		if strings.Contains(line, "t-hidden") {
			t.Fatalf("the feed says %s", line)
		}
	}
}

// If a run is recorded elsewhere, the refusal does not say where, unless the client may see
// that task.
func TestWhereARunIsRecordedIsToldToThoseWhoMaySeeIt(t *testing.T) {
	s := serveWith(t, options{router: router.Options{Authorize: func(a router.Access) (router.Grant, error) {
		return router.Grant{Role: router.RoleAdmin, Sees: func(task string) bool { return task == a.Request.Header.Get("Sees") }}, nil
	}}})
	body := `{"agent":"a","external_id":"x","unique":true}`
	s.do("POST", "/tasks/t-1/sessions", bodyOf(body), "Sees: t-1").is(201)
	s.do("POST", "/tasks/t-1/sessions", bodyOf(body), "Sees: t-1").problem(409, "").says(`"task":"t-1"`)
	if a := s.do("POST", "/tasks/t-2/sessions", bodyOf(body), "Sees: t-2").problem(409, ""); strings.Contains(a.body, "t-1") {
		t.Errorf("it says %s", a.body)
	}
}

func TestARefusalOfMiddlewareReachesTheClient(t *testing.T) {
	refuse := func(next eventlog.AppendFunc) eventlog.AppendFunc {
		return func(ctx context.Context, b *eventlog.Batch) (eventlog.Appended, error) {
			if slices.ContainsFunc(b.Events, func(e eventlog.Event) bool { return e.Type == eventlog.TypeThought }) {
				return eventlog.Appended{}, fmt.Errorf("%w: no thoughts on Sundays", eventlog.ErrRefused)
			}
			return next(ctx, b)
		}
	}
	s := serveWith(t, options{log: eventlog.Options{Middleware: []eventlog.Middleware{refuse}}})
	s.do("POST", "/tasks/t-1/events", bodyOf(`{"type":"thought","data":{"content":"x"}}`)).problem(403, "").says("no thoughts on Sundays")
	s.do("POST", "/tasks/t-1/events", bodyOf(say("x"))).is(200)
}

// A person's word carries the name of that person, and of nobody else.
func TestWhatPeopleAppendCarriesWhoTheyAre(t *testing.T) {
	s := serveWith(t, options{router: router.Options{Authorize: named}})
	post := func(role, name, body string) *answer {
		return s.do("POST", "/tasks/t-1/events", bodyOf(body), "Role: "+role, "Name: "+name)
	}
	post("steer", "ann", `[{"type":"comment","data":{"content":"a"}},{"type":"user","data":{ "content" : "b" },"actor":"human"},{"type":"x","data":{}}]`).is(200)
	post("write", "agent", `{"type":"thought","data":{"content":"the author is \u0061nn"}}`).is(200)
	for _, claim := range []string{`{"content":"c","author":"ann"}`, `{"content":"c","\u0061uthor":"ann"}`, `{"author":null,"content":"c"}`} {
		for _, role := range []string{"write", "steer"} {
			post(role, "eve", `{"type":"comment","data":`+claim+`}`).problem(422, "data.author")
		}
	}
	post("admin", "root", `{"type":"comment","data":{"content":"d","author":"ann"}}`).is(200) // as in an export
	post("admin", "root", `{"type":"comment","data":{"content":"e"}}`).is(200)
	runs, err := s.log.Sessions(t.Context(), "t-1", eventlog.SessionID{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	session := runs[0].ID.String()
	s.do("POST", "/tasks/t-1/sessions/"+session+"/complete", bodyOf(`{"status":"canceled","author":"bob"}`), "Role: steer", "Name: ann").problem(422, "author")
	s.do("POST", "/tasks/t-1/sessions/"+session+"/complete", bodyOf(`{"status":"canceled"}`), "Role: steer", "Name: a\"b").is(200)
	want := []string{
		`{"content":"a","author":"ann"}`, `{"content":"b","author":"ann"}`, `{"author":"ann"}`, `{"content":"the author is \u0061nn"}`,
		`{"content":"d","author":"ann"}`, `{"content":"e","author":"root"}`, `{"status":"canceled","author":"a\"b"}`,
	}
	var got []string
	for e, err := range s.log.Session("t-1", runs[0].ID).Events(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(e.Data))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWithoutALoginAnAuthorIsAFieldLikeOthers(t *testing.T) {
	s := serve(t)
	s.do("POST", "/tasks/t-1/events", bodyOf(`{"type":"comment","data":{"content":"c","author":"ann"}}`)).is(200)
	s.holds("/tasks/t-1/events", "c")
}
