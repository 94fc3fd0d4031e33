package router_test

import (
	"fmt"
	"testing"
)

func TestASessionIsStartedWithWhatIsKnownOfIt(t *testing.T) {
	s := serve(t)
	want := func(agent, model, external string) string {
		return fmt.Sprintf(`{"id":"<session>","task":"t-1","status":"open","reason":"","agent":%q,"model":%q,"external_id":%q,
			"started":"<time>","ended":null,"head":0,"totals":{"events":0,"usd":0,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0}}`, agent, model, external)
	}
	a := s.post("/tasks/t-1/sessions", `{"agent":"jr","model":"m","external_id":"x/1","lease_seconds":60,"concurrent":false}`).is(201).json(want("jr", "m", "x/1"))
	s.get("/tasks/t-1/sessions/" + a.text("id")).is(200).json(want("jr", "m", "x/1"))
	s.post("/tasks/t-1/sessions", "").is(201).json(want("", "", ""))
	s.post("/tasks/t-1/sessions", "{}", "Content-Type: application/json").is(201).json(want("", "", ""))
	s.post("/tasks/t-1/sessions", `{"lease_seconds":0.5}`).is(201)
	s.post("/tasks/t-1/sessions", `{"lease_seconds":0}`).is(201)
}

func TestAStartSupersedesOpenSessionsUnlessItIsConcurrent(t *testing.T) {
	s := serve(t)
	status := func(session string) string { return s.get("/tasks/t-1/sessions/" + session).is(200).text("status") }
	first := s.start("t-1")
	second := s.post("/tasks/t-1/sessions", `{"concurrent":true}`).is(201).text("id")
	if status(first) != "open" || status(second) != "open" {
		t.Errorf("beside a concurrent one the first session is %s", status(first))
	}
	third := s.start("t-1")
	for _, session := range []string{first, second} {
		s.get("/tasks/t-1/sessions/" + session).says(`"status":"interrupted","reason":"superseded"`).says(`"head":1`)
		s.get("/tasks/t-1/events?session=" + session).says(`"type":"complete","actor":"system","data":{"status":"interrupted","reason":"superseded"}`)
	}
	if status(third) != "open" {
		t.Errorf("the newest session is %s", status(third))
	}
}

func TestSessionsAreListedNewestFirst(t *testing.T) {
	s := serve(t)
	s.put("/tasks/t-1", "{}").is(201)
	s.get("/tasks/t-1/sessions").json(`{"sessions":[],"next":""}`)
	first := s.append("t-1", say("a"), `{"type":"complete","data":{"status":"failed","reason":"no luck"}}`)
	second := s.start("t-1")
	const none = `"agent":"","model":"","external_id":""`
	s.get("/tasks/t-1/sessions").json(fmt.Sprintf(`{"sessions":[
		{"id":%q,"task":"t-1","status":"open","reason":"",%s,"started":"<time>","ended":null,"head":0,
			"totals":{"events":0,"usd":0,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0}},
		{"id":%q,"task":"t-1","status":"failed","reason":"no luck",%s,"started":"<time>","ended":"<time>","head":2,
			"totals":{"events":2,"usd":0,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0}}],"next":""}`, second, none, first, none))
}

func TestADeletedSessionIsGoneForGoodAndTheOthersStay(t *testing.T) {
	s := serve(t)
	first := s.append("t-1", say("a"), complete)
	second := s.append("t-1", say("b"))
	s.delete("/tasks/t-1/sessions/" + second).is(204)
	gone := func() {
		t.Helper()
		path := "/tasks/t-1/sessions/" + second
		s.get(path).problem(404, "")
		s.delete(path).problem(404, "")
		s.post(path+"/events", say("x")).problem(404, "")
		s.post(path+"/heartbeat", "").problem(404, "")
		s.post(path+"/complete", "").problem(404, "")
		s.get("/tasks/t-1/events?session="+second).problem(404, "")
		s.get("/tasks/t-1/events?after="+second+":1").problem(404, "after")
		s.holds("/tasks/t-1/events?sessions=all", "a complete")
	}
	gone()
	s.restart()
	gone()
	if got := s.get("/tasks/t-1/sessions").ids("sessions"); got != first {
		t.Errorf("the sessions are %s, not %s", got, first)
	}
	s.get("/tasks/t-1").says(`"status":"succeeded"`).says(`"sessions":1,"totals":{"events":2,`)
	if third := s.append("t-1", say("c")); third <= second {
		t.Errorf("after %s, which was deleted, came %s", second, third)
	}
}

func TestAHeartbeatIsTakenFromAnOpenSessionOnly(t *testing.T) {
	s := serve(t)
	path := "/tasks/t-1/sessions/" + s.start("t-1")
	s.post(path+"/heartbeat", "").is(204)
	s.post(path+"/complete", "").is(200)
	s.post(path+"/heartbeat", "").problem(409, "")
}

func TestATaskWithTooManyOpenSessionsIsAConflict(t *testing.T) {
	s := serve(t)
	for range 256 {
		s.post("/tasks/t-1/sessions", `{"concurrent":true}`).is(201)
	}
	s.post("/tasks/t-1/sessions", `{"concurrent":true}`).problem(409, "").says("problem:too_many_open")
	s.post("/tasks/t-1/sessions", "").is(201)
	s.post("/tasks/t-1/sessions", `{"concurrent":true}`).is(201)
}
