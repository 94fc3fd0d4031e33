package transcript_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog/transcript"
)

// formatsOfInputs are the formats of the files in testdata/inputs, by how their names
// begin. The longest beginning counts. Text is for what is of no format.
var formatsOfInputs = map[string]transcript.Format{
	"acp":              transcript.ACP,
	"agui":             transcript.AGUI,
	"aider":            transcript.Text,
	"aisdk":            transcript.AISDK,
	"amp":              transcript.Amp,
	"amp-thread":       transcript.AmpThread,
	"antigravity":      transcript.Antigravity,
	"append":           transcript.Append,
	"auggie":           transcript.Auggie,
	"chat-completions": transcript.ChatCompletions,
	"claude-disk":      transcript.ClaudeSession,
	"claude-json":      transcript.Claude,
	"claude-stream":    transcript.Claude,
	"cline":            transcript.Cline,
	"codex-exec":       transcript.Codex,
	"codex-rollout":    transcript.CodexRollout,
	"copilot":          transcript.Copilot,
	"crush":            transcript.Crush,
	"cursor":           transcript.Cursor,
	"droid":            transcript.Droid,
	"gemini-glued":     transcript.Gemini,
	"qwen-":            transcript.Qwen,
	"gemini-stream":    transcript.Gemini,
	"goose":            transcript.Goose,
	"kimi":             transcript.Kimi,
	"langgraph":        transcript.LangGraph,
	"opencode-invalid": transcript.OpenCode,
	"opencode-server":  transcript.OpenCodeServer,
	"openhands":        transcript.OpenHands,
	"otel":             transcript.Text,
	"pi-":              transcript.Pi,
	"responses":        transcript.Responses,
}

// realFormatsOf are what an agent prints, and what it keeps on its disk.
var realFormatsOf = map[string][2]transcript.Format{
	"claude":      {transcript.Claude, transcript.ClaudeSession},
	"codex":       {transcript.Codex, transcript.CodexRollout},
	"codex-tools": {transcript.Codex, transcript.CodexRollout},
	"gemini":      {transcript.Gemini, transcript.GeminiChat},
	"opencode":    {transcript.OpenCode, transcript.OpenCodeExport},
	"pi":          {transcript.Pi, transcript.Pi},
	"qwen":        {transcript.Qwen, transcript.QwenSession},
}

// formatOfInput returns the format of a file of testdata, "" if the list has none.
func formatOfInput(path string) (format transcript.Format) {
	name := filepath.ToSlash(strings.TrimPrefix(path, "testdata/"))
	if rest, isReal := strings.CutPrefix(name, "real/"); isReal {
		folder, file, _ := strings.Cut(rest, "/")
		agent := folder[:strings.LastIndexByte(folder, '-')]
		if strings.Contains(file, ".stdout") {
			return realFormatsOf[agent][0]
		}
		return realFormatsOf[agent][1]
	}
	if strings.HasPrefix(name, "hooks/") {
		if strings.HasSuffix(name, ".hooks.jsonl") {
			return transcript.Text // what is posted to hooks is not a transcript
		}
		return transcript.ClaudeSession
	}
	if !strings.HasPrefix(name, "inputs/") {
		return transcript.Format(strings.TrimSuffix(name, filepath.Ext(name)))
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "inputs/"), "unsupported/")
	longest := ""
	for start, f := range formatsOfInputs {
		if strings.HasPrefix(name, start) && len(start) > len(longest) {
			longest, format = start, f
		}
	}
	return format
}

// alike are formats some of whose lines say nothing of which agent wrote them. A line
// before those does.
var alike = map[transcript.Format]transcript.Format{transcript.Qwen: transcript.Claude, transcript.Copilot: transcript.ClaudeSession}

// Each file of testdata is recognised by one format, and no line of it by another.
func TestNoFormatIsTakenForAnother(t *testing.T) {
	err := filepath.WalkDir("testdata", func(path string, entry fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || entry.IsDir() || ext == ".golden" || strings.HasSuffix(path, ".meta.json") || strings.HasSuffix(path, ".played.json") || path == "testdata/README.md" {
			return err
		}
		t.Run(path, func(t *testing.T) {
			input, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var names []transcript.Format
			for i, yes := range transcript.Recognised(input) {
				if len(yes) > 1 {
					t.Errorf("object %d is recognised by %v", i+1, yes)
				}
				for _, name := range yes {
					if !slices.Contains(names, name) {
						names = append(names, name)
					}
				}
			}
			want := formatOfInput(path)
			if len(names) == 2 && names[0] == want && names[1] == alike[want] {
				names = names[:1]
			}
			switch {
			case want == "":
				t.Logf("recognised by %v; formatsOfInputs does not tell by which it should be", names)
				if len(names) > 1 {
					t.Errorf("recognised by %v", names)
				}
			case want == transcript.Text && len(names) > 0, want != transcript.Text && !slices.Equal(names, []transcript.Format{want}):
				t.Errorf("recognised by %v, want %s", names, want)
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
