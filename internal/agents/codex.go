package agents

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"jrweb/internal/agents/model"
)

// codex is Codex with one of its own models, whose tools run from a script.
var codex = codexWith("codex", "Codex", "gpt-6.2-sol", 460_000, codexScript)

// codexTools is Codex with a model that calls tools one by one.
var codexTools = codexWith("codex-tools", "Codex with a model that calls tools one by one", "gpt-5.5", 250_000, each(codexCall))

func codexWith(name, title, llm string, window int, calls func(Place, []Call) []Made) *Agent {
	return &Agent{
		Name: name, Title: title, Package: "@openai/codex", CacheWrites: true, Window: window,
		Setup: func(p Place) error {
			config := fmt.Sprintf(`model = %q
model_provider = "fake"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.fake]
name = "fake"
base_url = "%s/v1"
env_key = "FAKE_KEY"
wire_api = "responses"
request_max_retries = 2
stream_max_retries = 1
`, llm, p.Model)
			if p.MCP != nil {
				config += fmt.Sprintf("\n[mcp_servers.sums]\ncommand = %q\nargs = [%q]\n", p.MCP[0], strings.Join(p.MCP[1:], `", "`))
			}
			return files(p.Home, map[string]string{".codex/config.toml": config})
		},
		Env: func(Place) []string { return []string{"FAKE_KEY=x"} },
		Command: func(p Place, r Run) []string {
			c := []string{filepath.Join(p.Bin, "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"), "exec"}
			switch r.Mode {
			case Resume:
				c = append(c, "resume")
			case Fork:
				c = append(c, "fork")
			}
			c = append(c, "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
			if r.Mode != Fresh {
				c = append(c, p.Session)
			}
			return append(c, r.Prompt)
		},
		Blind: map[Source]map[Blind]string{
			Stdout: {
				NoPrompt:     "it prints no prompt",
				NoRefused:    "it prints no patch that does not fit",
				NoImage:      "it prints no image that it looks at",
				NoDelegation: "it does not print that a subagent starts",
				NoSub:        "it prints nothing of what a subagent does",
				NoSubTokens:  "it does not count what a subagent costs",
				NoCutWords:   "it prints words when they are whole",
				NoCutTokens:  "it prints tokens at the end of a turn that did not fail",
				NoFailedCost: "it prints tokens at the end of a turn that did not fail",
				NoFork:       "a fork counts on from its parent, and does not print which",
			},
			Disk: {NoCutWords: "it writes words when they are whole"},
		},
		Calls:   calls,
		SubMark: `"thread_source":"subagent"`,
		Disk:    []string{".codex/sessions/*/*/*/*"},
	}
}

// codexSeen is how a deed is seen that runs in Codex.
func codexSeen(c Call) Seen {
	s := Seen{Do: c.Do, Fails: c.Fails, Hangs: c.Hangs, Output: c.Output}
	switch c.Do {
	case Shell:
		s.Tool, s.Args = "shell", map[string]any{"command": c.Command}
	case Read:
		s.Do, s.Tool, s.Args = Shell, "shell", map[string]any{"command": "cat " + c.Path}
	case Patch, Write, Edit:
		s.Do, s.Tool = Patch, "apply_patch"
	case Look:
		s.Tool, s.Image = "view_image", true
	case Remote:
		s.Tool, s.Args = "sums."+c.Tool, map[string]any{"a": 2, "b": 40}
	case Delegate: // which tells no more than that it has begun
		s.Tool, s.Output = "spawn_agent", ""
	case Await:
		s.Tool = "wait|wait_agent"
	}
	return s
}

// codexPatch is a deed as a patch.
func codexPatch(c Call) string {
	switch c.Do {
	case Write:
		return fmt.Sprintf("*** Begin Patch\n*** Add File: %s\n+%s\n*** End Patch", c.Path, strings.TrimSuffix(c.New, "\n"))
	case Edit:
		return fmt.Sprintf("*** Begin Patch\n*** Update File: %s\n@@\n-%s\n+%s\n*** End Patch", c.Path, c.Old, c.New)
	}
	return c.New
}

func codexCall(p Place, c Call) []Made {
	m := Made{Seen: codexSeen(c)}
	args := func(tool string, args map[string]any) { m.Call = &model.Call{Tool: tool, Args: args} }
	switch c.Do {
	case Shell:
		args("exec_command", map[string]any{"cmd": c.Command})
	case Read:
		args("exec_command", map[string]any{"cmd": "cat " + c.Path})
	case Patch, Write, Edit:
		m.Call = &model.Call{Tool: "apply_patch", Input: codexPatch(c)}
	case Look:
		args("view_image", map[string]any{"path": filepath.Join(p.Work, c.Path)})
	case Remote:
		args(c.Tool, map[string]any{"a": 2, "b": 40})
		m.Call.Server = "mcp__sums"
	default:
		return nil
	}
	return []Made{m}
}

// codexScript makes one script of all that is done at once. Only what is about other
// agents is not for scripts.
func codexScript(p Place, calls []Call) (all []Made) {
	var script []string
	for _, c := range calls {
		m := Made{Seen: codexSeen(c)}
		quoted := func(v any) string {
			data, err := json.Marshal(v)
			if err != nil {
				panic(err) // strings
			}
			return string(data)
		}
		switch c.Do {
		case Shell:
			script = append(script, fmt.Sprintf("tools.exec_command(%s)", quoted(map[string]any{"cmd": c.Command})))
		case Read:
			script = append(script, fmt.Sprintf("tools.exec_command(%s)", quoted(map[string]any{"cmd": "cat " + c.Path})))
		case Patch, Write, Edit:
			script = append(script, fmt.Sprintf("tools.apply_patch(%s)", quoted(codexPatch(c))))
		case Look:
			script = append(script, fmt.Sprintf("tools.view_image(%s)", quoted(map[string]any{"path": filepath.Join(p.Work, c.Path)})))
		case Remote:
			script = append(script, fmt.Sprintf("tools.mcp__sums__%s({a: 2, b: 40})", c.Tool))
		case Delegate:
			m.Call = &model.Call{Tool: "spawn_agent", Server: "collaboration", Args: map[string]any{"message": c.Prompt, "task_name": "helper", "fork_turns": "none"}}
		case Await:
			m.Call = &model.Call{Tool: "wait_agent", Server: "collaboration", Args: map[string]any{"timeout_ms": 600_000}}
		default:
			continue
		}
		all = append(all, m)
	}
	if script != nil {
		text := fmt.Sprintf("const all = await Promise.all([\n  %s,\n]);\nfor (const one of all) {\n  if (one && one.image_url) image(one.image_url); else text(one);\n}", strings.Join(script, ",\n  "))
		all[0].Call = &model.Call{Tool: "exec", Input: text}
	}
	return all
}
