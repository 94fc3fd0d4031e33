package model_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"jrweb/internal/agents/model"
)

// apis are requests as agents make them: with words of a person, and tools.
var apis = []struct {
	name, path  string
	whole       string
	stream      string // instead of whole, or the path
	streamPath  string
	withoutTool string
}{
	{
		"messages", "/v1/messages",
		`{"model":"m","tools":[{"name":"Bash"}],"messages":[{"role":"user","content":[{"type":"text","text":"Go. [main]"}]}]}`,
		`{"model":"m","stream":true,"tools":[{"name":"Bash"}],"messages":[{"role":"user","content":"Go. [main]"}]}`, "",
		`{"model":"m","messages":[{"role":"user","content":"A title for: Go. [main]"}]}`,
	},
	{
		"responses", "/v1/responses",
		`{"model":"m","tools":[{"type":"function","name":"exec"}],"input":"Go. [main]"}`,
		`{"model":"m","stream":true,"input":[{"type":"additional_tools","tools":[{"tools":[{"name":"exec"}]}]},{"role":"user","content":[{"type":"input_text","text":"Go. [main]"}]}]}`, "",
		`{"model":"m","input":"A title for: Go. [main]"}`,
	},
	{
		"chat completions", "/v1/chat/completions",
		`{"model":"m","tools":[{"function":{"name":"bash"}}],"messages":[{"role":"user","content":"Go. [main]"}]}`,
		`{"model":"m","stream":true,"tools":[{"function":{"name":"bash"}}],"messages":[{"role":"user","content":[{"type":"text","text":"Go. [main]"}]}]}`, "",
		`{"model":"m","messages":[{"role":"user","content":"A title for: Go. [main]"}]}`,
	},
	{
		"generateContent", "/v1beta/models/m:generateContent",
		`{"tools":[{"functionDeclarations":[{"name":"shell"}]}],"contents":[{"role":"user","parts":[{"text":"Go. [main]"}]}]}`,
		`{"tools":[{"functionDeclarations":[{"name":"shell"}]}],"contents":[{"role":"user","parts":[{"text":"Go. [main]"}]}]}`, "/v1beta/models/m:streamGenerateContent",
		`{"contents":[{"role":"user","parts":[{"text":"A title for: Go. [main]"}]}]}`,
	},
}

// script has all that an answer can have.
var script = map[string][]model.Turn{"main": {
	{Thought: "Hm, hm.", Text: "I look.", Calls: []model.Call{{ID: "c1", Tool: "Bash", Args: map[string]any{"command": "ls -la"}}}, Tokens: model.Tokens{Input: 1001, CacheRead: 2002, Output: 3003}},
	{Fail: &model.Failure{Status: 429, Type: "rate_limit_error", Message: "Slow down.", RetryAfter: 2 * time.Second}},
	{Text: "Done."},
}}

func serve(t *testing.T, threads map[string][]model.Turn) *model.Server {
	m := model.Serve("test")
	t.Cleanup(m.Close)
	m.Play(threads)
	return m
}

func ask(t *testing.T, m *model.Server, path, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.Post(m.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(answer)
}

func TestEachAPITellsTheScript(t *testing.T) {
	for _, api := range apis {
		for _, stream := range []bool{false, true} {
			name, path, body := api.name, api.path, api.whole
			if stream {
				name, body = name+" as a stream", api.stream
				if api.streamPath != "" {
					path = api.streamPath
				}
			}
			t.Run(name, func(t *testing.T) {
				m := serve(t, script)
				r, answer := ask(t, m, path, body)
				said := words(t, answer, stream)
				for _, want := range []string{"Hm, hm.", "I look.", "Bash", "ls -la", "c1", "2002", "3003"} {
					if !strings.Contains(said, want) {
						t.Errorf("%d: %q is not in %s", r.StatusCode, want, answer)
					}
				}
				if r, answer := ask(t, m, path, body); r.StatusCode != 429 || !strings.Contains(answer, "Slow down.") || r.Header.Get("Retry-After") != "2" {
					t.Errorf("%d %s, %v", r.StatusCode, answer, r.Header)
				}
				if _, answer := ask(t, m, path, body); !strings.Contains(words(t, answer, stream), "Done.") {
					t.Error(answer)
				}
				answers := m.Answers()
				if len(answers) != 3 || answers[0].Thread != "main" || answers[2].Number != 3 || answers[2].Surplus || answers[0].Model != "m" {
					t.Errorf("%+v", answers)
				}
			})
		}
	}
}

// words are all texts in an answer, joined without what stands between the pieces.
func words(t *testing.T, answer string, stream bool) string {
	t.Helper()
	var b strings.Builder
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range []string{"text", "thinking", "delta", "reasoning_content", "content", "partial_json", "arguments"} {
				if s, ok := v[key].(string); ok {
					b.WriteString(s)
				}
			}
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	lines := []string{answer}
	if stream {
		lines = nil
		for line := range strings.Lines(answer) {
			if data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok && data != "[DONE]" {
				lines = append(lines, data)
			}
		}
	}
	for _, line := range lines {
		var v any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		walk(v)
	}
	// Names, ids and numbers are never in pieces.
	return b.String() + answer
}

func TestARequestWithoutToolsIsAChore(t *testing.T) {
	for _, api := range apis {
		t.Run(api.name, func(t *testing.T) {
			m := serve(t, script)
			if _, answer := ask(t, m, api.path, api.withoutTool); !strings.Contains(answer, model.Title) {
				t.Error(answer)
			}
			if a := m.Answers()[0]; a.Thread != "" || a.Turn.Tokens != model.Chore {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestAScriptThatIsUsedUpEndsTheRun(t *testing.T) {
	m := serve(t, map[string][]model.Turn{"main": {{Text: "All."}}})
	for range 3 {
		ask(t, m, apis[0].path, apis[0].whole)
	}
	for i, a := range m.Answers() {
		if a.Surplus != (i > 0) || a.Turn.Calls != nil {
			t.Errorf("%d: %+v", i, a)
		}
	}
}

func TestAFailureForeverIsRepeated(t *testing.T) {
	m := serve(t, map[string][]model.Turn{"main": {{Fail: &model.Failure{Status: 400, Message: "No.", Forever: true}}}})
	for range 3 {
		if r, answer := ask(t, m, apis[0].path, apis[0].whole); r.StatusCode != 400 || !strings.Contains(answer, "No.") {
			t.Errorf("%d %s", r.StatusCode, answer)
		}
	}
}

func TestARequestForASummaryIsAThreadOfItsOwnUntilItIsTold(t *testing.T) {
	m := serve(t, map[string][]model.Turn{"main": {{Text: "On."}}, model.Summary: {{Text: "In short."}}})
	body := `{"tools":[{"name":"Bash"}],"messages":[{"role":"user","content":"Go. [main]"},{"role":"user","content":"Write a summary."}]}`
	for _, want := range []string{"In short.", "On."} {
		if _, answer := ask(t, m, "/v1/messages", body); !strings.Contains(answer, want) {
			t.Errorf("%s, want %s", answer, want)
		}
	}
}

func TestTheLatestThreadThatIsNamedAnswers(t *testing.T) {
	m := serve(t, map[string][]model.Turn{"main": {{Text: "One."}}, "more": {{Text: "Two."}}})
	body := `{"tools":[{"name":"Bash"}],"messages":[{"role":"user","content":"Go. [main]"},{"role":"assistant","content":"[main]"},
		{"role":"user","content":"On. [more]"},{"role":"user","content":"of [nobody]"}]}`
	if _, answer := ask(t, m, "/v1/messages", body); !strings.Contains(answer, "Two.") {
		t.Error(answer)
	}
}

// What an answer tells before it stalls arrives, and the agent may go away.
func TestAnAnswerStalls(t *testing.T) {
	for _, api := range apis {
		t.Run(api.name, func(t *testing.T) {
			m := serve(t, map[string][]model.Turn{"main": {{Text: "On and on", Stall: true}}})
			path := api.path
			if api.streamPath != "" {
				path = api.streamPath
			}
			r, err := http.Post(m.URL+path, "application/json", strings.NewReader(api.stream))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			lines := bufio.NewScanner(r.Body)
			for lines.Scan() && !strings.Contains(lines.Text(), "on\"") {
			}
			if err := lines.Err(); err != nil {
				t.Error(err)
			}
			<-m.Stalled()
		})
	}
}
