package router_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestAStartTellsAllThatIsKnownOfARun(t *testing.T) {
	s := serve(t)
	a := s.post("/tasks/t-1/sessions", `{"agent":"a","version":"1.2","model":"m","cwd":"/w","branch":"main","machine":"box",
		"external_id":"x","parent_external_id":"p","started":"2025-03-01T10:00:00.1234+01:00"}`).is(201)
	const known = `"agent":"a","version":"1.2","model":"m","cwd":"/w","branch":"main","machine":"box",` +
		`"external_id":"x","parent_external_id":"p","started":"2025-03-01T09:00:00.123Z","ended":null`
	a.says(known)
	s.get("/tasks/t-1/sessions/" + a.text("id")).says(known)
	s.post("/tasks/t-1/sessions/"+a.text("id")+"/events", `[
		{"type":"session","data":{"version":"1.3","title":"Mend it"}},
		{"type":"complete","time":"2025-03-01T09:30:00Z","data":{}}]`).is(200)
	s.get("/tasks/t-1/sessions").says(`"version":"1.3"`).says(`"ended":"2025-03-01T09:30:00.000Z"`)
	s.get("/tasks/t-1").says(`"title":"Mend it"`)
	s.get("/tasks").says(`"title":"Mend it"`)
	s.post("/tasks/t-1/events", `{"type":"session","data":{"title":1}}`).problem(422, "data.title")

	for _, c := range []struct{ field, value string }{
		{"version", `1`}, {"cwd", `null`}, {"branch", `[]`}, {"machine", `{}`}, {"parent_external_id", `true`},
		{"started", `"yesterday"`}, {"started", `1`}, {"unique", `"true"`}, {"unique", `null`},
	} {
		s.post("/tasks/t-2/sessions", fmt.Sprintf(`{%q:%s}`, c.field, c.value)).problem(422, c.field)
	}
	s.post("/tasks/t-2/sessions", `{"unique":true}`).problem(422, "external_id")
	s.get("/tasks/t-2").is(404)
}

func TestARunThatIsRecordedIsAConflictThatSaysWhere(t *testing.T) {
	s := serve(t)
	start := func(task, more string, header ...string) *answer {
		return s.post("/tasks/"+task+"/sessions", `{"agent":"a","external_id":"x","unique":true`+more+`}`, header...)
	}
	first := start("t-1", `,"started":"2025-03-01T10:00:00Z"`, "Idempotency-Key: k").is(201).text("id")
	start("t-2", "").problem(409, "").says(`"type":"urn:jrweb:problem:recorded"`).says(`"task":"t-1","session":"` + first + `","ended":null`)
	if again := start("t-1", `,"started":"2025-03-01T10:00:00Z"`, "Idempotency-Key: k").is(201).text("id"); again != first {
		t.Errorf("a repeat got session %s, not %s", again, first)
	}
	s.post("/tasks/t-1/sessions/"+first+"/events", `{"type":"complete","time":"2025-03-01T11:00:00Z","data":{}}`).is(200)
	start("t-2", `,"started":"2025-03-01T10:30:00Z"`).problem(409, "").says(`"task":"t-1","session":"` + first + `","ended":"2025-03-01T11:00:00.000Z"`)
	s.get("/tasks/t-2").is(404)
	start("t-2", `,"started":"2025-03-01T11:00:00.001Z"`).is(201)
}

func TestTasksAreListedByExternalID(t *testing.T) {
	s := serve(t)
	for i := range 5 {
		s.post(fmt.Sprintf("/tasks/t-%d/sessions", i), fmt.Sprintf(`{"external_id":"x %d"}`, i%2)).is(201)
	}
	first := s.get("/tasks?external_id=x+0&limit=2").is(200)
	second := s.get("/tasks?external_id=x+0&limit=2&after=" + first.text("next")).is(200)
	if ids := first.ids("tasks") + ", " + second.ids("tasks"); ids != "t-4 t-2, t-0" || second.text("next") != "" {
		t.Errorf("the pages are %s", ids)
	}
	s.get("/tasks?external_id=nobody").json(`{"tasks":[],"next":""}`)
}

// If two sessions report the same cost, it counts once. The session that reported it later
// says where it counts.
func TestASessionTellsWhereItsCostCounts(t *testing.T) {
	s := serve(t)
	const cost = `{"type":"cost","data":{"id":"m","input_tokens":5,"output_tokens":2}}`
	first := s.post("/tasks/t-1/events", cost).is(200).text("session")
	second := s.post("/tasks/t-2/events", cost).is(200).text("session")
	if o := s.get("/tasks/t-1/sessions/" + first).is(200).object(); o["counted_elsewhere"] != nil {
		t.Errorf("the first: %v", o)
	}
	s.get("/tasks/t-2/sessions/" + second).is(200).says(`"counted_elsewhere":{"tokens":7,"tasks":["t-1"]}`)
	s.get("/tasks/t-2", "Accept: text/html").is(200).says("7 tokens, in t-1").says("</span> tokens<span id=\"elsewhere\">, 7 elsewhere</span>")
	s.get("/tasks/t-2/now").is(200).says(`"counted_elsewhere":{"tokens":7,"tasks":["t-1"]}`)
	s.post("/tasks/t-2/events", `{"type":"cost","data":{"id":"n","input_tokens":5}}`).is(200)
	if a := s.get("/tasks/t-2/now").is(200); strings.Contains(a.body, "elsewhere") { // not each second
		t.Errorf("%s", a.body)
	}
	s.post("/tasks/t-2/sessions/"+second+"/complete", `{}`).is(200)
	s.get("/tasks/t-2/now").is(200).says(`"counted_elsewhere":{"tokens":7,"tasks":["t-1"]}`)
}
