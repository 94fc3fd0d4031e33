package transcript_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// hookSessions are sessions of a real Claude Code, of which both is kept: what it posted to
// its hooks, and its transcript.
var hookSessions = []string{"permission", "subagent", "tools"}

func hookLines(t *testing.T, name string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "hooks", name+".hooks.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(text), []byte("\n"))
}

func readHook(t *testing.T, body string) *transcript.ClaudeHook {
	t.Helper()
	h, err := transcript.ReadClaudeHook([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// brief shows an event in a line.
func brief(e *eventlog.Event) string {
	var d struct {
		Content, Message, Tool, Output string
		Success                        bool
		ParentCallID                   string `json:"parent_call_id"`
	}
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return err.Error()
	}
	line := e.Type + " " + cmp.Or(strings.TrimSpace(d.Content+d.Message), d.Tool)
	if e.Type == eventlog.TypeToolResult {
		line += fmt.Sprintf(" %t %q", d.Success, d.Output[:min(len(d.Output), 20)])
	}
	if d.ParentCallID != "" {
		line = "  " + line
	}
	return line
}

func TestWhatARealClaudeTellsItsHooks(t *testing.T) {
	for name, want := range map[string][]string{
		"permission": {
			"user Look at the files", "tool_call Bash", "question Permission asked for Bash", `tool_result Bash false "Exit code 3\ntotal 12"`,
			"assistant There is **one** file.",
		},
		"subagent": {
			"user Please DELEGATE it", "tool_call Agent", "  tool_call Bash", `  tool_result Bash false "Exit code 3\ntotal 12"`,
			`tool_result Agent true "<tools-used-before-s"`, "assistant There is **one** file.",
		},
		"tools": {
			"user Please WRITE it", "tool_call Write", `tool_result Write true "{\"filePath\":\"/srv/ap"`, "tool_call Read", "tool_call Bash",
			`tool_result Read true "hello\nworld\n"`, `tool_result Bash true "out\nerr"`, "assistant Done two.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			keys := map[string]bool{}
			ends := false
			for _, line := range hookLines(t, name) {
				h := readHook(t, string(line))
				for i := range h.Events {
					got = append(got, brief(&h.Events[i]))
				}
				if h.Key == "" || keys[h.Key] {
					t.Errorf("%s has the key %q", line, h.Key)
				}
				keys[h.Key], ends = true, h.Ends
			}
			if !slices.Equal(got, want) {
				t.Errorf("hooks tell:\n%s\nnot:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if !ends {
				t.Error("the last one does not end the session")
			}
		})
	}
}

// All that hooks tell stands in the transcript once, so that who reads both records each
// event once.
func TestWhatHooksTellStandsInTheTranscript(t *testing.T) {
	for _, name := range hookSessions {
		t.Run(name, func(t *testing.T) {
			account := transcript.HookAccount{}
			told := 0
			for _, line := range hookLines(t, name) {
				h := readHook(t, string(line))
				for i := range h.Events {
					if !h.Aside {
						account.Add(&h.Events[i])
						told++
					}
				}
			}
			taken, left := 0, map[string]bool{}
			paths, err := filepath.Glob(filepath.Join("testdata", "hooks", name, "subagents", "*.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range append(paths, filepath.Join("testdata", "hooks", name+".jsonl")) {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				c, err := transcript.New(transcript.Auto, nil)
				if err != nil {
					t.Fatal(err)
				}
				events := []eventlog.Event{}
				for line := range bytes.Lines(text) {
					events = append(events, c.Line(transcript.Line{Text: bytes.TrimSuffix(line, []byte("\n"))})...)
				}
				for i := range events {
					if account.Take(&events[i]) {
						taken++
					} else {
						left[events[i].Type] = true
					}
				}
			}
			if taken != told {
				t.Errorf("the transcript has %d of %d events", taken, told)
			}
			if !left[eventlog.TypeAssistant] || !left[eventlog.TypeCost] {
				t.Errorf("the transcript tells no more than the hooks: %v", left)
			}
		})
	}
}

func TestHooksTellResultsAsTheToolReturnsThem(t *testing.T) {
	for response, want := range map[string]string{
		`"words"`:                                   `"success":true,"output":"words"`,
		`{"stdout":"a","stderr":"b"}`:               `"success":true,"output":"a\nb"`,
		`{"stdout":"a","interrupted":true}`:         `"success":false,"output":"a"`,
		`{"type":"text","file":{"content":"x"}}`:    `"success":true,"output":"x"`,
		`[{"type":"text","text":"from MCP"}]`:       `"success":true,"output":"from MCP"`,
		`{"content":[{"type":"text","text":"m"}]}`:  `"success":true,"output":"m"`,
		`{"filePath":"/a<b","originalFile":"long"}`: `"success":true,"output":"{\"filePath\":\"/a<b\"}"`,
		`null`: `"success":true,"output":""`,
		`{"type":"image","file":{"base64":"iVBORw0KGgo=","type":"image/png"}}`: `"output":"[image]","call_id":"c","parts":[`,
	} {
		h := readHook(t, `{"hook_event_name":"PostToolUse","session_id":"s","tool_name":"T","tool_use_id":"c","tool_response":`+response+`}`)
		if len(h.Events) != 1 || !json.Valid(h.Events[0].Data) || !strings.Contains(string(h.Events[0].Data), want) {
			t.Errorf("%s became %s, without %s", response, h.Events[0].Data, want)
		}
	}
}

func TestOneCallHasOneResultWhateverHookTellsIt(t *testing.T) {
	const call = `"session_id":"s","tool_name":"T","tool_use_id":"c"}`
	key := func(event string) string { return readHook(t, `{"hook_event_name":"`+event+`",`+call).Key }
	if key("PostToolUse") != key("PostToolUseFailure") || key("PostToolUse") == key("PreToolUse") {
		t.Error("a call and its results have the wrong keys")
	}
	prompt := func(id string) string {
		return readHook(t, `{"hook_event_name":"UserPromptSubmit","session_id":"s",`+id+`"prompt":"yes"}`).Key
	}
	first, again := prompt(`"prompt_id":"1",`), prompt(`"prompt_id":"1",`)
	if first != again || first == prompt(`"prompt_id":"2",`) {
		t.Error("a prompt is not the same when it is posted again")
	}
	if prompt("") != "" {
		t.Error("prompts without an id have a key: the second one would be lost")
	}
}

func TestAPermissionIsOfTheCallThatWaits(t *testing.T) {
	call := func(id, args string) eventlog.Event {
		return eventlog.Event{Type: eventlog.TypeToolCall, Data: json.RawMessage(`{"tool":"Bash","args":` + args + `,"call_id":"` + id + `"}`)}
	}
	result := eventlog.Event{Type: eventlog.TypeToolResult, Data: json.RawMessage(`{"tool":"Bash","success":true,"output":"","call_id":"c-3"}`)}
	last := []eventlog.Event{call("c-1", `{"command":"ls"}`), call("c-2", `{"command":"pwd"}`), call("c-3", `{"command":"ls"}`), result}
	h := readHook(t, `{"hook_event_name":"PermissionRequest","session_id":"s","tool_name":"Bash","tool_input":{"command": "ls"}}`)
	h.NameCall(last)
	if want := `"call_id":"c-1"}`; !strings.HasSuffix(string(h.Events[0].Data), want) || !json.Valid(h.Events[0].Data) {
		t.Errorf("the question is %s, without %s", h.Events[0].Data, want)
	}
	other := readHook(t, `{"hook_event_name":"PermissionRequest","session_id":"s","tool_name":"Bash","tool_input":{"command":"rm"}}`)
	other.NameCall(last)
	if strings.Contains(string(other.Events[0].Data), "call_id") {
		t.Errorf("the question is of another call: %s", other.Events[0].Data)
	}
}

func TestASessionEndsAsItsLastTurnDid(t *testing.T) {
	event := func(kind, data string) eventlog.Event { return eventlog.Event{Type: kind, Data: json.RawMessage(data)} }
	user, said := event("user", `{"content":"go"}`), event("assistant", `{"content":"done"}`)
	for want, last := range map[eventlog.Status][][]eventlog.Event{
		eventlog.Succeeded:   {{user, said}, {user, said, event("status", `{"content":"Claude is waiting for your input"}`)}, {user, event("status", `{"content":"The turn is over"}`)}},
		eventlog.Failed:      {{user, event("error", `{"message":"overloaded"}`)}},
		eventlog.Interrupted: {nil, {said, user}, {user, event("tool_call", `{"tool":"Bash","args":{},"call_id":"c"}`), event("assistant", `{"content":"a subagent","parent_call_id":"p"}`)}},
	} {
		for _, events := range last {
			if got := transcript.HookOutcome(events); got.Status != want || got.Status != eventlog.Succeeded && got.Reason == "" {
				t.Errorf("%v ends %v", events, got)
			}
		}
	}
}

func TestWhatIsNoHookIsRefusedAndWhatIsNewIsNot(t *testing.T) {
	for _, body := range []string{"", "[]", "{}", "null", `{"hook_event_name":"Stop"}`, `{"session_id":"s"}`, `{"hook_event_name":1,"session_id":"s"}`, `{"hook_event_name":"Stop","session_id":""}`} {
		if h, err := transcript.ReadClaudeHook([]byte(body)); err == nil {
			t.Errorf("%s is taken for %+v", body, h)
		}
	}
	if h := readHook(t, `{"hook_event_name":"Tomorrow","session_id":"s","tool_use_id":"c"}`); len(h.Events) > 0 || h.Ends {
		t.Errorf("an event of no known name became %+v", h)
	}
}
