package places_test

import (
	"path/filepath"
	"strings"
	"testing"

	"jrweb/cmd/jrweb/internal/places"
)

// having are the agents that have a file in one of their places.
func having(t *testing.T, env map[string]string, roots []string, path string) string {
	t.Helper()
	all, err := places.Of(func(name string) string { return env[name] }, "/home/ann", roots)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, p := range all {
		if p.Has(path) {
			found = append(found, p.Agent)
		}
	}
	return strings.Join(found, " ")
}

func TestWhereAgentsKeepTheirTranscripts(t *testing.T) {
	const id = "99999999-2222-4333-8444-555555555555"
	for path, want := range map[string]string{
		".claude/projects/-src-jrweb/" + id + ".jsonl":                                                     "claude",
		".claude/projects/-src-jrweb/" + id + ".jsonl.gz":                                                  "claude",
		".claude/projects/-src-jrweb/" + id + "/subagents/agent-a1.jsonl":                                  "claude",
		".claude/projects/-src-jrweb/" + id + "/subagents/workflows/agent-a1.jsonl":                        "claude",
		".claude/projects/-src-jrweb/" + id + "/tool-results/1.txt":                                        "",
		".config/claude/projects/-src/" + id + ".jsonl":                                                    "claude",
		".claude/history.jsonl":                                                                            "",
		".codex/sessions/2026/11/27/rollout-2026-11-27T10-00-00-x.jsonl":                                   "codex",
		".codex/sessions/2026/11/27/rollout-2026-11-27T10-00-00-x.jsonl.zst":                               "codex",
		".codex/archived_sessions/rollout-2026-11-27T10-00-00-x.jsonl":                                     "codex",
		".codex/history.jsonl":                                                                             "",
		".gemini/tmp/work/chats/session-2026-11-26T17-22-f3a86aab.jsonl":                                   "gemini",
		".gemini/tmp/0abc/chats/session-2026-11-26T17-22-f3a86aab.json":                                    "gemini",
		".gemini/tmp/work/chats/" + id + "/" + id + ".jsonl":                                               "gemini",
		".gemini/tmp/work/logs.json":                                                                       "",
		".qwen/projects/-src/chats/" + id + ".jsonl":                                                       "qwen",
		".qwen/projects/-src/subagents/" + id + "/agent-x.jsonl":                                           "qwen",
		".pi/agent/sessions/--src--/2026-11-26T17-06-03-753Z_" + id + ".jsonl":                             "pi",
		".copilot/session-state/" + id + "/events.jsonl":                                                   "copilot",
		".kimi/sessions/0abc/" + id + "/wire.jsonl":                                                        "kimi",
		".kimi-code/sessions/0abc/" + id + "/agents/main/wire.jsonl":                                       "kimi-code",
		".factory/sessions/-src/" + id + ".jsonl":                                                          "droid",
		".local/share/amp/threads/T-" + id + ".json":                                                       "amp",
		".local/share/goose/sessions/20260101_1.jsonl":                                                     "goose",
		".openhands/conversations/0abc/events/event-00001-" + id + ".json":                                 "openhands",
		".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/17/ui_messages.json":                 "cline",
		"Library/Application Support/Code/User/globalStorage/kilocode.kilo-code/tasks/17/ui_messages.json": "cline",
		".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/17/api_conversation_history.json":    "cline",
		".config/Code/User/globalStorage/rooveterinaryinc.roo-cline/tasks/17/task_metadata.json":           "",
		"src/.claude/projects/-src/" + id + ".jsonl":                                                       "",
	} {
		if got := having(t, nil, nil, filepath.Join("/home/ann", path)); got != want {
			t.Errorf("%s is of %q, not %q", path, got, want)
		}
	}
}

func TestWhatSaysWhereTheyAre(t *testing.T) {
	for _, c := range []struct {
		name  string
		env   map[string]string
		roots []string
		path  string
		want  string
	}{
		{"a variable of the agent", map[string]string{"CLAUDE_CONFIG_DIR": "/c"}, nil, "/c/projects/p/s.jsonl", "claude"},
		{"a variable takes the place of home", map[string]string{"CLAUDE_CONFIG_DIR": "/c"}, nil, "/home/ann/.claude/projects/p/s.jsonl", ""},
		{"a variable for two folders", map[string]string{"CODEX_HOME": "/c"}, nil, "/c/archived_sessions/rollout-1.jsonl", "codex"},
		{"of two variables the first", map[string]string{"QWEN_RUNTIME_DIR": "/a", "QWEN_HOME": "/b"}, nil, "/b/projects/p/chats/s.jsonl", ""},
		{"the second, if the first is not set", map[string]string{"QWEN_HOME": "/b"}, nil, "/b/projects/p/chats/s.jsonl", "qwen"},
		{"XDG's data", map[string]string{"XDG_DATA_HOME": "/d"}, nil, "/d/amp/threads/T-1.json", "amp"},
		{"XDG's configuration", map[string]string{"XDG_CONFIG_HOME": "/e"}, nil, "/e/claude/projects/p/s.jsonl", "claude"},
		{"a relative variable means nothing", map[string]string{"CODEX_HOME": "c"}, nil, "/home/ann/.codex/sessions/rollout-1.jsonl", "codex"},
		{"a root", nil, []string{"codex=/old"}, "/old/2025/rollout-1.jsonl", "codex"},
		{"a root takes the place of all", nil, []string{"codex=/old"}, "/home/ann/.codex/sessions/rollout-1.jsonl", ""},
		{"two roots", nil, []string{"codex=/old", "codex=/older"}, "/older/rollout-1.jsonl", "codex"},
		{"a file at the root itself", nil, []string{"pi=/old"}, "/old/s.jsonl", "pi"},
	} {
		if got := having(t, c.env, c.roots, c.path); got != c.want {
			t.Errorf("%s: %s is of %q, not %q", c.name, c.path, got, c.want)
		}
	}
}

func TestARootThatIsNoneIsRefused(t *testing.T) {
	for _, root := range []string{"", "codex", "codex=", "=/old", "nobody=/old"} {
		if _, err := places.Of(func(string) string { return "" }, "/home/ann", []string{root}); err == nil || !strings.Contains(err.Error(), "AGENT=DIR") {
			t.Errorf("%q: %v", root, err)
		}
	}
}
