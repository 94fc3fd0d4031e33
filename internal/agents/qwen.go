package agents

import (
	"encoding/json"
	"path/filepath"
)

var qwen = &Agent{
	Name: "qwen", Title: "Qwen Code", Package: "@qwen-code/qwen-code", Window: 235000,
	Setup: func(p Place) error {
		settings := map[string]any{
			"general":   map[string]any{"enableAutoUpdate": false, "disableAutoUpdate": true},
			"privacy":   map[string]any{"usageStatisticsEnabled": false},
			"telemetry": map[string]any{"enabled": false},
			"memory":    map[string]any{"enableManagedAutoMemory": false, "enableManagedAutoDream": false},
		}
		if p.MCP != nil {
			settings["mcpServers"] = map[string]any{"sums": map[string]any{"command": p.MCP[0], "args": p.MCP[1:], "trust": true}}
		}
		data, err := json.Marshal(settings)
		if err != nil {
			return err
		}
		return files(p.Home, map[string]string{".qwen/settings.json": string(data)})
	},
	Env: func(p Place) []string {
		return []string{"OPENAI_BASE_URL=" + p.Model + "/v1", "OPENAI_API_KEY=x", "OPENAI_MODEL=qwen3-coder"}
	},
	Command: func(p Place, r Run) []string {
		c := []string{node(p), filepath.Join(p.Bin, "@qwen-code/qwen-code/cli-entry.js"), "--auth-type", "openai", "--yolo", "-o", "stream-json"}
		switch r.Mode {
		case Resume:
			c = append(c, "--resume", p.Session)
		case Fork:
			c = append(c, "--resume", p.Session, "--fork-session")
		}
		return append(c, "-p", r.Prompt)
	},
	Repeats: true,
	Lags:    true,
	Blind: map[Source]map[Blind]string{
		Stdout: {
			NoPicture:  "it prints no images",
			NoFork:     "a fork counts on from its parent, and does not print which",
			NoPrompt:   "it prints no prompt",
			NoSubWords: "of a subagent it prints the calls, not the words",
			NoCutWords: "it prints words when they are whole",
		},
		Disk: {
			NoPicture:     "it writes no images",
			NoCutWords:    "it writes words when they are whole",
			NoInterrupted: "it does not write that it was interrupted",
		},
	},
	Calls: each(func(p Place, c Call) []Made {
		path := filepath.Join(p.Work, c.Path)
		one := func(tool string, args map[string]any) []Made { return []Made{made(c, tool, args)} }
		switch c.Do {
		case Shell:
			return one("run_shell_command", map[string]any{"command": c.Command, "description": "Run it", "is_background": false})
		case Write:
			return one("write_file", map[string]any{"file_path": path, "content": c.New})
		case Read, Look:
			return one("read_file", map[string]any{"file_path": path})
		case Edit:
			return one("edit", map[string]any{"file_path": path, "old_string": c.Old, "new_string": c.New})
		case Find:
			if c.Tool == "mcp" {
				return one("tool_search", map[string]any{"query": "select:mcp__sums__add,mcp__sums__fail"})
			}
		case Remote:
			args, tool := map[string]any{"a": 2, "b": 40}, "mcp__sums__"+c.Tool
			call := made(c, "tool_call", map[string]any{"name": tool, "arguments": args})
			call.Seen.Tool, call.Seen.Args = "tool_call|"+tool, args
			return []Made{call}
		case Delegate:
			return one("agent", map[string]any{"description": "Look around", "prompt": c.Prompt, "subagent_type": "general-purpose", "run_in_background": false})
		}
		return nil
	}),
	Disk: []string{".qwen/projects/*/chats/*.jsonl", ".qwen/projects/*/subagents/*/*"},
}
