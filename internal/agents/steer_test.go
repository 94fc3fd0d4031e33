//go:build agents

package agents_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jrweb/internal/agents"
	"jrweb/internal/agents/model"
	"jrweb/router/client"
)

// steered is a real agent under jrweb run -steer, and a person at the page.
type steered struct {
	*testing.T
	recorder recorder
	client   *client.Client
	model    *model.Server
	task     string
}

// person sends what a page sends, from a browser on this machine.
func (s *steered) person(e client.Event, kind string, data any) uint64 {
	s.Helper()
	body, err := json.Marshal(map[string]any{"type": kind, "actor": "human", "data": data})
	if err != nil {
		s.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.Context(), "POST", fmt.Sprintf("%s/tasks/%s/sessions/%s/events", s.recorder.url, s.task, e.Session), bytes.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", s.recorder.url)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Last uint64 }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != 200 {
		s.Fatalf("%s: %d, %v", kind, res.StatusCode, err)
	}
	return answer.Last
}

// wait waits for an event.
func (s *steered) wait(what string, is func(client.Event) bool) client.Event {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 3*time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		for e, err := range s.client.Follow(ctx, s.task, nil) {
			if err != nil {
				break
			}
			if is(e) {
				return e
			}
			if e.Type == "complete" {
				s.Fatalf("the run ended before %s: %s\n%s", what, e.Data, s.all())
			}
		}
	}
	s.Fatalf("there is no %s:\n%s", what, s.all())
	return client.Event{}
}

// all is what was recorded.
func (s *steered) all() string {
	var text strings.Builder
	for e, err := range s.client.Events(context.Background(), s.task, [16]byte{}) {
		if err != nil {
			break
		}
		fmt.Fprintf(&text, "%d %s %.300s\n", e.Sequence, e.Type, e.Data)
	}
	return text.String()
}

func has(kind, text string) func(client.Event) bool {
	return func(e client.Event) bool { return e.Type == kind && strings.Contains(string(e.Data), text) }
}

func TestAPersonSpeaksToAnAgentThatWorks(t *testing.T) {
	for _, c := range []struct {
		name string
		// agent is the one whose configuration and environment it has.
		agent   string
		tool    model.Call // the call that it works on meanwhile
		command func(agents.Place) []string
		// server is a server of the agent's that the command attaches to.
		server func(agents.Place) []string
		input  string // instead of a prompt
		// asks says that it asks whether it may make the call.
		asks bool
	}{
		{
			name: "claude", agent: "claude", tool: shell("Bash", "command"), input: "Do it [one]", asks: true,
			command: func(p agents.Place) []string {
				return []string{filepath.Join(p.Bin, "@anthropic-ai/claude-code-linux-x64/claude"), "-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose",
					"--replay-user-messages", "--permission-prompt-tool", "stdio", "--model", "claude-sonnet-4-5-20250929"}
			},
		},
		{
			name: "codex-exec", agent: "codex-tools", tool: shell("exec_command", "cmd"),
			command: func(p agents.Place) []string {
				return []string{filepath.Join(p.Bin, "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"), "exec", "--json", "--skip-git-repo-check",
					"--dangerously-bypass-approvals-and-sandbox", "Do it [one]"}
			},
		},
		{
			name: "codex-app-server", agent: "codex-tools", tool: shell("exec_command", "cmd"), input: "Do it [one]",
			command: func(p agents.Place) []string {
				return []string{filepath.Join(p.Bin, "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"), "-c", `sandbox_mode="danger-full-access"`, "app-server"}
			},
		},
		{
			name: "codex-app-server-asks", agent: "codex-tools", tool: beyondSandbox(shell("exec_command", "cmd")), input: "Do it [one]", asks: true,
			command: func(p agents.Place) []string {
				return []string{filepath.Join(p.Bin, "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"),
					"-c", `sandbox_mode="read-only"`, "-c", `approval_policy="on-request"`, "app-server"}
			},
		},
		{
			name: "opencode-run", agent: "opencode", tool: shell("bash", "command"),
			command: func(p agents.Place) []string {
				return []string{filepath.Join(p.Bin, "opencode-linux-x64/bin/opencode"), "run", "--format", "json", "-m", "fake/m1", "Do it [one]"}
			},
		},
		{
			name: "opencode-attach", agent: "opencode", tool: shell("bash", "command"),
			command: func(p agents.Place) []string {
				return []string{filepath.Join(p.Bin, "opencode-linux-x64/bin/opencode"), "run", "--format", "json", "-m", "fake/m1", "--attach"}
			},
			server: func(p agents.Place) []string {
				return []string{filepath.Join(p.Bin, "opencode-linux-x64/bin/opencode"), "serve", "--port", "0"}
			},
		},
		{
			name: "opencode-acp", agent: "opencode", tool: shell("bash", "command"), input: "Do it [one]", asks: true,
			command: func(p agents.Place) []string {
				return []string{filepath.Join(p.Bin, "opencode-linux-x64/bin/opencode"), "acp"}
			},
		},
		{
			name: "gemini-acp", agent: "gemini", tool: shell("run_shell_command", "command"), input: "Do it [one]", asks: true,
			command: func(p agents.Place) []string {
				return []string{filepath.Join(p.Bin, ".bin/gemini"), "-m", "gemini-2.5-pro", "--experimental-acp"}
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := startWebhook(t)
			s := &steered{T: t, recorder: startRecorder(t, *jrweb, "-webhook", told.url), model: model.Serve("steer-" + c.name), task: "t-1"}
			t.Cleanup(s.model.Close)
			var err error
			if s.client, err = client.New(s.recorder.url, nil); err != nil {
				t.Fatal(err)
			}
			s.model.Play(map[string][]model.Turn{
				"one": {{Text: "I run it.", Calls: []model.Call{c.tool}, Tokens: model.Tokens{Input: 100, Output: 10}}, {Text: "Done with the first.", Tokens: model.Tokens{Input: 100, Output: 10}}},
				"two": {{Text: "The second is done.", Tokens: model.Tokens{Input: 100, Output: 10}}},
			})
			all := agents.All()
			agent := all[slices.IndexFunc(all, func(a *agents.Agent) bool { return a.Name == c.agent })]
			dir := t.TempDir()
			place := agents.Place{Bin: *bin, Home: filepath.Join(dir, "home"), Work: filepath.Join(dir, "work"), Model: s.model.URL}
			if err := agent.Prepare(place, agents.Scenario{}); err != nil {
				t.Fatal(err)
			}
			if c.name == "opencode-acp" {
				askFirst(t, place)
			}
			command := c.command(place)
			if c.server != nil {
				command = append(command, serveAgent(t, place, agent, c.server(place)), "Do it [one]")
			}
			line := append([]string{"run", "-steer", "-task", s.task, "-url", s.recorder.url, "-spool", filepath.Join(dir, "spool"), "--"}, command...)
			cmd := exec.CommandContext(t.Context(), *jrweb, line...)
			cmd.Dir, cmd.Env = place.Work, agent.Environment(place)
			cmd.Stdin, cmd.Stderr = strings.NewReader(c.input), t.Output()
			ended := make(chan error, 1)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			go func() { ended <- cmd.Wait() }()
			t.Cleanup(func() { _ = cmd.Process.Kill() })

			first := s.wait("first words", has("assistant", "I run it."))
			said := s.person(first, "user", map[string]any{"content": "--and then [two]"})
			if c.asks {
				asked := s.wait("question", has("question", "May"))
				allowed := s.person(asked, "answer", map[string]any{"for": asked.Sequence, "value": allow(t, asked)})
				s.wait("receipt of the answer", has("receipt", fmt.Sprintf(`{"for":%d,"state":"delivered"}`, allowed)))
			}
			s.wait("delivery", has("receipt", fmt.Sprintf(`{"for":%d,"state":"delivered"}`, said)))
			s.wait("reading", has("receipt", fmt.Sprintf(`{"for":%d,"state":"read"}`, said)))
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(2 * time.Minute):
				t.Fatalf("the run does not end:\n%s", s.all())
			}
			s.wait("end", has("complete", "succeeded"))
			if c.asks {
				told.wait("task.waits")
			}
			told.wait("task.finished")
			record := s.all()
			if n := strings.Count(record, "--and then [two]"); n != 1 {
				t.Errorf("what the person said is recorded %d times", n)
			}
			heard := slices.ContainsFunc(s.model.Answers(), func(a model.Answer) bool { return strings.Contains(string(a.Body), "--and then [two]") })
			if !heard {
				t.Error("the model did not hear it")
			}
			t.Log("\n" + record)
		})
	}
}

// told are the messages of a webhook.
type told struct {
	*testing.T
	url   string
	types chan string
}

// startWebhook takes what a server tells, until the end of the test.
func startWebhook(t *testing.T) told {
	types := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct{ Type string }
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil || r.Header.Get("webhook-signature") == "" {
			t.Errorf("a message without what belongs to it: %v", err)
		}
		types <- message.Type
	}))
	t.Cleanup(server.Close)
	return told{t, server.URL, types}
}

// wait takes the next message.
func (w told) wait(want string) {
	w.Helper()
	select {
	case got := <-w.types:
		if got != want {
			w.Errorf("the webhook tells %s, want %s", got, want)
		}
	case <-time.After(time.Minute):
		w.Errorf("the webhook does not tell %s", want)
	}
}

// serveAgent starts a server of an agent's, until the end of the test.
func serveAgent(t *testing.T, p agents.Place, agent *agents.Agent, line []string) (url string) {
	t.Helper()
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir, cmd.Env = p.Work, agent.Environment(p)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // how it ended is known
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, found := strings.Cut(lines.Text(), "listening on "); found {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the server
			return strings.TrimSpace(url)
		}
	}
	t.Fatalf("the server does not listen: %v", lines.Err())
	return ""
}

func shell(tool, argument string) model.Call {
	return model.Call{ID: "call_1", Tool: tool, Args: map[string]any{argument: "sleep 3; echo out >made.txt", "description": "Run it"}}
}

// beyondSandbox is a call for which Codex asks.
func beyondSandbox(c model.Call) model.Call {
	args := maps.Clone(c.Args.(map[string]any))
	args["sandbox_permissions"], args["justification"] = "require_escalated", "May I write a file?"
	c.Args = args
	return c
}

// allow is the first option of a question, which allows.
func allow(t *testing.T, e client.Event) string {
	t.Helper()
	var data struct {
		Options []struct{ Value, Label string }
	}
	if err := json.Unmarshal(e.Data, &data); err != nil || len(data.Options) == 0 {
		t.Fatalf("%s: %v", e.Data, err)
	}
	i := slices.IndexFunc(data.Options, func(o struct{ Value, Label string }) bool { return strings.Contains(strings.ToLower(o.Label), "once") })
	return data.Options[max(i, 0)].Value
}

// askFirst makes opencode ask before it runs a command.
func askFirst(t *testing.T, p agents.Place) {
	t.Helper()
	path := filepath.Join(p.Home, ".config/opencode/opencode.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`"permission":"allow"`), []byte(`"model":"fake/m1","permission":{"bash":"ask"}`), 1)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
