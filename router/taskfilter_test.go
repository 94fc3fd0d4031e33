package router_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/router"
)

// named authorizes by the headers Role and Name.
func named(a router.Access) (router.Grant, error) {
	grant, err := as(a)
	grant.Name = a.Request.Header.Get("Name")
	return grant, err
}

func TestTasksAreFoundByWhatIsKnownOfThem(t *testing.T) {
	s := serveWith(t, options{router: router.Options{Authorize: named}})
	start := func(task, owner, body string) {
		s.post("/tasks/"+task+"/sessions", body, "Role: write", "Name: "+owner).is(201)
	}
	start("t-1", "ann", `{"agent":"old","model":"old"}`)
	s.append("t-1", `{"type":"complete","data":{"status":"failed"}}`)
	start("t-1", "bob", `{"agent":"codex","model":"gpt","external_id":"x"}`)
	start("t-2", "ann", `{"agent":"claude","model":"opus","external_id":"x"}`)
	s.append("t-2", `{"type":"session","data":{"model":"haiku"}}`, complete)
	s.put("/tasks/t-2", `{"title":"Mend the Parser","project":"web"}`).is(200)
	s.put("/tasks/t-3", `{"description":"ÜBER parsing","project":"app","type":"bug"}`).is(201)
	for query, want := range map[string]string{
		"":                        "t-3 t-2 t-1",
		"status=open":             "t-1",
		"status=succeeded":        "t-2",
		"status=none":             "t-3",
		"status=failed":           "", // the latest session counts
		"agent=codex":             "t-1",
		"agent=old":               "",
		"model=haiku":             "t-2",
		"model=opus":              "",
		"owner=bob":               "t-1",
		"owner=ann":               "t-2",
		"project=web":             "t-2",
		"project=WEB":             "",
		"q=pars":                  "t-3 t-2",
		"q=parser+MEND":           "t-2",
		"q=%C3%BCber":             "t-3",
		"q=bug+app":               "t-3",
		"q=t-1":                   "t-1",
		"q=pars&project=app":      "t-3",
		"q=+&agent=&status=":      "t-3 t-2 t-1",
		"external_id=x":           "t-2 t-1",
		"external_id=x&owner=bob": "t-1",
	} {
		s.Run(query, func(t *testing.T) {
			if got := s.get("/tasks?" + query).ids("tasks"); got != want {
				t.Errorf("the tasks are %q, not %q", got, want)
			}
		})
	}
	s.get("/tasks?project=web").says(`"project":"web"`).says(`"agent":"claude","model":"haiku","owner":"ann"`)
	s.get("/tasks/t-2").says(`"project":"web"`).says(`"agent":"claude","model":"haiku","owner":"ann"`)
	s.put("/tasks/t-2", `{"title":"x"}`).says(`"project":"web"`).says(`"owner":"ann"`)
	s.put("/tasks/t-2", `{"project":1}`).problem(422, "project")
	s.put("/tasks/t-2", `{"project":"`+strings.Repeat("x", 1025)+`"}`).problem(422, "project")

	long := url.QueryEscape(strings.Repeat("x", 1025))
	for query, field := range map[string]string{
		"status=done": "status", "status=Open": "status", "status=open&status=open": "status", "state=open": "state",
		"q=" + long: "q", "agent=" + long: "agent", "owner=%ff": "owner", "model=%c0%80": "model", "project=" + long: "project",
	} {
		s.get("/tasks?"+query).problem(400, field)
	}
}

func TestAListOfTasksEndsAfterTenThousandThatWereLookedAt(t *testing.T) {
	s := serve(t)
	for i := range 10_003 {
		if _, _, err := s.log.PutTask(t.Context(), fmt.Sprintf("t-%d", i), eventlog.TaskChange{}); err != nil {
			t.Fatal(err)
		}
	}
	first := s.get("/tasks?q=t-2&limit=2").is(200) // found early
	if ids := first.ids("tasks"); ids != "t-2999 t-2998" {
		t.Errorf("found %s", ids)
	}
	first = s.get("/tasks?q=t-1+t-2&limit=2").is(200)
	if ids := first.ids("tasks"); ids != "" || first.text("next") == "" {
		t.Errorf("found %q, next is %q", ids, first.text("next"))
	}
	last := s.get("/tasks?q=t-&limit=5&after=" + first.text("next")).is(200)
	if ids := last.ids("tasks"); ids != "t-2 t-1 t-0" || last.text("next") != "" {
		t.Errorf("then found %q, next is %q", ids, last.text("next"))
	}
}

// The owner of a session is the client that started it, and nobody can claim to be another.
func TestASessionHasTheOwnerWhoStartedIt(t *testing.T) {
	s := serveWith(t, options{router: router.Options{Authorize: named}})
	s.post("/tasks/t-1/sessions", `{"agent":"a"}`, "Role: write", "Name: ci").is(201).says(`"owner":"ci"`)
	s.post("/tasks/t-1/sessions", `{"owner":"ann"}`, "Role: admin", "Name: eve").problem(422, "owner")
	s.put("/tasks/t-1", `{"owner":"ann"}`, "Role: admin", "Name: eve").problem(422, "owner")
	s.post("/tasks/t-1/events", `[{"type":"session","data":{"owner":"eve"}},`+complete+`]`, "Role: write", "Name: eve").is(200)
	s.get("/tasks/t-1").says(`"owner":"ci"`)
	s.post("/tasks/t-1/events", say("x"), "Role: write", "Name: bot").is(200)
	s.post("/tasks/t-1/events", say("y"), "Role: steer", "Name: ann").is(200) // appends to it
	s.get("/tasks/t-1/sessions").says(`"owner":"bot"`).says(`"owner":"ci"`)
	s.get("/tasks/t-1").says(`"owner":"bot"`)
	s.restart()
	s.get("/tasks/t-1/sessions").says(`"owner":"bot"`).says(`"owner":"ci"`)
}

func TestWithoutALoginASessionHasNoOwner(t *testing.T) {
	s := serve(t)
	s.append("t-1", say("x"))
	for _, path := range []string{"/tasks/t-1", "/tasks/t-1/sessions"} {
		if a := s.get(path).is(200); strings.Contains(a.body, "owner") {
			t.Errorf("%s says %s", path, a.body)
		}
	}
}
