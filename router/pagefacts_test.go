package router_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// nowOf is the head of a page.
func nowOf(t *testing.T, a *answer) (now struct {
	Kind, What, Detail, Who, Inside, Plan, Loop string
	Running                                     bool
	LoopAt                                      uint64 `json:"loop_at"`
}) {
	t.Helper()
	var head struct {
		Now json.RawMessage
	}
	if err := json.Unmarshal([]byte(a.body), &head); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(head.Now, &now); err != nil {
		t.Fatal(err)
	}
	return now
}

func TestWhatAnAgentDoesNowIsOfTheNewestEvent(t *testing.T) {
	const (
		sub   = `{"type":"tool_call","data":{"tool":"Task","args":{"description":"count","subagent_type":"Explore"},"call_id":"s"}}`
		grep  = `{"type":"tool_call","data":{"tool":"Grep","args":{"pattern":"x"},"call_id":"g","parent_call_id":"s"}}`
		found = `{"type":"tool_result","data":{"tool":"Grep","success":false,"output":"","call_id":"g","parent_call_id":"s"}}`
		back  = `{"type":"tool_result","data":{"tool":"Task","success":true,"output":"","call_id":"s"}}`
		cost  = `{"type":"cost","data":{"usd":0.5}}`
		plan  = `{"type":"tool_call","data":{"tool":"update_plan","args":{"plan":[{"step":"a","status":"completed"},{"step":"b","status":"in_progress"}]},"call_id":"p"}}`
		made  = `{"type":"tool_call","data":{"tool":"bash","args":{"command":"make"},"call_id":"m"}}`
		not   = `{"type":"tool_result","data":{"tool":"bash","success":false,"output":"","call_id":"m"}}`
	)
	for _, test := range []struct {
		name   string
		events []string
		want   string
	}{
		{"nothing yet", nil, "waiting: Waiting for the first event"},
		{"words", []string{say("hello")}, "says: Says hello"},
		{"a subagent that was started", []string{sub}, "tool: Running Task count running"},
		{"a tool of a subagent", []string{sub, grep}, "tool: Running Grep x by Explore agent in Task count running"},
		{"a subagent between two tools", []string{sub, grep, found}, "thinks: Thinking after Grep, which failed by Explore agent in Task count running"},
		{"back from a subagent", []string{sub, grep, found, back}, "thinks: Thinking after Task"},
		{"a cost says nothing", []string{say("hello"), cost}, "says: Says hello"},
		{"an error", []string{`{"type":"error","data":{"message":"no"}}`}, "error: Error no"},
		{"a question", []string{`{"type":"question","data":{"content":"May I?"}}`}, "asks: Waits for an answer May I?"},
		{"a question, while something else happens", []string{sub, `{"type":"question","data":{"content":"May I?","call_id":"m"}}`, grep, found, `{"type":"status","data":{"content":"Compacting"}}`}, "asks: Waits for an answer May I?"},
		{"a question of a subagent, while the agent works", []string{sub, `{"type":"question","data":{"content":"May I?","parent_call_id":"s"}}`, made}, "asks: Waits for an answer May I? by Explore agent in Task count"},
		{"a question of a subagent, while the agent speaks", []string{sub, `{"type":"question","data":{"content":"May I?","parent_call_id":"s"}}`, say("on")}, "asks: Waits for an answer May I? by Explore agent in Task count"},
		{"a question after which the agent goes on", []string{`{"type":"question","data":{"content":"May I?"}}`, say("on")}, "says: Says on"},
		{"the older of two questions", []string{`{"type":"question","data":{"content":"One?","call_id":"a"}}`, `{"type":"question","data":{"content":"Two?","call_id":"b"}}`, `{"type":"answer","data":{"for":2,"value":"x"}}`}, "asks: Waits for an answer One?"},
		{"a tool of an MCP server", []string{`{"type":"tool_call","data":{"tool":"mcp__docs__find","args":{"query":"x"},"call_id":"x"}}`}, "tool: Running docs · find x running"},
		{"back from an MCP server", []string{`{"type":"tool_result","data":{"tool":"docs.find","success":true,"output":"","call_id":"x"}}`}, "thinks: Thinking after docs · find"},
		{"what a program prints", []string{`{"type":"assistant","data":{"content":"\u001b[1;31mFAIL\u001b[0m *x*\nmore","format":"text"}}`}, "says: Prints FAIL *x*"},
		{"an error while a tool runs", []string{made, `{"type":"error","data":{"message":"no"}}`}, "error: Error no running"},
		{"a plan", []string{plan}, "tool: Running update_plan running plan 1/2"},
		{"twice is no loop", []string{made, not, made, not}, "thinks: Thinking after bash, which failed"},
		{"a loop", []string{made, not, cost, made, not, cost, made, not}, "thinks: Thinking after bash, which failed loop The same call of bash failed 3 ×, $1.00 at 1"},
		{"a loop and its last cost", []string{made, not, cost, made, not, cost, made, not, cost, sub, back, cost, `{"type":"complete","data":{"status":"failed","reason":"enough"}}`}, "failed: Failed enough loop The same call of bash failed 3 ×, $1.50 at 1"},
		{"a loop that was left", []string{made, not, made, not, made, not, sub}, "tool: Running Task count running"},
		{"the end names the loop of the run", []string{made, not, made, not, made, not, sub, back, `{"type":"complete","data":{"status":"failed","reason":"enough"}}`}, "failed: Failed enough loop The same call of bash failed 3 × at 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t)
			s.do("PUT", "/tasks/t-1", bodyOf(`{"title":"x"}`)).is(201)
			for _, e := range test.events { // each request continues where the last one ended
				s.append("t-1", e)
				s.get("/tasks/t-1/now").is(200)
			}
			n := nowOf(t, s.get("/tasks/t-1/now").is(200))
			got := strings.TrimSpace(n.Kind + ": " + n.What + " " + n.Detail)
			if n.Who != "" {
				got += " by " + n.Who + " in " + n.Inside
			}
			if n.Running {
				got += " running"
			}
			if n.Plan != "" {
				got += " plan " + n.Plan
			}
			if n.Loop != "" {
				got += fmt.Sprintf(" loop %s at %d", n.Loop, n.LoopAt)
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A search goes through the whole run, part by part, and finds words in any text of an
// event.
func TestASearchGoesThroughAWholeRun(t *testing.T) {
	s := serve(t)
	session := s.append("t-1", say("the Needle is here"))
	for range 3 {
		s.append("t-1", numbered(1, 9000)...)
	}
	s.append("t-1", `{"type":"tool_result","data":{"tool":"bash","success":false,"output":"a ne\u0065dle\nhere","call_id":"c"}}`, say("nothing"))
	search := func(query string) (hits []string, parts int) {
		t.Helper()
		for after := ""; ; {
			a := s.get("/tasks/t-1/search?" + query + after).is(200)
			var part struct {
				Hits []string
				Next string
				Done bool
			}
			if err := json.Unmarshal([]byte(a.body), &part); err != nil {
				t.Fatal(err)
			}
			hits = append(hits, part.Hits...)
			if parts++; part.Done {
				return hits, parts
			}
			after = "&after=" + part.Next
		}
	}
	for query, want := range map[string]string{
		"q=needle": "1 27002", "q=HERE+needle": "1 27002", "q=needle&kinds=says": "1", "kinds=error": "27002", "kinds=people,thought": "", "q=no+such": "",
	} {
		hits, parts := search(query)
		got := strings.ReplaceAll(strings.Join(hits, " "), session+":", "")
		if got != want || parts < 2 {
			t.Errorf("%s finds %q in %d parts, not %q", query, got, parts, want)
		}
	}
	s.get("/tasks/t-1/search?q=x&kinds=nonsense").problem(400, "kinds")
	s.get("/tasks/t-1/search?q=x&after=x").problem(400, "after")
}

// A person who follows a broken link sees a page; a program gets a problem.
func TestABrowserSeesAPageWhereNothingIs(t *testing.T) {
	s := serve(t)
	for path, root := range map[string]string{"/tasks/nothing": "./../", "/nothing": "./", "/tasks/t-1/nothing/at/all": "./../../../../"} {
		a := s.get(path, "Accept: text/html", "Sec-Fetch-Mode: navigate").is(404)
		a.says(`<a class="button" href="` + root + `">All tasks</a>`)
		a.has("Content-Type", htmlType)
		s.get(path, "Accept: text/html").problem(404, "")
	}
}
