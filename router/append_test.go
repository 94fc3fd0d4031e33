package router_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestAnAppendAnswersWithItsSessionAndSequences(t *testing.T) {
	s := serve(t)
	first := s.post("/tasks/t-1/events", "["+say("a")+","+say("b")+"]").json(`{"session":"<session>","first":1,"last":2}`).text("session")
	s.post("/tasks/t-1/events", say("c")).json(`{"session":"` + first + `","first":3,"last":3}`)
	s.post("/tasks/t-1/sessions/"+first+"/events", say("d")+"\n"+say("e"), "Content-Type: application/x-ndjson").
		json(`{"session":"` + first + `","first":4,"last":5}`)
	s.holds("/tasks/t-1/events", "a b c d e")
}

func TestAnAppendToATaskStartsASessionOnlyIfTheLatestHasEnded(t *testing.T) {
	s := serve(t)
	first := s.append("t-1", say("a"))
	if again := s.append("t-1", say("b"), complete); again != first {
		t.Errorf("the session %s is open, but the append went to %s", first, again)
	}
	second := s.append("t-1", say("c"))
	if second <= first {
		t.Errorf("after the session %s had ended, the append went to %s", first, second)
	}
	s.holds("/tasks/t-1/events?sessions=all", "a b complete c")
}

func TestFirstAppendsThatRaceShareOneSession(t *testing.T) {
	s := serve(t)
	const writers = 16
	sessions := make([]string, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			a, err := s.try("POST", "/tasks/t-1/events", strings.NewReader(say(fmt.Sprint(i))))
			if err != nil || a.status != 200 {
				t.Errorf("append %d: %v, %v", i, a, err)
				return
			}
			sessions[i] = a.text("session")
		})
	}
	wg.Wait()
	for _, session := range sessions {
		if session != sessions[0] {
			t.Fatalf("the appends went to several sessions: %q", sessions)
		}
	}
	if p := s.events("/tasks/t-1/events"); len(p.Events) != writers {
		t.Errorf("%d appends made %d events", writers, len(p.Events))
	}
}

func TestWithoutStartAnAppendStartsNothing(t *testing.T) {
	s := serve(t)
	s.post("/tasks/t-1/events?start=false", say("x")).problem(404, "")
	s.put("/tasks/t-1", "{}").is(201)
	s.post("/tasks/t-1/events?start=false", say("x")).problem(409, "").says("problem:sealed")
	s.post("/tasks/t-1/events?start=true", say("a")).is(200)
	s.post("/tasks/t-1/events?start=false", say("b")).is(200)
	s.append("t-1", complete)
	s.post("/tasks/t-1/events?start=false", say("x")).problem(409, "").says("problem:sealed")
	s.holds("/tasks/t-1/events?sessions=all", "a b complete")
}

func TestNothingIsAppendedToASealedSession(t *testing.T) {
	s := serve(t)
	path := "/tasks/t-1/sessions/" + s.append("t-1", say("a"), complete)
	s.post(path+"/events", say("x")).problem(409, "").says("problem:sealed")
	s.post(path+"/events", complete).problem(409, "").says("problem:sealed")
	s.post(path+"/complete", "").problem(409, "").says("problem:sealed")
	s.post(path+"/heartbeat", "").problem(409, "").says("problem:sealed")
	s.holds("/tasks/t-1/events", "a complete")
}

func TestCompleteSealsWithWhatTheBodySays(t *testing.T) {
	for name, c := range map[string]struct{ body, status, reason, data string }{
		"no body":             {"", "succeeded", "", `{"status":"succeeded"}`},
		"white space":         {" \n", "succeeded", "", `{"status":"succeeded"}`},
		"an empty object":     {"{}", "succeeded", "", `{"status":"succeeded"}`},
		"a status":            {`{"status":"failed"}`, "failed", "", `{"status":"failed"}`},
		"a status and reason": {`{"status":"canceled","reason":"by hand"}`, "canceled", "by hand", `{"status":"canceled","reason":"by hand"}`},
		"only a reason":       {`{"reason":"done"}`, "succeeded", "done", `{"status":"succeeded","reason":"done"}`},
		"more fields":         {` { "exit" : 1.50, "status" : "interrupted" } `, "interrupted", "", `{"exit":1.50,"status":"interrupted"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			path := "/tasks/t-1/sessions/" + s.start("t-1")
			s.post(path+"/complete", c.body).is(200).json(fmt.Sprintf(`{"id":"<session>","task":"t-1","status":%q,"reason":%q,
				"agent":"","model":"","external_id":"","started":"<time>","ended":"<time>","head":1,
				"totals":{"events":1,"usd":0,"input_tokens":0,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0}}`, c.status, c.reason))
			s.get("/tasks/t-1/events").says(`"type":"complete","actor":"agent","data":` + c.data + `}`)
			s.get("/tasks/t-1").says(fmt.Sprintf(`"status":%q`, c.status))
			s.post(path+"/complete", c.body).problem(409, "")
		})
	}
}

func TestACompleteEventInAnAppendGetsItsStatusWrittenIn(t *testing.T) {
	s := serve(t)
	s.append("t-1", say("a"), `{"type":"complete","data":{ "note": "x" }}`)
	s.get("/tasks/t-1/events").says(`"data":{"status":"succeeded","note":"x"}}`)
}

func TestDataIsKeptByteForByte(t *testing.T) {
	s := serve(t)
	for _, data := range []string{
		`{}`,
		`{"z":1,"a":2,"z":3}`,
		`{"n":[1.0,1e5,1E+5,-0,0.10,123456789012345678901234567890,1e999]}`,
		`{"s":"\u0041\/\"\\\b\ud83d\ude00\ud800<>&` + "\u2028\u00e9\U0001F600\x7f" + `"}`,
		`{"":{"":[[],{},null,true,false,""]}}`,
		`{"lines":"a\nb\r\nc\u0000"}`,
		`{"deep":` + deep(1000) + `}`,
	} {
		for _, body := range []string{`{"type":"note","data":` + data + `}`, `[{"type":"note","data":` + data + `}]`} {
			s.post("/tasks/t-1/events", body).is(200)
			p := s.events("/tasks/t-1/events?last=1")
			if got := string(p.Events[0].Data); got != data {
				t.Errorf("%s came back as %s", data, got)
			}
		}
	}
	s.post("/tasks/t-1/events", "{\"type\":\"note\",\"data\":{ \"a b\" :\t[ 1 ,\r\n2 ] }}").is(200)
	s.get("/tasks/t-1/events?last=1").says(`"data":{"a b":[1,2]}}`)
}

func TestAnEventHasItsTypeActorAndTime(t *testing.T) {
	s := serve(t)
	s.post("/tasks/t-1/events", `[{"type":"user","data":{"content":"hi"},"actor":"human","time":"2026-11-22T12:00:00.1234+02:00"},
		{"type":"my_own_type2","data":{"any":"thing"},"actor":"system"},{"type":"thought","data":{"content":"","more":1}}]`).is(200)
	s.get("/tasks/t-1/events").json(`{"events":[
		{"id":"<cursor>","task":"t-1","session":"<session>","sequence":1,"time":"2026-11-22T10:00:00.123Z","type":"user","actor":"human","data":{"content":"hi"}},
		{"id":"<cursor>","task":"t-1","session":"<session>","sequence":2,"time":"<time>","type":"my_own_type2","actor":"system","data":{"any":"thing"}},
		{"id":"<cursor>","task":"t-1","session":"<session>","sequence":3,"time":"<time>","type":"thought","actor":"agent","data":{"content":"","more":1}}
	],"next":"<cursor>"}`)
}
