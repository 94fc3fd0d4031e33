package transcript

import (
	"fmt"
	"strings"
)

// Format names what an agent prints, or keeps in its session files.
type Format string

// The formats.
const (
	Auto           Format = "auto"            // found out from the first lines
	Claude         Format = "claude"          // Claude Code, --output-format stream-json
	ClaudeSession  Format = "claude-session"  // Claude Code, ~/.claude/projects/…/*.jsonl
	Codex          Format = "codex"           // Codex, exec --json
	CodexRollout   Format = "codex-rollout"   // Codex, ~/.codex/sessions/…/rollout-*.jsonl
	CodexServer    Format = "codex-server"    // Codex, the app server's JSON-RPC
	Gemini         Format = "gemini"          // Gemini CLI, --output-format stream-json
	OpenCode       Format = "opencode"        // opencode, run --format json
	OpenCodeServer Format = "opencode-server" // opencode, the server's event stream
	Cursor         Format = "cursor"          // Cursor CLI, --output-format stream-json
	Amp            Format = "amp"             // Amp, --stream-json
	Copilot        Format = "copilot"         // Copilot CLI, --output-format json, and its events.jsonl
	Pi             Format = "pi"              // pi, --mode json, and its session files
	OpenHands      Format = "openhands"       // OpenHands' events, one a line
	Qwen           Format = "qwen"            // Qwen Code, --output-format stream-json or json
	QwenSession    Format = "qwen-session"    // Qwen Code, ~/.qwen/projects/…/chats/*.jsonl
	GeminiChat     Format = "gemini-chat"     // Gemini CLI, ~/.gemini/tmp/…/chats/session-*.json and .jsonl
	OpenCodeExport Format = "opencode-export" // opencode, what opencode export prints
	Text           Format = "text"            // whatever else a program prints
)

// More formats.
const (
	Append          Format = "append"           // events as they are appended or exported, one a line
	ACP             Format = "acp"              // the Agent Client Protocol, both directions
	Antigravity     Format = "antigravity"      // Antigravity CLI, --output-format stream-json
	Crush           Format = "crush"            // Crush, session show --json
	AmpThread       Format = "amp-thread"       // Amp, ~/.local/share/amp/threads/T-*.json, and threads export
	AGUI            Format = "ag-ui"            // the Agent-User Interaction protocol
	Responses       Format = "responses"        // OpenAI's Responses API, streamed or not
	ChatCompletions Format = "chat-completions" // OpenAI's chat completions, streamed or not
	AISDK           Format = "ai-sdk"           // the UI message stream of Vercel's AI SDK
	Droid           Format = "droid"            // Factory Droid, exec --output-format stream-json, and ~/.factory/sessions/…/*.jsonl
	Goose           Format = "goose"            // Goose, run --output-format stream-json, its session files, and session export
	Cline           Format = "cline"            // Cline, Roo Code and Kilo Code, the files of a task, and cline --json
	Kimi            Format = "kimi"             // Kimi CLI and Kimi Code, --output-format stream-json, and the files of their sessions
	LangGraph       Format = "langgraph"        // LangGraph's stream
	Auggie          Format = "auggie"           // Auggie, --print --output-format json
)

// decoder converts the lines of one format.
type decoder interface {
	// object converts a line. It returns false, and adds nothing, if it does not
	// know what the line is.
	object(o object, out *output) bool
	// flush adds what waits for more of the same only to make one event of it.
	flush(out *output)
	// end adds what waits for something that will not come any more.
	end(out *output)
}

// holdsNothing is for decoders whose lines stand for themselves.
type holdsNothing struct{}

func (holdsNothing) flush(*output) {}
func (holdsNothing) end(*output)   {}

// formats are all formats, in the order in which [Detect] asks them.
var formats = []struct {
	name  Format
	is    func(object) bool // whether a line can be of no other format
	start func() decoder
}{
	{Append, isAppend, func() decoder { return appended{} }},
	{ACP, isACP, func() decoder { return &acp{} }},
	{Antigravity, isAntigravity, func() decoder { return &antigravity{} }},
	{Crush, isCrush, func() decoder { return &crush{} }},
	{AmpThread, isAmpThread, func() decoder { return &ampThread{} }},
	{AGUI, isAGUI, func() decoder { return &agUI{} }},
	{Responses, isResponses, func() decoder { return &responses{} }},
	{ChatCompletions, isChatCompletions, func() decoder { return &chatCompletions{} }},
	{AISDK, isAISDK, func() decoder { return &aiSDK{} }},
	{Droid, isDroid, func() decoder { return &droid{} }},
	{Goose, isGoose, func() decoder { return &goose{} }},
	{Cline, isCline, func() decoder { return &cline{} }},
	{Kimi, isKimi, func() decoder { return &kimi{} }},
	{LangGraph, isLangGraph, func() decoder { return &langGraph{} }},
	{Auggie, isAuggie, func() decoder { return auggie{} }},
	{OpenHands, isOpenHands, func() decoder { return &openHands{} }},
	{CodexRollout, isCodexRollout, func() decoder { return &codexRollout{} }},
	{OpenCodeServer, isOpenCodeServer, func() decoder { return &openCodeServer{} }},
	{OpenCode, isOpenCode, func() decoder { return &openCode{} }},
	{Copilot, isCopilot, func() decoder { return &copilot{} }},
	{Codex, isCodex, func() decoder { return &codex{} }},
	{Qwen, isQwen, func() decoder { return &qwen{} }},
	{QwenSession, isQwenSession, func() decoder { return &qwenSession{} }},
	{GeminiChat, isGeminiChat, func() decoder { return &geminiChat{} }},
	{OpenCodeExport, isOpenCodeExport, func() decoder { return &openCodeExport{} }},
	{CodexServer, isCodexServer, func() decoder { return &codexServer{} }},
	{Gemini, isGemini, func() decoder { return &gemini{} }},
	{Pi, isPi, func() decoder { return &pi{} }},
	{ClaudeSession, isClaudeSession, func() decoder { return &claudeSession{} }},
	{Cursor, isCursor, func() decoder { return &cursor{} }},
	{Amp, isAmp, func() decoder { return &claude{agent: "Amp"} }},
	{Claude, isClaude, func() decoder { return &claude{agent: "Claude Code"} }},
	{Text, func(object) bool { return false }, func() decoder { return &text{} }},
}

// Formats returns the names of all formats, [Auto] first.
func Formats() []Format {
	names := []Format{Auto}
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

func newDecoder(name Format) (decoder, error) {
	for _, f := range formats {
		if f.name == name {
			return f.start(), nil
		}
	}
	var known []string
	for _, f := range Formats() {
		known = append(known, string(f))
	}
	return nil, fmt.Errorf("transcript: unknown format %q (known: %s)", name, strings.Join(known, ", "))
}

// Detect returns the format that one of the first lines tells, and whether one
// did: agents print warnings before their JSON, and some lines look the same in
// several formats. If none of the first few dozen lines tells, it is [Text].
func Detect(lines ...[]byte) (Format, bool) {
	c := &Converter{}
	for _, line := range lines {
		c.detect(Line{Text: line})
		if c.decoder != nil {
			return c.format, c.format != Text
		}
	}
	return Text, false
}

// detect returns the format that an object can only be of.
func detect(o object) (Format, bool) {
	if o == nil {
		return "", false
	}
	for _, f := range formats {
		if f.is(o) {
			return f.name, true
		}
	}
	return "", false
}
