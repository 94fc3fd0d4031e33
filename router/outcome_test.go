package router_test

import (
	"strings"
	"testing"
)

// A program gets what a session came to, while it runs and when it is over.
func TestAnOutcomeIsForPrograms(t *testing.T) {
	s := serve(t)
	edit := func(id, before, after string) string {
		return `{"type":"tool_call","data":{"tool":"Edit","args":{"path":"a.go","old_str":"` + before + `","new_str":"` + after + `"},"call_id":"` + id + `"}}`
	}
	done := func(tool, id, success string) string {
		return `{"type":"tool_result","data":{"tool":"` + tool + `","success":` + success + `,"output":"","call_id":"` + id + `"}}`
	}
	s.append("t-1", edit("e1", "one", `one\ntwo`), done("Edit", "e1", "true"),
		`{"type":"tool_call","data":{"tool":"bash","args":{"command":"go test ./..."},"call_id":"b"}}`, done("bash", "b", "false"))
	s.get("/tasks/t-1/outcome").is(200).says(`"answer":null`)
	s.append("t-1", say("It is "+strings.Repeat("ä", 40_000)), edit("e2", "two", "three"), done("Edit", "e2", "true"))
	first := s.get("/tasks/t-1/outcome").is(200).object()
	if answer := first["answer"].(map[string]any); answer["sequence"] != 5.0 || answer["cut"] != 80_006.0-65_536 || len(answer["content"].(string)) != 65_536 {
		t.Errorf("the last answer is %v, %d bytes, without %v", answer["sequence"], len(answer["content"].(string)), answer["cut"])
	}
	session := s.append("t-1", say("Done."), `{"type":"complete","data":{"status":"failed","reason":"it broke"}}`)
	a := s.get("/tasks/t-1/outcome").is(200)
	for _, want := range []string{
		`"kind":"failed"`, `"detail":"it broke"`, `"content":"Done."`,
		`"files":[{"path":"a.go","added":2,"removed":1}]`, `{"command":"go test ./...","sequence":3,"failed":true}`, `"id":"` + session + `"`,
	} {
		a.says(want)
	}
	s.append("t-1", say("again"))
	s.get("/tasks/t-1/outcome").is(200).says(`"content":"again"`)
	s.get("/tasks/t-1/outcome?session=" + session).is(200).says(`"content":"Done."`)

	s.do("PUT", "/tasks/t-none", strings.NewReader(`{}`)).is(201)
	s.get("/tasks/t-none/outcome").is(200).says(`"session":null`)
}
