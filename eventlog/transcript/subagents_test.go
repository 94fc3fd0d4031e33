package transcript_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

const subagentsDir = "testdata/inputs/claude-disk-subagents/11111111-2222-4333-8444-555555555555"

// call feeds lines to a Subagents and asks it for the call of one.
func call(agent string, lines ...string) string {
	var s transcript.Subagents
	for _, line := range lines {
		s.Line([]byte(line))
	}
	return s.Call(agent)
}

func TestTheCallOfASubagentIsFound(t *testing.T) {
	const (
		started = `{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t1","name":"Agent","input":{"prompt":"Count."}}]}}`
		prompt  = `{"type":"user","parentUuid":null,"isSidechain":true,"agentId":"a1","message":{"content":"Count."}}`
		asked   = `{"type":"user","parentUuid":"x","isSidechain":true,"agentId":"a1","message":{"content":"Other."}}`
	)
	for name, test := range map[string]struct {
		want  string
		lines []string
	}{
		"by the result of the call":                                {"t1", []string{`{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1"}]},"toolUseResult":{"agentId":"a1"}}`}},
		"by what the caller's file repeats of it":                  {"t1", []string{`{"type":"progress","parentToolUseID":"t1","data":{"type":"agent_progress","agentId":"a1"}}`}},
		"by its prompt, while the call is open":                    {"t1", []string{started, prompt, asked}},
		"by its prompt, whichever file comes first":                {"t1", []string{prompt, started}},
		"and stays when it is resumed by another":                  {"t1", []string{`{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1"}]},"toolUseResult":{"agentId":"a1"}}`, `{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t2"}]},"toolUseResult":{"agentId":"a1"}}`}},
		"or else its own id keeps together what it did":            {"a1", []string{prompt}},
		"and a line that is no JSON, or of another, does not harm": {"a1", []string{`"agentId"`, `{"agentId":1,"prompt":2}`, `{"type":"user","agentId":"a2","message":{"content":"Count."}}`, started}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := call("a1", test.lines...); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	var s transcript.Subagents
	s.Meta("a1", []byte(`{"agentType":"Explore","toolUseId":"t7"}`))
	if got := s.Call("a1"); got != "t7" {
		t.Errorf("by the file beside it: %q", got)
	}
}

func TestASubagentsFileIsPartOfItsRun(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(subagentsDir, "subagents/agent-ab12cd34.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	c := converter(t, transcript.Auto, &transcript.Options{Parent: "t1"})
	events := feed(c, text, 0)
	for _, e := range events {
		checkEvent(t, e, 4<<20)
		if f := fields(t, e); f["parent_call_id"] != "t1" {
			t.Errorf("%s %s is not in the call", e.Type, e.Data)
		}
	}
	if n := len(ofType(events, transcript.TypeSession)); n != 0 {
		t.Errorf("%d events tell of the run", n)
	}
	checkTexts(t, events, "user", "content", "Count the tests in /srv/app.")
	if actor := ofType(events, "user")[0].Actor; actor != eventlog.Agent {
		t.Errorf("the prompt is said by %s", actor)
	}
}

// A run whose subagent has a subagent, each in a file of its own.
func TestFilesOfOneRunNestByTheirCalls(t *testing.T) {
	agent := func(id, call, prompt string) string {
		return `{"type":"assistant","message":{"id":"` + id + `","model":"c","stop_reason":"tool_use","content":[{"type":"tool_use","id":"` + call + `","name":"Agent","input":{"prompt":"` + prompt + `"}}]}}`
	}
	side := func(id, line string) string { return `{"isSidechain":true,"agentId":"` + id + `",` + line[1:] }
	progress := `{"type":"progress","parentToolUseID":"t1","data":{"type":"agent_progress","agentId":"a1","message":{"type":"assistant","uuid":"other","message":{"id":"a-1","model":"c","content":[{"type":"text","text":"I ask."}]}}}}`
	files := map[string]string{
		"":   disk(prompt("Go"), agent("m-1", "t1", "Count."), progress),
		"a1": disk(side("a1", prompt("Count.")), side("a1", answer("a-1", "I ask.", `"tool_use"`)), side("a1", agent("a-2", "t2", "Look."))),
		"a2": disk(side("a2", prompt("Look.")), side("a2", answer("b-1", "I see.", endTurn))),
	}
	var s transcript.Subagents
	for _, name := range []string{"a2", "", "a1"} {
		for line := range strings.Lines(files[name]) {
			s.Line([]byte(line))
		}
	}
	apart := func(agent string) bool { return files[agent] != "" }
	for name, want := range map[string][]string{"": {""}, "a1": {"t1", "t1"}, "a2": {"t2"}} {
		o := &transcript.Options{Apart: apart}
		if name != "" {
			o.Parent = s.Call(name)
		}
		c := converter(t, transcript.Auto, o)
		events := feed(c, []byte(files[name]), 0)
		kind := "assistant"
		if name == "" {
			kind = "tool_call"
			if n := len(ofType(events, "assistant")); n != 0 {
				t.Errorf("the caller's file tells %d texts of its subagent", n)
			}
		} else if n := len(ofType(events, transcript.TypeSession)); n != 0 {
			t.Errorf("%s tells of the run", name)
		}
		got := texts(t, events, kind, "parent_call_id")
		if name == "a1" {
			got = append(got, texts(t, events, "tool_call", "parent_call_id")...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q is in %q, want %q", name, kind, got, want)
		}
	}
}

// All lines in one file, as older versions keep them, or as somebody has put them
// together.
func TestASubagentsLinesAmongOthersNestByTheirAgent(t *testing.T) {
	var all strings.Builder
	for _, name := range []string{".jsonl", "/subagents/agent-ab12cd34.jsonl"} {
		text, err := os.ReadFile(subagentsDir + name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	c := converter(t, transcript.Auto, nil)
	events := feed(c, []byte(all.String()), 0)
	checkTexts(t, events, "tool_call", "parent_call_id", "", "t1")
	checkTexts(t, events, "user", "parent_call_id", "", "t1")
	if got := c.Origin(); got.Session != "11111111-2222-4333-8444-555555555555" || got.Title != "How many tests are there?" {
		t.Errorf("the run is %+v", got)
	}
	if got := c.Outcome(); got.Status != eventlog.Succeeded {
		t.Errorf("it ended as %+v", got)
	}
}

func TestASubagentsFileAloneIsARunOfItsOwn(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(subagentsDir, "subagents/agent-ab12cd34.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	c := converter(t, transcript.Auto, nil)
	feed(c, text, 0)
	if got := c.Origin(); got.Session != "ab12cd34" || got.Parent != "11111111-2222-4333-8444-555555555555" {
		t.Errorf("got %+v", got)
	}
}
