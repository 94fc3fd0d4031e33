package router_test

import (
	"strings"
	"testing"
)

func TestAPageCountsWhatWasNotUnderstood(t *testing.T) {
	s := serve(t)
	const raw = `{"type":"raw","data":{"content":"what?"}}`
	s.append("t-1", say("a"))
	says := func(query, want string) {
		t.Helper()
		s.get("/tasks/t-1"+query, "Accept: text/html").is(200).says(want)
	}
	says("", `data-count="0" hidden`)
	session := s.append("t-1", raw, say("b"), raw)
	says("", "2 lines not understood")
	says("", `href="?session=`+session+`&amp;around=2#2"`)
	s.append("t-1", raw, complete) // events are not counted twice
	says("", "3 lines not understood")
	second := s.append("t-1", say("c"), raw)
	says("", "1 line not understood")
	says("?session="+session, "3 lines not understood")
	says("?sessions=all", "4 lines not understood")
	says("?sessions=all", `href="?sessions=all&amp;around=`+session+`:2#`+session+`:2"`)
	s.delete("/tasks/t-1/sessions/" + session)
	says("?sessions=all", "1 line not understood")
	if second == session {
		t.Error("there is one session only")
	}
}

func TestAPageLooksAtABoundedNumberOfEventsForWhatWasNotUnderstood(t *testing.T) {
	s := serve(t)
	const raw = `{"type":"raw","data":{"content":"what?"}}`
	batch := strings.Repeat(raw+"\n", 10_000)
	s.append("t-1", say("a"))
	for range 6 {
		s.post("/tasks/t-1/events", batch, "Content-Type: application/x-ndjson").is(200)
	}
	page := func() *answer { return s.get("/tasks/t-1", "Accept: text/html").is(200) }
	page().says("At least 49999 lines not understood")
	if a := page().says("60000 lines not understood"); strings.Contains(a.body, "At least") {
		t.Error("the second look did not go on where the first stopped")
	}
}

// What an agent did long ago is not told as what it does now, while the run is read for that.
func TestNothingIsToldOfNowBeforeTheRunWasRead(t *testing.T) {
	s := serve(t)
	batch := strings.Repeat(say("step")+"\n", 10_000)
	s.append("t-1", say("first"))
	for range 5 {
		s.post("/tasks/t-1/events", batch, "Content-Type: application/x-ndjson").is(200)
	}
	session := s.append("t-1", `{"type":"complete","data":{"status":"failed","reason":"enough"}}`)
	s.get("/tasks/t-1", "Accept: text/html").is(200).says(`data-behind="true"`).says("50000 of 50002 events")
	s.post("/tasks/t-2/sessions", "{}").is(201) // of which there is nothing to read
	s.get("/tasks/t-2", "Accept: text/html").is(200).says(`data-behind="false"`)
	n := nowOf(t, s.get("/tasks/t-1/now?session="+session).is(200))
	if n.What != "Failed" || n.Detail != "enough" {
		t.Errorf("after it was read the head says %+v", n)
	}
	s.get("/tasks/t-1", "Accept: text/html").is(200).says(`data-behind="false"`)
}

func TestAPageLeadsToTheRunThatBeganItsOwn(t *testing.T) {
	s := serve(t)
	parent := s.post("/tasks/t-parent/sessions", `{"agent":"a","external_id":"x-1"}`).is(201).text("id")
	s.post("/tasks/t-child/sessions", `{"agent":"a","external_id":"x-2","parent_external_id":"x-1"}`).is(201)
	s.get("/tasks/t-child", "Accept: text/html").says(`href="./t-parent?session=` + parent + `"`)
	s.post("/tasks/t-orphan/sessions", `{"agent":"a","external_id":"x-3","parent_external_id":"x-0"}`).is(201)
	s.get("/tasks/t-orphan", "Accept: text/html").says(`<code id="parent-thread">x-0</code>`)
}
