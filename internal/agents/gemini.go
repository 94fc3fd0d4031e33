package agents

import (
	"encoding/json"
	"path/filepath"
)

var gemini = &Agent{
	Name: "gemini", Title: "Gemini CLI", Package: "@google/gemini-cli", Cannot: map[Mode]string{Fork: "it cannot fork"}, Window: 900000,
	Setup: func(p Place) error {
		settings := map[string]any{
			"security":  map[string]any{"auth": map[string]any{"selectedType": "gemini-api-key"}},
			"general":   map[string]any{"enableAutoUpdate": false, "enableAutoUpdateNotification": false},
			"privacy":   map[string]any{"usageStatisticsEnabled": false},
			"telemetry": map[string]any{"enabled": false},
			"model":     map[string]any{"disableLoopDetection": true}, // which asks the model after 30 turns
		}
		if p.MCP != nil {
			settings["mcpServers"] = map[string]any{"sums": map[string]any{"command": p.MCP[0], "args": p.MCP[1:], "trust": true}}
		}
		data, err := json.Marshal(settings)
		if err != nil {
			return err
		}
		return files(p.Home, map[string]string{".gemini/settings.json": string(data)})
	},
	Env: func(p Place) []string {
		return []string{"GOOGLE_GEMINI_BASE_URL=" + p.Model, "GEMINI_API_KEY=x", "GEMINI_CLI_TRUST_WORKSPACE=true", "GEMINI_CLI_NO_RELAUNCH=true"}
	},
	Command: func(p Place, r Run) []string {
		c := []string{node(p), filepath.Join(p.Bin, "@google/gemini-cli/bundle/gemini.js"), "-m", "gemini-2.5-pro", "--yolo", "-o", "stream-json"}
		if r.Mode == Resume {
			c = append(c, "--resume", "latest")
		}
		return append(c, "-p", r.Prompt)
	},
	Pieces: true,
	Blind: map[Source]map[Blind]string{
		Stdout: {
			NoPicture:   "it prints no images",
			NoThoughts:  "it prints no thoughts",
			NoExit:      "it prints no exit code, and that the command succeeded",
			NoOutput:    "of most tools it prints no output",
			NoSub:       "it prints nothing of what a subagent does",
			NoCutTokens: "it prints tokens at the end of the run",
		},
		Disk: {
			NoCutCall:     "it writes a call when it has ended, so that a run that is cut meanwhile looks like one that is over",
			NoCutWords:    "it writes words when they are whole",
			NoInterrupted: "it does not write that it was interrupted",
			NoError:       "it does not write that the API failed",
		},
	},
	Calls: each(func(p Place, c Call) []Made {
		path := filepath.Join(p.Work, c.Path)
		one := func(tool string, args map[string]any) []Made { return []Made{made(c, tool, args)} }
		switch c.Do {
		case Shell:
			return one("run_shell_command", map[string]any{"command": c.Command, "description": "Run it"})
		case Write:
			return one("write_file", map[string]any{"file_path": path, "content": c.New})
		case Read, Look:
			return one("read_file", map[string]any{"file_path": path})
		case Edit:
			return one("replace", map[string]any{"file_path": path, "old_string": c.Old, "new_string": c.New, "instruction": "Change it"})
		case Plan:
			return one("write_todos", map[string]any{"todos": todos(c, "description", nil)})
		case Remote:
			if c.Fails {
				c.Output = "" // it does not tell why
			}
			return one("mcp_sums_"+c.Tool, map[string]any{"a": 2, "b": 40})
		case Answer:
			return one("complete_task", map[string]any{"result": map[string]any{"response": c.Prompt}})
		case Delegate:
			return one("invoke_agent", map[string]any{"agent_name": "generalist", "prompt": c.Prompt})
		}
		return nil
	}),
	Disk: []string{".gemini/tmp/*/chats/*.jsonl", ".gemini/tmp/*/chats/*/*.jsonl"},
}

func node(p Place) string { return filepath.Join(p.Bin, ".bin/node") }
