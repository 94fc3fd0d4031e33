package transcript_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// What does not change what a transcript says changes nothing of what it becomes.
func TestWhatSurroundsTheJSONMakesNoDifference(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"CRLF":              func(in []byte) []byte { return bytes.ReplaceAll(in, []byte("\n"), []byte("\r\n")) },
		"a byte order mark": func(in []byte) []byte { return append([]byte("\ufeff"), in...) },
		"blank lines":       func(in []byte) []byte { return bytes.ReplaceAll(in, []byte("\n"), []byte("\n\n  \n")) },
		"no last line feed": func(in []byte) []byte { return bytes.TrimRight(in, "\n") },
	} {
		for _, format := range jsonFormats() {
			t.Run(name+"/"+string(format), func(t *testing.T) {
				input := fixture(t, format)
				if name == "blank lines" && bytes.Contains(input, []byte("event:")) {
					t.Skip("a blank line ends a server-sent event")
				}
				c, changed := converter(t, transcript.Auto, nil), converter(t, transcript.Auto, nil)
				want, got := lines(feed(c, input, 0)), lines(feed(changed, change(input), 0))
				if !bytes.Equal(got, want) || c.Outcome() != changed.Outcome() {
					t.Errorf("%+v instead of %+v, got:\n%s\nwant:\n%s", changed.Outcome(), c.Outcome(), got, want)
				}
			})
		}
	}
}

// A warning that a program prints before the first object, on the same line, is kept
// and takes nothing else with it.
func TestAWarningBeforeTheFirstObjectTakesNothingWithIt(t *testing.T) {
	for _, format := range jsonFormats() {
		t.Run(string(format), func(t *testing.T) {
			input := fixture(t, format)
			if input[0] != '{' && input[0] != '[' {
				t.Skip("the fixture has a line of its own before the first object")
			}
			want := feed(converter(t, format, nil), input, 0)
			c := converter(t, transcript.Auto, nil)
			got := feed(c, append([]byte("(node:7) Warning: old "), input...), 0)
			if c.Format() != format || len(got) == 0 || got[0].Type != transcript.TypeRaw || !bytes.Equal(lines(got[1:]), lines(want)) {
				t.Errorf("as %s, got:\n%s\nwant:\n%s", c.Format(), lines(got), lines(want))
			}
		})
	}
}

// Wherever in a line a transcript is cut off, it is not a success.
func TestATranscriptThatIsCutOffInALineNeverSucceeded(t *testing.T) {
	for _, format := range jsonFormats() {
		t.Run(string(format), func(t *testing.T) {
			input, from := fixture(t, format), 0
			for line := range bytes.Lines(input) {
				if opens := bytes.IndexByte(line, '{'); opens >= 0 && len(line) > opens+10 {
					for _, cut := range []int{opens + 1, (opens + len(line)) / 2, len(bytes.TrimRight(line, "\r\n")) - 1} {
						c := converter(t, format, nil)
						feed(c, input[:from+cut], 0)
						if got := c.Outcome(); got.Status == eventlog.Succeeded {
							t.Errorf("cut behind %s", input[max(0, from+cut-60):from+cut])
						}
					}
				}
				from += len(line)
			}
		})
	}
}

// Two runs of the same file, one behind the other, cost what one does, where costs
// have ids; and no words are lost.
func TestTheSameLinesTwiceCostOnce(t *testing.T) {
	for _, format := range jsonFormats() {
		t.Run(string(format), func(t *testing.T) {
			input := string(fixture(t, format))
			once := convert(t, format, input)
			for _, e := range ofType(once, eventlog.TypeCost) {
				if fields(t, e)["id"] == nil {
					t.Skip("costs of this format have no ids")
				}
			}
			// As two files, whose converters know nothing of each other.
			checkSum(t, append(slices.Clone(once), convert(t, format, input)...), asSpent(sumOf(t, once)))
		})
	}
}

// hostile are transcripts that something is wrong with, or odd, and what they must become.
type hostile struct {
	format transcript.Format
	lines  []string
	status eventlog.Status
	reason string
	says   string // what the agent and its people say, joined by " | "
	calls  string // tool: success, joined by " | "; without a result, tool alone
	spent  spent
	raws   int
}

const (
	claudeInit    = `{"type":"system","subtype":"init","session_id":"s","model":"m","cwd":"/w"}`
	claudeResult  = `{"type":"result","subtype":"success","is_error":false,"session_id":"s","result":"Done."}`
	rolloutMeta   = `{"timestamp":"2026-09-01T10:00:00Z","type":"session_meta","payload":{"id":"th","cwd":"/w","cli_version":"0.171.0"}}`
	rolloutDone   = `{"timestamp":"2026-09-01T10:00:09Z","type":"event_msg","payload":{"type":"task_complete","last_agent_message":"Done."}}`
	rolloutBegins = `{"timestamp":"2026-09-01T10:00:01Z","type":"event_msg","payload":{"type":"task_started"}}`
)

func claudeSays(id, text, more string) string {
	return fmt.Sprintf(`{"type":"assistant","session_id":"s","message":{"id":%q,"role":"assistant","model":"m","content":[{"type":"text","text":%q}]%s}}`, id, text, more)
}

// kept is a line of Claude Code's files.
func kept(kind, uuid, message string) string {
	return fmt.Sprintf(`{"type":%q,"uuid":%q,"sessionId":"s","timestamp":"2026-09-01T10:00:00Z","message":%s}`, kind, uuid, message)
}

var hostiles = map[string]hostile{
	"Claude: the person's message is last": {
		transcript.ClaudeSession, []string{kept("user", "u1", `{"role":"user","content":"Hi"}`), kept("assistant", "a1", `{"id":"m1","role":"assistant","content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn"}`), kept("user", "u2", `{"role":"user","content":"And now?"}`)},
		eventlog.Interrupted, "a person's words without an answer", "Hi | Hello. | And now?", "", spent{}, 0,
	},
	"Claude: /exit is the person's last word": {
		transcript.ClaudeSession, []string{kept("user", "u1", `{"role":"user","content":"Hi"}`), kept("assistant", "a1", `{"id":"m1","role":"assistant","content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn"}`), kept("user", "u2", `{"role":"user","content":"<command-name>/exit</command-name>\n<command-message>exit</command-message>\n<command-args></command-args>"}`), kept("user", "u3", `{"role":"user","content":"<local-command-stdout>Bye!</local-command-stdout>"}`)},
		eventlog.Succeeded, "", "Hi | Hello. | /exit | Bye!", "", spent{}, 0,
	},
	"Claude: an error of the API, and the next try succeeds": {
		transcript.ClaudeSession, []string{kept("user", "u1", `{"role":"user","content":"Hi"}`), `{"type":"assistant","uuid":"a0","sessionId":"s","isApiErrorMessage":true,"message":{"id":"e","role":"assistant","model":"<synthetic>","content":[{"type":"text","text":"API Error: 529 overloaded"}]}}`, kept("assistant", "a1", `{"id":"m1","role":"assistant","content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn"}`)},
		eventlog.Succeeded, "", "Hi | Hello.", "", spent{}, 0,
	},
	"Claude: interrupted, then resumed": {
		transcript.ClaudeSession, []string{kept("user", "u1", `{"role":"user","content":"Hi"}`), kept("user", "u2", `{"role":"user","content":[{"type":"text","text":"[Request interrupted by user]"}]}`), kept("user", "u3", `{"role":"user","content":"Go on"}`), kept("assistant", "a1", `{"id":"m1","role":"assistant","content":[{"type":"text","text":"Yes."}],"stop_reason":"end_turn"}`)},
		eventlog.Succeeded, "", "Hi | Go on | Yes.", "", spent{}, 0,
	},
	"Claude: interrupted last": {
		transcript.ClaudeSession, []string{kept("user", "u1", `{"role":"user","content":"Hi"}`), kept("user", "u2", `{"role":"user","content":[{"type":"text","text":"[Request interrupted by user]"}]}`)},
		eventlog.Canceled, "interrupted by a person", "Hi", "", spent{}, 0,
	},
	"Claude: two objects on a line": {
		transcript.Claude, []string{claudeInit + claudeSays("m1", "One.", ""), claudeSays("m2", "Two.", "") + " " + claudeResult},
		eventlog.Succeeded, "", "One. | Two. | Done.", "", spent{}, 0,
	},
	"Claude: a warning behind an object": {
		transcript.Claude, []string{claudeInit, claudeSays("m1", "Done.", "") + "(node:1) Warning", claudeResult},
		eventlog.Succeeded, "", "Done.", "", spent{}, 1,
	},
	"Claude: a message is told twice, and grows": {
		transcript.Claude, []string{claudeInit, claudeSays("m1", "Done.", `,"usage":{"input_tokens":10,"output_tokens":1}`), claudeSays("m1", "Done.", `,"usage":{"input_tokens":10,"output_tokens":5}`), claudeResult},
		eventlog.Succeeded, "", "Done.", "", spent{Input: 10, Output: 5}, 0,
	},
	"Claude: negative and huge amounts": {
		transcript.Claude, []string{claudeInit, claudeSays("m1", "Done.", `,"usage":{"input_tokens":-10,"output_tokens":1e300}`), claudeResult},
		eventlog.Succeeded, "", "Done.", "", spent{Output: 1e12}, 0,
	},
	"Claude: amounts that are texts, and none": {
		transcript.Claude, []string{claudeInit, claudeSays("m1", "Done.", `,"usage":{"input_tokens":"many","output_tokens":null}`), claudeSays("m2", "Really.", `,"usage":null`), claudeResult},
		eventlog.Succeeded, "", "Done. | Really. | Done.", "", spent{}, 0,
	},
	"Claude: no content, empty content, unknown blocks": {
		transcript.Claude, []string{claudeInit, `{"type":"assistant","session_id":"s","message":{"id":"m1","content":[]}}`, `{"type":"assistant","session_id":"s","message":{"id":"m2","content":[{"type":"hologram","x":1},{}]}}`, claudeResult},
		eventlog.Succeeded, "", "Done.", "", spent{}, 2,
	},
	"Claude: a result without its call, and a call without its result": {
		transcript.Claude, []string{claudeInit, `{"type":"user","session_id":"s","message":{"content":[{"type":"tool_result","tool_use_id":"gone","content":"?"}]}}`, `{"type":"assistant","session_id":"s","message":{"id":"m1","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{}}]}}`},
		eventlog.Interrupted, "a call without a result", "", ": true | Bash", spent{}, 0,
	},
	"Claude: a result is told twice, and before its call": {
		transcript.Claude, []string{claudeInit, `{"type":"user","session_id":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"a"}]}}`, `{"type":"assistant","session_id":"s","message":{"id":"m1","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{}}]}}`, `{"type":"user","session_id":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"a"}]}}`, claudeResult},
		eventlog.Succeeded, "", "Done.", ": true | Bash", spent{}, 0,
	},
	"Claude: subagents two deep": {
		transcript.Claude, []string{
			claudeInit, `{"type":"assistant","session_id":"s","message":{"id":"m1","content":[{"type":"tool_use","id":"t1","name":"Task","input":{}}]}}`,
			`{"type":"assistant","session_id":"s","parent_tool_use_id":"t1","message":{"id":"m2","content":[{"type":"tool_use","id":"t2","name":"Task","input":{}}]}}`,
			`{"type":"assistant","session_id":"s","parent_tool_use_id":"t2","message":{"id":"m3","content":[{"type":"tool_use","id":"t3","name":"Bash","input":{}}]}}`,
			`{"type":"user","session_id":"s","parent_tool_use_id":"t2","message":{"content":[{"type":"tool_result","tool_use_id":"t3","content":"no","is_error":true}]}}`,
			`{"type":"user","session_id":"s","parent_tool_use_id":"t1","message":{"content":[{"type":"tool_result","tool_use_id":"t2","content":"ok"}]}}`,
			`{"type":"user","session_id":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"ok"}]}}`, claudeResult,
		},
		eventlog.Succeeded, "", "Done.", "Task: true | Task: true | Bash: false", spent{}, 0,
	},
	"Claude: a result with NUL and other control characters": {
		transcript.Claude, []string{claudeInit, `{"type":"result","subtype":"success","session_id":"s","result":"a\u0000b\u001b[31m\ud800"}`},
		eventlog.Succeeded, "", "a\x00b\x1b[31m\ufffd", "", spent{}, 0,
	},
	"Claude: words in other scripts": {
		transcript.ClaudeSession, []string{kept("user", "u1", `{"role":"user","content":"修复解析器 🚀 \u202eabc"}`), kept("assistant", "a1", `{"id":"m1","role":"assistant","content":[{"type":"text","text":"完成。"}],"stop_reason":"end_turn"}`)},
		eventlog.Succeeded, "", "修复解析器 🚀 \u202eabc | 完成。", "", spent{}, 0,
	},
	"Claude: numbers where texts belong": {
		transcript.Claude, []string{claudeInit, `{"type":"assistant","session_id":5,"uuid":[],"message":{"id":7,"content":[{"type":"text","text":12},{"type":"tool_use","id":8,"name":null,"input":"x"}]}}`, claudeResult},
		eventlog.Succeeded, "", "Done.", "", spent{}, 0,
	},
	"Claude: an end without a word": {
		transcript.Claude, []string{claudeInit, `{"type":"result","subtype":"error_max_turns","is_error":false,"session_id":"s"}`},
		eventlog.Failed, "error_max_turns", "", "", spent{}, 0,
	},
	"rollout: a turn fails, the next one goes well": {
		transcript.CodexRollout, []string{rolloutMeta, rolloutBegins, `{"timestamp":"2026-09-01T10:00:02Z","type":"event_msg","payload":{"type":"error","message":"usage limit"}}`, rolloutBegins, rolloutDone},
		eventlog.Succeeded, "", "Done.", "", spent{}, 0,
	},
	"rollout: aborted last": {
		transcript.CodexRollout, []string{rolloutMeta, rolloutBegins, `{"timestamp":"2026-09-01T10:00:02Z","type":"event_msg","payload":{"type":"turn_aborted","reason":"interrupted"}}`},
		eventlog.Canceled, "interrupted", "", "", spent{}, 0,
	},
	"rollout: the total goes back": {
		transcript.CodexRollout, []string{
			rolloutMeta, rolloutBegins,
			`{"timestamp":"2026-09-01T10:00:02Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":100,"output_tokens":10},"last_token_usage":{"input_tokens":100,"output_tokens":10}}}}`,
			`{"timestamp":"2026-09-01T10:00:03Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":40,"output_tokens":4},"last_token_usage":{"input_tokens":40,"output_tokens":4}}}}`, rolloutDone,
		},
		eventlog.Succeeded, "", "Done.", "", spent{Input: 140, Output: 14}, 0,
	},
	"rollout: times out of order, in nanoseconds, and none": {
		transcript.CodexRollout, []string{rolloutMeta, strings.Replace(rolloutBegins, `"2026-09-01T10:00:01Z"`, `1788256800000000000`, 1), strings.Replace(rolloutDone, `"timestamp":"2026-09-01T10:00:09Z",`, "", 1)},
		eventlog.Succeeded, "", "Done.", "", spent{}, 0,
	},
	"codex exec: cut off in a call": {
		transcript.Codex, []string{`{"type":"thread.started","thread_id":"t"}`, `{"type":"turn.started"}`, `{"type":"item.started","item":{"id":"i","type":"command_execution","command":"make","status":"in_progress"}}`},
		eventlog.Interrupted, "a call without a result", "", "shell", spent{}, 0,
	},
	"codex exec: an unknown item, and no item": {
		transcript.Codex, []string{`{"type":"thread.started","thread_id":"t"}`, `{"type":"item.completed","item":{"id":"i","type":"dream","text":"x"}}`, `{"type":"item.completed"}`, `{"type":"turn.completed"}`},
		eventlog.Succeeded, "", "", "", spent{}, 2,
	},
	"Gemini: an error last": {
		transcript.Gemini, []string{`{"type":"init","session_id":"g","model":"m"}`, `{"type":"message","role":"assistant","content":"I try.","delta":true}`, `{"type":"result","status":"error","error":{"type":"quota","message":"too much"},"stats":{}}`},
		eventlog.Failed, "too much", "I try.", "", spent{}, 0,
	},
	"Gemini: no result": {
		transcript.Gemini, []string{`{"type":"init","session_id":"g","model":"m"}`, `{"type":"message","role":"assistant","content":"I try.","delta":true}`},
		eventlog.Interrupted, "in the middle of a run", "I try.", "", spent{}, 0,
	},
	"Gemini's chat: a person's message last": {
		transcript.GeminiChat, []string{`{"sessionId":"g","projectHash":"0","messages":[{"id":"a","timestamp":"2026-11-01T10:00:02Z","type":"gemini","content":"Hi."},{"id":"b","timestamp":"2026-11-01T10:00:03Z","type":"user","content":"And?"}]}`},
		eventlog.Interrupted, "a person's words without an answer", "Hi. | And?", "", spent{}, 0,
	},
	"Qwen: an error, then a good turn": {
		transcript.Qwen, []string{`{"type":"system","subtype":"init","session_id":"q","qwen_code_version":"0.24"}`, `{"type":"result","subtype":"error_during_execution","is_error":true,"session_id":"q","error":{"message":"no model"}}`, `{"type":"assistant","session_id":"q","message":{"id":"m","content":[{"type":"text","text":"Yes."}]}}`, `{"type":"result","subtype":"success","is_error":false,"session_id":"q","result":"Yes."}`},
		eventlog.Succeeded, "", "Yes.", "", spent{}, 0,
	},
	"opencode: an error last": {
		transcript.OpenCode, []string{`{"type":"step_start","timestamp":1785046043000,"sessionID":"ses_1","part":{"id":"p","type":"step-start"}}`, `{"type":"error","timestamp":1785046043001,"sessionID":"ses_1","error":{"name":"APIError","data":{"message":"overloaded"}}}`},
		eventlog.Failed, "overloaded", "", "", spent{}, 0,
	},
	"opencode: a step with calls last": {
		transcript.OpenCode, []string{`{"type":"step_start","timestamp":1785046043000,"sessionID":"ses_1","part":{"id":"p","type":"step-start"}}`, `{"type":"step_finish","timestamp":1785046043002,"sessionID":"ses_1","part":{"id":"q","type":"step-finish","reason":"tool-calls","tokens":{"input":5,"output":1,"cache":{"read":0,"write":0}},"cost":0.5}}`},
		eventlog.Interrupted, "in the middle of a run", "", "", spent{USD: 0.5, Input: 5, Output: 1}, 0,
	},
	"pi: aborted": {
		transcript.Pi, []string{`{"type":"session","version":3,"id":"p","timestamp":"2026-01-13T00:33:34.702Z","cwd":"/w"}`, `{"type":"message","id":"1","parentId":null,"message":{"role":"assistant","content":[{"type":"text","text":"I"}],"stopReason":"aborted","timestamp":1785046043000}}`},
		eventlog.Canceled, "abort", "I", "", spent{}, 0,
	},
	"pi: a result without a call, and an unknown role": {
		transcript.Pi, []string{`{"type":"session","version":3,"id":"p","timestamp":"2026-01-13T00:33:34.702Z","cwd":"/w"}`, `{"type":"message","id":"1","parentId":null,"message":{"role":"toolResult","toolCallId":"x","toolName":"bash","content":[],"isError":true,"timestamp":1785046043000}}`, `{"type":"message","id":"2","parentId":"1","message":{"role":"ghost","content":"boo","timestamp":1785046043000}}`},
		eventlog.Interrupted, "in the middle of a run", "", "bash: false", spent{}, 1,
	},
	"Copilot: a message, and nothing that ends it": {
		transcript.Copilot, []string{`{"type":"session.start","data":{"sessionId":"c","copilotVersion":"1"}}`, `{"type":"user.message","data":{"content":"Hi"}}`},
		eventlog.Interrupted, "a person's words without an answer", "Hi", "", spent{}, 0,
	},
	"Cursor: a call is open": {
		transcript.Cursor, []string{`{"type":"system","subtype":"init","apiKeySource":"login","cwd":"/w","session_id":"c","model":"m","permissionMode":"default"}`, "{\"type\":\"tool_call\",\"subtype\":\"started\",\"call_id\":\"a\\nb\",\"tool_call\":{\"shellToolCall\":{\"args\":{\"command\":\"make\"}}}}"},
		eventlog.Interrupted, "a call without a result", "", "shell", spent{}, 0,
	},
	"OpenHands: stuck": {
		transcript.OpenHands, []string{`{"id":"1","timestamp":"2026-09-01T10:00:00","source":"user","kind":"MessageEvent","llm_message":{"role":"user","content":[{"type":"text","text":"Go"}]}}`, `{"id":"2","timestamp":"2026-09-01T10:00:01","source":"environment","kind":"ConversationStateUpdateEvent","key":"execution_status","value":"stuck"}`},
		eventlog.Failed, "stuck", "Go", "", spent{}, 0,
	},
	"OpenHands: running": {
		transcript.OpenHands, []string{`{"id":"1","timestamp":"2026-09-01T10:00:00","source":"agent","kind":"MessageEvent","llm_message":{"role":"assistant","content":[{"type":"text","text":"I go"}]}}`, `{"id":"2","timestamp":"2026-09-01T10:00:01","source":"environment","kind":"ConversationStateUpdateEvent","key":"execution_status","value":"running"}`},
		eventlog.Interrupted, "in the middle of a run", "I go", "", spent{}, 0,
	},
	"Droid: no completion": {
		transcript.Droid, []string{`{"type":"system","subtype":"init","cwd":"/w","session_id":"d","model":"m","tools":[]}`, `{"type":"tool_call","id":"c","toolName":"Execute","parameters":{}}`},
		eventlog.Interrupted, "a call without a result", "", "Execute", spent{}, 0,
	},
	"Kimi: a failure that only its text tells": {
		transcript.Kimi, []string{`{"role":"assistant","content":"I look.","tool_calls":[{"type":"function","id":"a","function":{"name":"Shell","arguments":"{}"}}]}`, `{"role":"tool","tool_call_id":"a","content":"<system>ERROR: no</system>"}`, `{"role":"assistant","content":"It failed."}`},
		eventlog.Succeeded, "", "I look. | It failed.", "Shell: false", spent{}, 0,
	},
	"Cline: a request that failed last": {
		transcript.Cline, []string{`{"ts":1788256800000,"type":"say","say":"task","text":"Go"}`, `{"ts":1788256801000,"type":"ask","ask":"api_req_failed","text":"overloaded"}`},
		eventlog.Failed, "overloaded", "Go", "", spent{}, 0,
	},
	"Goose: an error in the stream": {
		transcript.Goose, []string{`{"type":"message","message":{"id":"m","role":"assistant","created":1788256800,"content":[{"type":"text","text":"I go."}]}}`, `{"type":"error","error":"no credits"}`},
		eventlog.Failed, "no credits", "I go.", "", spent{}, 0,
	},
	"Antigravity: no result": {
		transcript.Antigravity, []string{`{"event":"init","conversation_id":"c","init":{"cwd":"/w","model":"m"}}`, `{"event":"step_update","conversation_id":"c","step_update":{"step_index":1,"state":"ACTIVE","step_type":"agent_response","text_delta":"I r"}}`},
		eventlog.Interrupted, "in the middle of a run", "I r", "", spent{}, 0,
	},
	"Amp's thread: a call is open": {
		transcript.AmpThread, []string{`{"v":3,"id":"T-1","created":1788256800,"messages":[{"role":"user","messageId":0,"content":[]},{"role":"assistant","messageId":1,"content":[{"type":"tool_use","id":"t","name":"Bash","input":{}}],"usage":{"model":"m","inputTokens":-1,"outputTokens":2}}]}`},
		eventlog.Interrupted, "a call without a result", "", "Bash", spent{Output: 2}, 0,
	},
	"ACP: the agent alone, an answer without an end": {
		transcript.ACP, []string{`{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"I "}}}}`, `{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"go."}}}}`},
		eventlog.Interrupted, "in the middle of a run", "I go.", "", spent{}, 0,
	},
	"ACP: a prompt without an answer": {
		transcript.ACP, []string{`{"jsonrpc":"2.0","id":1,"method":"session/prompt","params":{"sessionId":"s","prompt":[{"type":"text","text":"Go"}]}}`},
		eventlog.Interrupted, "a person's words without an answer", "Go", "", spent{}, 0,
	},
	"AI SDK: an error in the middle": {
		transcript.AISDK, []string{`data: {"type":"start","messageId":"m"}`, `data: {"type":"text-start","id":"1"}`, `data: {"type":"text-delta","id":"1","delta":"I"}`, `data: {"type":"error","errorText":"no"}`, `data: [DONE]`},
		eventlog.Failed, "no", "I", "", spent{}, 0,
	},
	"Responses: it is incomplete": {
		transcript.Responses, []string{`{"object":"response","id":"resp_1","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"id":"i","type":"message","role":"assistant","content":[{"type":"output_text","text":"I"}]}],"usage":{"input_tokens":5,"output_tokens":1}}`},
		eventlog.Failed, "max_output_tokens", "I", "", spent{Input: 5, Output: 1}, 0,
	},
	"chat completions: no end": {
		transcript.ChatCompletions, []string{`data: {"object":"chat.completion.chunk","id":"c","model":"m","choices":[{"index":0,"delta":{"content":"I g"},"finish_reason":null}]}`},
		eventlog.Interrupted, "in the middle of a run", "I g", "", spent{}, 0,
	},
	"AG-UI: a run is open": {
		transcript.AGUI, []string{`{"type":"RUN_STARTED","threadId":"t","runId":"r"}`, `{"type":"TEXT_MESSAGE_START","messageId":"m","role":"assistant"}`, `{"type":"TEXT_MESSAGE_CONTENT","messageId":"m","delta":"I"}`},
		eventlog.Interrupted, "in the middle of a run", "I", "", spent{}, 0,
	},
	"LangGraph: a person's message last": {
		transcript.LangGraph, []string{`{"type":"human","id":"h","content":"Go"}`},
		eventlog.Interrupted, "a person's words without an answer", "Go", "", spent{}, 0,
	},
	"append: no complete, and what the log refuses": {
		transcript.Append, []string{`{"type":"assistant","data":{"content":"I"}}`, `{"type":"tool_call","data":{"tool":"x"}}`, `{"type":"question","data":{"content":"May I?"}}`},
		eventlog.Interrupted, "waits for a person", "I", "", spent{}, 1,
	},
	"nothing": {transcript.Claude, nil, eventlog.Interrupted, "in the middle of a run", "", "", spent{}, 0},
}

func TestHostileTranscripts(t *testing.T) {
	for name, test := range hostiles {
		t.Run(name, func(t *testing.T) {
			input := strings.Join(test.lines, "\n") + "\n"
			c := converter(t, test.format, nil)
			events := feed(c, []byte(input), 0)
			for _, e := range events {
				checkEvent(t, e, 4<<20)
			}
			if got := c.Outcome(); got.Status != test.status || !strings.Contains(got.Reason, test.reason) {
				t.Errorf("ended as %+v", got)
			}
			var says, calls []string
			for _, e := range events {
				f := fields(t, e)
				switch e.Type {
				case eventlog.TypeAssistant, eventlog.TypeUser:
					says = append(says, fmt.Sprint(f["content"]))
				case eventlog.TypeToolCall:
					calls = append(calls, fmt.Sprint(f["tool"]))
				case eventlog.TypeToolResult:
					text := fmt.Sprintf("%v: %v", f["tool"], f["success"])
					if i := callOf(events, calls, f); i >= 0 {
						calls[i] = text
					} else {
						calls = append(calls, text)
					}
				}
			}
			if got := strings.Join(says, " | "); got != test.says {
				t.Errorf("says %q, want %q", got, test.says)
			}
			if got := strings.Join(calls, " | "); got != test.calls {
				t.Errorf("calls %q, want %q", got, test.calls)
			}
			checkSum(t, events, test.spent)
			if got := c.Stats().Raw; got != test.raws {
				t.Errorf("%d raws, want %d", got, test.raws)
			}
			if t.Failed() {
				t.Logf("%s", lines(events))
			}
		})
	}
}

// callOf returns the place, among calls that are named so far, of the call with the id
// of a result.
func callOf(events []eventlog.Event, calls []string, result map[string]any) int {
	n := 0
	for _, e := range events {
		if e.Type != eventlog.TypeToolCall || n == len(calls) {
			continue
		}
		if id, _ := result["call_id"].(string); id != "" && strings.Contains(string(e.Data), `"call_id":`+quoted(id)) {
			return n
		}
		n++
	}
	return -1
}

// A time is told in the unit that its agent counts in.
func TestTimesInEveryUnitAreTheSameMoment(t *testing.T) {
	for unit, number := range map[string]string{"s": "1788256800", "s with a fraction": "1788256800.0", "ms": "1788256800000", "µs": "1788256800000000", "ns": "1788256800000000000", "text": `"2026-09-01T10:00:00Z"`, "zone": `"2026-09-01T12:00:00+02:00"`} {
		events := convert(t, transcript.Claude, `{"type":"user","session_id":"s","timestamp":`+number+`,"message":{"content":"Hi"}}`)
		if got := events[len(events)-1].Time.UTC().Format(eventlog.TimeFormat); got != "2026-09-01T10:00:00.000Z" {
			t.Errorf("%s: %s", unit, got)
		}
	}
	for _, number := range []string{"-5", "0", "1e300", `""`, `"yesterday"`, "null", "[]"} {
		events := convert(t, transcript.Claude, `{"type":"user","session_id":"s","timestamp":`+number+`,"message":{"content":"Hi"}}`)
		if got := events[len(events)-1].Time; !got.IsZero() {
			t.Errorf("%s: %s", number, got)
		}
	}
}
