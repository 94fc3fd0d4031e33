package agents

import (
	"encoding/json"
	"path/filepath"
)

var claude = &Agent{
	Name: "claude", Title: "Claude Code", Package: "@anthropic-ai/claude-code", Window: 190000, CacheWrites: true,
	Setup: func(Place) error { return nil },
	Env: func(p Place) []string {
		return []string{
			"ANTHROPIC_BASE_URL=" + p.Model, "ANTHROPIC_API_KEY=x",
			"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_AUTOUPDATER=1", "DISABLE_TELEMETRY=1", "DISABLE_ERROR_REPORTING=1",
			"IS_SANDBOX=1", // root may skip the questions
		}
	},
	Command: func(p Place, r Run) []string {
		c := []string{
			filepath.Join(p.Bin, "@anthropic-ai/claude-code-linux-x64/claude"),
			"-p", "--output-format", "stream-json", "--verbose", "--model", "claude-sonnet-4-5-20250929", "--dangerously-skip-permissions", "--autocompact", "100000",
		}
		if p.MCP != nil {
			config, err := json.Marshal(map[string]any{"mcpServers": map[string]any{"sums": map[string]any{"type": "stdio", "command": p.MCP[0], "args": p.MCP[1:]}}})
			if err != nil {
				panic(err) // strings
			}
			c = append(c, "--mcp-config", string(config))
		}
		switch r.Mode {
		case Resume:
			c = append(c, "--resume", p.Session)
		case Fork:
			c = append(c, "--resume", p.Session, "--fork-session")
		}
		return append(c, "--", r.Prompt)
	},
	Repeats: true,
	Blind: map[Source]map[Blind]string{
		Stdout: {
			NoPrompt:      "it prints no prompt",
			NoSubWords:    "of a subagent it prints the calls, not the words",
			NoKilledWords: "it prints words when they are whole",
			NoCutTokens:   "it prints the output tokens at the end of the run, which a signal may cut off",
		},
		Disk: {NoKilledWords: "it writes words when they are whole"},
	},
	Calls: each(func(p Place, c Call) []Made {
		path := filepath.Join(p.Work, c.Path)
		one := func(tool string, args map[string]any) []Made { return []Made{made(c, tool, args)} }
		switch c.Do {
		case Shell:
			return one("Bash", map[string]any{"command": c.Command, "description": "Run it"})
		case Write:
			return one("Write", map[string]any{"file_path": path, "content": c.New})
		case Read, Look:
			return one("Read", map[string]any{"file_path": path})
		case Edit:
			return one("Edit", map[string]any{"file_path": path, "old_string": c.Old, "new_string": c.New})
		case Plan:
			if c.Moved {
				return append(one("TaskUpdate", map[string]any{"taskId": "1", "status": "completed"}),
					made(c, "TaskUpdate", map[string]any{"taskId": "2", "status": "in_progress"}))
			}
			var all []Made
			for _, item := range c.Items {
				all = append(all, made(c, "TaskCreate", map[string]any{"subject": item, "description": item}))
			}
			return all
		case Find:
			return one("ToolSearch", map[string]any{"query": map[string]string{
				"plan": "select:TaskCreate,TaskUpdate", "mcp": "select:mcp__sums__add,mcp__sums__fail",
			}[c.Tool]})
		case Remote:
			return one("mcp__sums__"+c.Tool, map[string]any{"a": 2, "b": 40})
		case Delegate:
			return one("Agent", map[string]any{"description": "Look around", "prompt": c.Prompt, "subagent_type": "general-purpose", "run_in_background": false})
		}
		return nil
	}),
	Disk: []string{".claude/projects/*/*.jsonl", ".claude/projects/*/*/subagents/*.jsonl", ".claude/projects/*/*/subagents/*.json"},
}
