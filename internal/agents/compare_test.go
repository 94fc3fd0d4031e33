package agents_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/internal/agents"
	"jrweb/internal/agents/model"
)

// want is what is to be seen of a run that asks a helper.
func want() agents.Want {
	call := func(tool string, fails bool, output string) agents.Item {
		return agents.Item{Kind: "call", Text: tool, Seen: agents.Seen{Tool: tool, Args: map[string]any{"command": "ls -la"}, Fails: fails, Output: output}}
	}
	return agents.Want{
		Sessions: [][]agents.Item{{
			{Kind: "user", Text: "Look."},
			{Kind: "assistant", Text: "I look."},
			call("Agent", false, "one"), call("Bash", true, "three"),
			{Kind: "assistant", Text: "Done."},
		}},
		Below:  []agents.Item{call("Bash", false, "")},
		Prompt: "Look for me.",
		Ends:   []string{"succeeded"},
		Least:  model.Tokens{Input: 100, Output: 40},
		Most:   model.Tokens{Input: 107, Output: 43},
	}
}

type fields map[string]any

func event(kind string, actor eventlog.Actor, f fields) eventlog.Event {
	data, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	return eventlog.Event{Type: kind, Actor: actor, Data: data}
}

// seen is a task that is as want says.
func seen() agents.Task {
	return agents.Task{
		Tokens: model.Tokens{Input: 100, Output: 43},
		Sessions: []agents.Session{{ExternalID: "s1", Status: "succeeded", Events: []eventlog.Event{
			event("user", eventlog.System, fields{"content": "<environment>"}),
			event("user", eventlog.Human, fields{"content": "Look."}),
			event("assistant", eventlog.Agent, fields{"content": "I look.\n"}),
			event("tool_call", eventlog.Agent, fields{"tool": "Agent", "call_id": "c1", "args": fields{"command": "ls -la", "more": 1}}),
			event("user", eventlog.Agent, fields{"content": "Look for me.", "parent_call_id": "c1"}),
			event("tool_call", eventlog.Agent, fields{"tool": "Bash", "call_id": "c3", "args": fields{"command": "ls -la"}, "parent_call_id": "c1"}),
			event("tool_call", eventlog.Agent, fields{"tool": "Bash", "call_id": "c2", "args": fields{"command": "sh -c 'ls -la'"}}),
			event("tool_result", eventlog.Agent, fields{"tool": "Bash", "call_id": "c2", "success": false, "output": "one two three"}),
			event("tool_result", eventlog.Agent, fields{"tool": "Bash", "call_id": "c3", "success": true, "output": "", "parent_call_id": "c1"}),
			event("tool_result", eventlog.Agent, fields{"tool": "Agent", "call_id": "c1", "success": true, "output": "one"}),
			event("cost", eventlog.Agent, fields{"input_tokens": 100}),
			event("assistant", eventlog.Agent, fields{"content": "Done."}),
		}}},
	}
}

func TestWhatIsAsTheScriptSaysDoesNotDiffer(t *testing.T) {
	if d := agents.Compare(want(), seen()); d != nil {
		t.Errorf("%q", d)
	}
}

// Each change of what is seen, or wanted, is a difference, and only one.
func TestWhatDiffersIsTold(t *testing.T) {
	replace := func(i int, e eventlog.Event) func(*agents.Want, *agents.Task) {
		return func(_ *agents.Want, s *agents.Task) { s.Sessions[0].Events[i] = e }
	}
	remove := func(i int) func(*agents.Want, *agents.Task) {
		return func(_ *agents.Want, s *agents.Task) {
			s.Sessions[0].Events = slices.Delete(s.Sessions[0].Events, i, i+1)
		}
	}
	add := func(e eventlog.Event) func(*agents.Want, *agents.Task) {
		return func(_ *agents.Want, s *agents.Task) { s.Sessions[0].Events = append(s.Sessions[0].Events, e) }
	}
	for _, c := range []struct {
		name   string
		change func(*agents.Want, *agents.Task)
		aspect string
	}{
		{"other words", replace(2, event("assistant", eventlog.Agent, fields{"content": "I saw."})), "words"},
		{"words that nobody said", add(event("assistant", eventlog.Agent, fields{"content": "Bye."})), "words"},
		{"words that are missing", remove(11), "words"},
		{"words of a person under another name", replace(1, event("user", eventlog.System, fields{"content": "Look."})), "words"},
		{"a subagent's task as a person's words", replace(4, event("user", eventlog.Human, fields{"content": "Look for me.", "parent_call_id": "c1"})), "words"},
		{"another tool", func(w *agents.Want, _ *agents.Task) { w.Sessions[0][3].Seen.Tool = "shell" }, "calls"},
		{"another argument", func(w *agents.Want, _ *agents.Task) {
			w.Sessions[0][3].Seen.Args = map[string]any{"command": "ls -l -a"}
		}, "calls"},
		{"a call twice", add(event("tool_call", eventlog.Agent, fields{"tool": "Bash", "call_id": "c2", "args": fields{}})), "calls"},
		{"a failure as success", replace(7, event("tool_result", eventlog.Agent, fields{"tool": "Bash", "call_id": "c2", "success": true, "output": "three"})), "results"},
		{"another output", func(w *agents.Want, _ *agents.Task) { w.Sessions[0][3].Seen.Output = "four" }, "results"},
		{"an image that is missing", func(w *agents.Want, _ *agents.Task) { w.Sessions[0][3].Seen.Image = true }, "results"},
		{"no result", remove(7), "results"},
		{"a result twice", add(event("tool_result", eventlog.Agent, fields{"tool": "Bash", "call_id": "c2", "success": false, "output": "three"})), "results"},
		{"a result of nothing", add(event("tool_result", eventlog.Agent, fields{"tool": "Bash", "call_id": "c9", "success": true, "output": ""})), "results"},
		{"a result of another tool", replace(7, event("tool_result", eventlog.Agent, fields{"tool": "sh", "call_id": "c2", "success": false, "output": "three"})), "results"},
		{"a subagent that does nothing", func(w *agents.Want, _ *agents.Task) { w.Below = nil }, "nesting"},
		{"a subagent that does more", func(w *agents.Want, _ *agents.Task) { w.Below = append(w.Below, w.Below[0]) }, "nesting"},
		{"a subagent of nobody", func(_ *agents.Want, s *agents.Task) {
			s.Sessions = append(s.Sessions, agents.Session{ExternalID: "s2", Parent: "s0"})
		}, "nesting"},
		{"an error", add(event("error", eventlog.Agent, fields{"message": "No."})), "errors"},
		{"no error", func(w *agents.Want, _ *agents.Task) { w.Errors = "out of order" }, "errors"},
		{"lines that nobody understands", add(event("raw", eventlog.Agent, fields{"content": "{}"})), "raw"},
		{"another end", func(_ *agents.Want, s *agents.Task) { s.Sessions[0].Status = "failed" }, "end"},
		{"too few tokens", func(_ *agents.Want, s *agents.Task) { s.Tokens.Input = 99 }, "tokens"},
		{"too many tokens", func(_ *agents.Want, s *agents.Task) { s.Tokens.Output = 44 }, "tokens"},
		{"tokens of a cache", func(_ *agents.Want, s *agents.Task) { s.Tokens.CacheRead = 1 }, "tokens"},
		{"a session too many", func(w *agents.Want, s *agents.Task) {
			w.Prompt = ""
			s.Sessions = append(s.Sessions, agents.Session{ExternalID: "s2", Status: "succeeded"})
		}, "sessions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, s := want(), seen()
			c.change(&w, &s)
			d := agents.Compare(w, s)
			if len(d) != 1 || !strings.HasPrefix(d[0], c.aspect+": ") {
				t.Errorf("differs in %q, want only %s", d, c.aspect)
			}
		})
	}
}

// What nobody can know is not compared.
func TestWhatIsNotToBeKnownMakesNoDifference(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*agents.Want, *agents.Task)
	}{
		{"tokens", func(w *agents.Want, s *agents.Task) { w.Unknown, s.Tokens = true, model.Tokens{Input: 1} }},
		{"tokens of a cache", func(_ *agents.Want, s *agents.Task) { s.NoCache, s.Tokens.CacheRead = true, 9 }},
		{"where words end", func(w *agents.Want, s *agents.Task) {
			w.Pieces = true
			s.Sessions[0].Events[2] = event("assistant", eventlog.Agent, fields{"content": "I "})
			s.Sessions[0].Events = slices.Insert(s.Sessions[0].Events, 3, event("assistant", eventlog.Agent, fields{"content": "look."}))
		}},
		{"whether a command failed", func(w *agents.Want, _ *agents.Task) {
			w.Sessions[0][3].Seen.Fails, w.Sessions[0][3].Seen.Unsure = false, true
		}},
		{"an error before another try", func(w *agents.Want, s *agents.Task) {
			w.Retried = true
			s.Sessions[0].Events = append(s.Sessions[0].Events, event("error", eventlog.Agent, fields{"message": "Slow down."}))
		}},
		{"the result of a call that was cut", func(w *agents.Want, s *agents.Task) {
			w.Sessions[0][3].Seen.Hangs = true
			s.Sessions[0].Events = slices.Delete(s.Sessions[0].Events, 7, 8)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, s := want(), seen()
			c.change(&w, &s)
			if d := agents.Compare(w, s); d != nil {
				t.Errorf("%q", d)
			}
		})
	}
}

// A subagent may have a session of its own, if it is tied to its parent's.
func TestASubagentMayHaveASession(t *testing.T) {
	s := seen()
	below := s.Sessions[0].Events[5]
	result := s.Sessions[0].Events[8]
	s.Sessions[0].Events = slices.Concat(s.Sessions[0].Events[:4], s.Sessions[0].Events[6:8], s.Sessions[0].Events[9:])
	below.Data = json.RawMessage(strings.ReplaceAll(string(below.Data), `"parent_call_id":"c1"`, `"x":1`))
	result.Data = json.RawMessage(strings.ReplaceAll(string(result.Data), `"parent_call_id":"c1"`, `"x":1`))
	s.Sessions = append(s.Sessions, agents.Session{ExternalID: "s2", Parent: "s1", Status: "failed", Events: []eventlog.Event{below, result}})
	if d := agents.Compare(want(), s); d != nil {
		t.Errorf("%q", d)
	}
}
