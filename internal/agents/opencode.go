package agents

import (
	"encoding/json"
	"path/filepath"
)

var opencode = &Agent{
	Name: "opencode", Title: "opencode", Package: "opencode-ai", Window: 195000,
	Setup: func(p Place) error {
		config := map[string]any{
			"provider": map[string]any{"fake": map[string]any{
				"npm": "@ai-sdk/openai-compatible", "name": "fake",
				"options": map[string]any{"baseURL": p.Model + "/v1", "apiKey": "x"},
				"models":  map[string]any{"m1": map[string]any{"name": "m1", "attachment": true, "reasoning": true, "tool_call": true, "modalities": map[string]any{"input": []string{"text", "image"}, "output": []string{"text"}}, "limit": map[string]any{"context": 200000, "output": 8000}}},
			}},
			"permission": "allow", "autoupdate": false, "share": "disabled",
		}
		if p.MCP != nil {
			config["mcp"] = map[string]any{"sums": map[string]any{"type": "local", "command": p.MCP, "enabled": true}}
		}
		data, err := json.Marshal(config)
		if err != nil {
			return err
		}
		return files(p.Home, map[string]string{".config/opencode/opencode.json": string(data)})
	},
	Env: func(p Place) []string {
		return []string{
			"OPENCODE_DISABLE_MODELS_FETCH=1", "OPENCODE_DISABLE_AUTOUPDATE=1", "OPENCODE_DISABLE_LSP_DOWNLOAD=1",
			"OPENCODE_DISABLE_DEFAULT_PLUGINS=1", "OPENCODE_DISABLE_SHARE=1",
		}
	},
	Command: func(p Place, r Run) []string {
		c := []string{filepath.Join(p.Bin, "opencode-linux-x64/bin/opencode"), "run", "--format", "json", "--thinking", "-m", "fake/m1"}
		switch r.Mode {
		case Resume:
			c = append(c, "--session", p.Session)
		case Fork:
			c = append(c, "--session", p.Session, "--fork")
		}
		return append(c, r.Prompt)
	},
	Repeats: true,
	GoesOn:  true,
	Blind: map[Source]map[Blind]string{
		Stdout: {
			NoPrompt:    "it prints no prompt",
			NoOutput:    "what its tools say that change files does not name them",
			NoOrder:     "it prints a call that is quick before the words that came before it",
			NoSub:       "it prints nothing of what a subagent does",
			NoSubTokens: "it does not count what a subagent costs",
			NoCutWords:  "it prints words when they are whole",
			NoCutCall:   "it prints a call when it has ended",
			NoCutTokens: "it prints tokens at the end of an answer",
		},
		Disk: {
			NoOutput:      "what its tools say that change files does not name them",
			NoCutWords:    "it keeps words when they are whole",
			NoCutTokens:   "it keeps tokens at the end of an answer",
			NoInterrupted: "it does not keep that it was interrupted",
			NoFork:        "a fork holds copies of what its parent said, under new ids",
		},
	},
	Calls: each(func(p Place, c Call) []Made {
		path := filepath.Join(p.Work, c.Path)
		one := func(tool string, args map[string]any) []Made { return []Made{made(c, tool, args)} }
		switch c.Do {
		case Shell:
			return one("bash", map[string]any{"command": c.Command})
		case Write:
			return one("write", map[string]any{"filePath": path, "content": c.New})
		case Read, Look:
			return one("read", map[string]any{"filePath": path})
		case Edit:
			return one("edit", map[string]any{"filePath": path, "oldString": c.Old, "newString": c.New})
		case Plan:
			return one("todowrite", map[string]any{"todos": todos(c, "content", map[string]any{"priority": "high"})})
		case Remote:
			return one("sums_"+c.Tool, map[string]any{"a": 2, "b": 40})
		case Delegate:
			return one("task", map[string]any{"description": "Look around", "prompt": c.Prompt, "subagent_type": "general"})
		}
		return nil
	}),
	Export: func(p Place) []string {
		return []string{filepath.Join(p.Bin, "opencode-linux-x64/bin/opencode"), "export", p.Session}
	},
	Quotes: true,
	NoWay:  map[Way]string{ByFollow: "its sessions stand in a database, and in a file only when it is told to export one"},
	Disk:   []string{"export*.json"},

	Database: ".local/share/opencode",
}
