package router_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// replays checks that a is the repeat of first.
func (a *answer) replays(first *answer) {
	a.Helper()
	a.is(first.status).has("Idempotency-Replayed", "true")
	if a.body != first.body {
		a.Errorf("%s: the repeat was answered %s, the first %s", a.request, a.body, first.body)
	}
	if first.header.Get("Idempotency-Replayed") != "" {
		a.Errorf("%s: the first answer says that it is a repeat", a.request)
	}
}

// keyed are requests that take an Idempotency-Key.
var keyed = []struct {
	name, path, body, other string
}{
	{"start", "/tasks/t-1/sessions", `{"agent":"a"}`, `{"agent":"b"}`},
	{"append to a task", "/tasks/t-1/events", say("x"), say("y")},
	{"append to a new task", "/tasks/t-2/events", say("x"), say("y")},
	{"append to a session", "/tasks/t-1/sessions/{session}/events", say("x"), say("y")},
	{"an append that seals", "/tasks/t-1/sessions/{session}/events", "[" + say("x") + "," + complete + "]", complete},
	{"complete", "/tasks/t-1/sessions/{session}/complete", `{"status":"failed","reason":"x"}`, `{"status":"failed"}`},
	{"complete without a body", "/tasks/t-1/sessions/{session}/complete", "", "{}"},
}

func TestARepeatGetsTheFirstAnswerAndChangesNothing(t *testing.T) {
	for _, c := range keyed {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t)
			session := s.append("t-1", say("a"))
			path := strings.ReplaceAll(c.path, "{session}", session)
			key := "Idempotency-Key: " + `!~"k"{}:/` + strings.Repeat("x", 119)
			task := "/tasks/" + strings.Split(c.path, "/")[2]
			state := func() string {
				return s.get(task+"/events?sessions=all").body + s.get(task+"/sessions").body + s.get(task).body
			}

			first := s.post(path, c.body, key)
			after := state()
			s.post(path, c.body, key).replays(first)
			s.post(path, c.other, key).problem(422, "Idempotency-Key")
			s.restart()
			s.post(path, c.body, key).replays(first)
			s.post(path, c.other, key).problem(422, "Idempotency-Key")
			if now := state(); now != after {
				t.Errorf("the repeats changed\n%s to\n%s", after, now)
			}
		})
	}
}

func TestARepeatIsAnsweredAlsoAfterTheSessionHasEnded(t *testing.T) {
	for _, c := range keyed {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t)
			session := s.append("t-1", say("a"))
			path := strings.ReplaceAll(c.path, "{session}", session)
			first := s.post(path, c.body, "Idempotency-Key: k")
			s.append("t-1", complete)
			s.append("t-2", complete)
			s.post(path, c.body, "Idempotency-Key: k").replays(first)
			s.post(path, c.body, "Idempotency-Key: k").replays(first)
		})
	}
}

func TestARepeatWithoutStartGetsTheFirstAnswerToo(t *testing.T) {
	s := serve(t)
	first := s.post("/tasks/t-1/events", complete, "Idempotency-Key: k")
	s.post("/tasks/t-1/events?start=false", complete, "Idempotency-Key: k").replays(first)
	s.post("/tasks/t-1/events?start=false", complete, "Idempotency-Key: k2").problem(409, "")
}

func TestRepeatsThatRaceChangeSomethingOnce(t *testing.T) {
	for _, c := range keyed {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t)
			path := strings.ReplaceAll(c.path, "{session}", s.append("t-1", say("a")))
			const writers = 16
			answers := make([]*answer, writers)
			var wg sync.WaitGroup
			for i := range writers {
				wg.Go(func() {
					var err error
					if answers[i], err = s.try("POST", path, bodyOf(c.body), "Idempotency-Key: k"); err != nil {
						t.Errorf("request %d: %v", i, err)
					}
				})
			}
			wg.Wait()
			firsts := 0
			for _, a := range answers {
				if a == nil || a.status/100 != 2 || a.body != answers[0].body {
					t.Fatalf("a repeat was answered %+v, another %+v", a, answers[0])
				}
				if a.header.Get("Idempotency-Replayed") == "" {
					firsts++
				}
			}
			if firsts != 1 {
				t.Errorf("%d of %d requests with one key say that they are the first", firsts, writers)
			}
		})
	}
}

func TestTheSameKeyOnAnotherPathIsAnotherKey(t *testing.T) {
	s := serve(t)
	const key = "Idempotency-Key: k"
	first := s.post("/tasks/t-1/sessions", `{"concurrent":true}`, key).is(201).text("id")
	second := s.post("/tasks/t-2/sessions", `{"concurrent":true}`, key).is(201).text("id")
	for i, path := range []string{
		"/tasks/t-1/events", "/tasks/t-2/events",
		"/tasks/t-1/sessions/" + first + "/events", "/tasks/t-2/sessions/" + second + "/events",
	} {
		a := s.post(path, say(fmt.Sprint(i)), key).is(200)
		if replayed := a.header.Get("Idempotency-Replayed"); replayed != "" {
			t.Errorf("POST %s is taken for a repeat", path)
		}
	}
	for _, path := range []string{"/tasks/t-1/sessions/" + first, "/tasks/t-2/sessions/" + second} {
		if a := s.post(path+"/complete", "", key).is(200); a.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("%s is taken for a repeat", a.request)
		}
	}
	s.holds("/tasks/t-1/events", "0 2 complete")
	s.holds("/tasks/t-2/events", "1 3 complete")
}

func TestTheKeyOfARequestThatFailedCanBeUsedAgain(t *testing.T) {
	s := serve(t)
	const key = "Idempotency-Key: k"
	s.post("/tasks/t-1/events?start=false", say("x"), key).problem(404, "")
	s.put("/tasks/t-1", "{}").is(201)
	s.post("/tasks/t-1/events?start=false", say("x"), key).problem(409, "")
	s.post("/tasks/t-1/events", "{", key).problem(400, "")
	s.post("/tasks/t-1/events", `{"type":"assistant","data":{}}`, key).problem(422, "data.content")
	a := s.post("/tasks/t-1/events", say("a"), key).is(200)
	if a.header.Get("Idempotency-Replayed") != "" {
		t.Error("the first success is taken for a repeat")
	}
	session := a.text("session")
	s.post("/tasks/t-1/sessions/"+session+"/complete", `{"status":"x"}`, key).problem(422, "status")
	s.post("/tasks/t-1/sessions/"+session+"/complete", `{"status":"failed"}`, key).is(200)
	s.post("/tasks/t-1/sessions", `{"agent":1}`, key).problem(422, "agent")
	s.post("/tasks/t-1/sessions", `{}`, key).is(201)
}

func TestKeysGoWithTheirTask(t *testing.T) {
	s := serve(t)
	const key = "Idempotency-Key: k"
	first := s.post("/tasks/t-1/sessions", "", key).is(201).text("id")
	s.delete("/tasks/t-1").is(204)
	a := s.post("/tasks/t-1/sessions", "", key).is(201)
	if second := a.text("id"); second == first || a.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("a start in a new task %s is answered with the deleted session", second)
	}
}

func TestABadKeyIsRefused(t *testing.T) {
	s := serve(t)
	path := "/tasks/t-1/sessions/" + s.start("t-1")
	for _, headers := range [][]string{
		{"Idempotency-Key: "},
		{"Idempotency-Key: a b"},
		{"Idempotency-Key: a\tb"},
		{"Idempotency-Key: é"},
		{"Idempotency-Key: " + strings.Repeat("x", 129)},
		{"Idempotency-Key: a", "Idempotency-Key: a"},
	} {
		s.post("/tasks/t-1/sessions", "", headers...).problem(400, "Idempotency-Key")
		s.post("/tasks/t-1/events", say("x"), headers...).problem(400, "Idempotency-Key")
		s.post(path+"/events", say("x"), headers...).problem(400, "Idempotency-Key")
		s.post(path+"/complete", "", headers...).problem(400, "Idempotency-Key")
	}
	s.get(path).says(`"status":"open"`).says(`"head":0`)
}
