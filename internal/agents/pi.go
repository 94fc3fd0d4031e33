package agents

import (
	"encoding/json"
	"path/filepath"
)

var pi = &Agent{
	Name: "pi", Title: "pi", Package: "@mariozechner/pi-coding-agent", Window: 190000,
	Setup: func(p Place) error {
		data, err := json.Marshal(map[string]any{"providers": map[string]any{"fake": map[string]any{
			"baseUrl": p.Model + "/v1", "api": "openai-completions", "apiKey": "x",
			"models": []any{map[string]any{"id": "m1", "input": []string{"text", "image"}, "reasoning": true, "contextWindow": 200000, "maxTokens": 8000}},
		}}})
		if err != nil {
			return err
		}
		return files(p.Home, map[string]string{".pi/agent/models.json": string(data)})
	},
	Env: func(p Place) []string { return []string{"PI_OFFLINE=1", "PI_TELEMETRY=0", "PI_SKIP_VERSION_CHECK=1"} },
	Command: func(p Place, r Run) []string {
		c := []string{node(p), filepath.Join(p.Bin, "@mariozechner/pi-coding-agent/dist/cli.js"), "--provider", "fake", "--model", "m1", "--mode", "json"}
		switch r.Mode {
		case Resume:
			c = append(c, "--session", p.Session)
		case Fork:
			c = append(c, "--fork", p.Session)
		}
		return append(c, "-p", r.Prompt)
	},
	Repeats: true,
	Blind: map[Source]map[Blind]string{
		Stdout: {NoSummary: "it does not tell what summing up costs"},
		Disk: {
			NoSummary:     "it does not tell what summing up costs",
			NoCutWords:    "it writes words when they are whole",
			NoInterrupted: "it does not write that it was interrupted",
		},
	},
	Calls: each(func(_ Place, c Call) []Made {
		one := func(tool string, args map[string]any) []Made { return []Made{made(c, tool, args)} }
		switch c.Do {
		case Shell:
			return one("bash", map[string]any{"command": c.Command})
		case Write:
			return one("write", map[string]any{"path": c.Path, "content": c.New})
		case Read, Look:
			return one("read", map[string]any{"path": c.Path})
		case Edit:
			return one("edit", map[string]any{"path": c.Path, "edits": []any{map[string]any{"oldText": c.Old, "newText": c.New}}})
		}
		return nil
	}),
	Disk: []string{".pi/agent/sessions/*/*"},
}
