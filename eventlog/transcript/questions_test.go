package transcript_test

import (
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// A question that nobody has answered is the run's last word: it waits for a person. The
// answer, or the agent's going on, ends that.
func TestARunThatAsksAPersonWaits(t *testing.T) {
	for name, test := range map[string]struct {
		format  transcript.Format
		asked   string // the lines up to the question
		content string
		options string // the labels
		then    string // lines after which nothing waits
	}{
		"Claude Code's tool": {
			transcript.Claude,
			`{"type":"assistant","session_id":"s","message":{"id":"m","content":[{"type":"tool_use","id":"t1","name":"AskUserQuestion","input":{"questions":[{"question":"Which parser?","header":"Parser","options":[{"label":"fast","description":"less exact"},{"label":"exact"}]}]}}]}}`,
			"Which parser?", "fast, exact",
			`{"type":"user","session_id":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"fast"}]}}`,
		},
		"Claude Code's plan": {
			transcript.ClaudeSession,
			`{"type":"assistant","uuid":"u","sessionId":"s","message":{"id":"m","content":[{"type":"tool_use","id":"t1","name":"ExitPlanMode","input":{"plan":"1. Mend it"}}]}}`,
			"The plan is ready. May it be carried out?", "",
			`{"type":"user","uuid":"v","sessionId":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"approved"}]}}`,
		},
		"Claude Code's permission": {
			transcript.Claude,
			`{"type":"assistant","session_id":"s","message":{"id":"m","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"make"}}]}}` + "\n" +
				`{"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool","tool_name":"Bash","tool_use_id":"t1","input":{"command":"make"}}}`,
			"Permission asked for Bash", "",
			`{"type":"user","session_id":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"ok"}]}}`,
		},
		"Claude Code's MCP server": {
			transcript.Claude,
			`{"type":"system","subtype":"init","session_id":"s"}` + "\n" +
				`{"type":"control_request","request_id":"r","request":{"subtype":"elicitation","mcp_server_name":"db","message":"Your name?"}}`,
			"An MCP server asks: Your name?", "",
			`{"type":"assistant","session_id":"s","message":{"id":"m","content":[{"type":"text","text":"Thank you."}]}}`,
		},
		"Qwen Code's permission": {
			transcript.Qwen,
			`{"type":"system","subtype":"init","session_id":"s","qwen_code_version":"0.24"}` + "\n" +
				`{"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool","tool_name":"edit","tool_use_id":"t1","input":{}}}`,
			"Permission asked for edit", "",
			`{"type":"control_response","response":{"subtype":"success","request_id":"r"}}`,
		},
		"codex exec": {
			transcript.Codex,
			`{"type":"request_user_input","call_id":"c","questions":[{"id":"q","header":"H","question":"Which branch?","options":[{"label":"main","description":""},{"label":"dev","description":""}]}]}`,
			"Which branch?", "main, dev",
			`{"type":"item.completed","item":{"id":"i","type":"agent_message","text":"main, then."}}`,
		},
		"a rollout's approval": {
			transcript.CodexRollout,
			`{"timestamp":"2026-09-01T10:00:00Z","type":"event_msg","payload":{"type":"exec_approval_request","call_id":"c","command":["bash","-lc","make"]}}`,
			"Permission asked: make", "",
			`{"timestamp":"2026-09-01T10:00:01Z","type":"event_msg","payload":{"type":"agent_message","message":"Done."}}`,
		},
		"a rollout's question": {
			transcript.CodexRollout,
			`{"timestamp":"2026-09-01T10:00:00Z","type":"response_item","payload":{"type":"function_call","name":"request_user_input","call_id":"c","arguments":"{\"questions\":[{\"id\":\"q\",\"question\":\"Which?\",\"options\":[{\"label\":\"A\"},{\"label\":\"B\"}]}]}"}}`,
			"Which?", "A, B",
			`{"timestamp":"2026-09-01T10:00:01Z","type":"response_item","payload":{"type":"function_call_output","call_id":"c","output":"{\"answers\":{\"q\":{\"answers\":[\"A\"]}}}"}}`,
		},
		"the app server's approval": {
			transcript.CodexServer,
			`{"id":7,"method":"item/commandExecution/requestApproval","params":{"threadId":"t","turnId":"u","itemId":"c","command":"make","availableDecisions":["accept","decline"]}}`,
			"Permission asked: make", "accept, decline",
			`{"id":7,"result":{"decision":"accept"}}`,
		},
		"the app server's question": {
			transcript.CodexServer,
			`{"id":7,"method":"item/tool/requestUserInput","params":{"threadId":"t","turnId":"u","itemId":"c","questions":[{"id":"q","question":"Which?","options":[{"label":"A"}]}]}}`,
			"Which?", "A",
			`{"id":7,"result":{"answers":{}}}`,
		},
		"opencode's permission": {
			transcript.OpenCodeServer,
			`{"type":"permission.asked","properties":{"id":"p","sessionID":"ses_1","permission":"bash","patterns":["make"],"tool":{"messageID":"m","callID":"c"}}}`,
			"Permission asked: bash", "",
			`{"type":"permission.replied","properties":{"sessionID":"ses_1","requestID":"p","reply":"once"}}`,
		},
		"opencode's question": {
			transcript.OpenCodeServer,
			`{"type":"question.asked","properties":{"id":"q","sessionID":"ses_1","questions":[{"question":"Which?","header":"H","options":[{"label":"A","description":"the first"}]}]}}`,
			"Which?", "A",
			`{"type":"question.replied","properties":{"sessionID":"ses_1","requestID":"q","answers":[["A"]]}}`,
		},
		"Gemini's tool": {
			transcript.Gemini,
			`{"type":"tool_use","tool_name":"ask_user","tool_id":"t1","parameters":{"questions":[{"question":"Which?","header":"H","type":"choice","options":[{"label":"A","description":""}]}]}}`,
			"Which?", "A",
			`{"type":"tool_result","tool_id":"t1","status":"success","output":"A"}`,
		},
		"Copilot's question": {
			transcript.Copilot,
			`{"type":"user_input.requested","data":{"requestId":"r","question":"Which?","choices":["A","B"]}}`,
			"Which?", "A, B",
			`{"type":"user_input.completed","data":{"requestId":"r","answer":"A"}}`,
		},
		"Cline's question": {
			transcript.Cline,
			`{"ts":1788256800000,"type":"ask","ask":"followup","text":"{\"question\":\"Which?\",\"options\":[\"A\",\"B\"]}"}`,
			"Which?", "A, B",
			`{"ts":1788256801000,"type":"say","say":"user_feedback","text":"A"}`,
		},
		"Roo's question, with answers as objects": {
			transcript.Cline,
			`{"ts":1788256800000,"type":"ask","ask":"followup","text":"{\"question\":\"Which?\",\"suggest\":[{\"answer\":\"A\"}]}"}`,
			"Which?", "A",
			`{"ts":1788256801000,"type":"say","say":"user_feedback","text":"A"}`,
		},
		"an editor's permission": {
			transcript.ACP,
			`{"jsonrpc":"2.0","id":3,"method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c","title":"make"},"options":[{"optionId":"yes","name":"Allow once","kind":"allow_once"}]}}`,
			"Permission asked: make", "Allow once",
			`{"jsonrpc":"2.0","id":3,"result":{"outcome":{"outcome":"selected","optionId":"yes"}}}`,
		},
		"an interrupt of AG-UI": {
			transcript.AGUI,
			`{"type":"RUN_STARTED","threadId":"t","runId":"r"}` + "\n" +
				`{"type":"RUN_FINISHED","threadId":"t","runId":"r","outcome":{"type":"interrupt","interrupts":[{"id":"i","reason":"approval","message":"Send it?"}]}}`,
			"Send it?", "",
			`{"type":"RUN_STARTED","threadId":"t","runId":"r2"}`,
		},
		"an older interrupt of AG-UI": {
			transcript.AGUI,
			`{"type":"RUN_FINISHED","threadId":"t","runId":"r","outcome":"interrupt","interrupt":{"id":"i","payload":{"question":"Send it?","options":["yes","no"]}}}`,
			"Send it?", "yes, no",
			`{"type":"RUN_STARTED","threadId":"t","runId":"r2"}`,
		},
		"an interrupt of LangGraph, whose stream ends": {
			transcript.LangGraph,
			"event: metadata\ndata: {\"run_id\":\"r\",\"attempt\":1}\n\nevent: updates\ndata: {\"__interrupt__\":[{\"value\":{\"action_requests\":[{\"name\":\"send\",\"args\":{},\"description\":\"Send the mail?\"}],\"review_configs\":[{\"action_name\":\"send\",\"allowed_decisions\":[\"approve\",\"reject\"]}]},\"id\":\"i\"}]}\n\nevent: end\ndata: {}\n",
			"Send the mail?", "approve, reject",
			"event: metadata\ndata: {\"run_id\":\"r2\",\"attempt\":1}\n",
		},
		"an approval of the AI SDK, whose message ends": {
			transcript.AISDK,
			`data: {"type":"start","messageId":"m"}` + "\n" + `data: {"type":"tool-input-available","toolCallId":"c","toolName":"send","input":{}}` + "\n" +
				`data: {"type":"tool-approval-request","approvalId":"a","toolCallId":"c"}` + "\n" + `data: {"type":"finish","finishReason":"stop"}`,
			"Permission asked for send", "",
			`data: {"type":"tool-output-available","toolCallId":"c","output":"sent"}`,
		},
		"an approval of a response that is complete": {
			transcript.Responses,
			`{"object":"response","id":"resp_1","status":"completed","output":[{"id":"mcpr_1","type":"mcp_approval_request","name":"send","server_label":"mail","arguments":"{}"}]}`,
			"Permission asked for send", "",
			"",
		},
		"Goose's confirmation": {
			transcript.Goose,
			`{"type":"message","message":{"id":"m","role":"assistant","created":1788256800,"content":[{"type":"toolConfirmationRequest","id":"c","toolName":"shell","arguments":{},"prompt":"Run it?"}]}}`,
			"Run it?", "",
			`{"type":"message","message":{"id":"n","role":"user","created":1788256801,"content":[{"type":"text","text":"yes"}]}}`,
		},
		"Kimi's approval": {
			transcript.Kimi,
			`{"timestamp":1788256800.5,"message":{"type":"ApprovalRequest","payload":{"id":"a","tool_call_id":"t","action":"run command","description":"Run make"}}}`,
			"Permission asked: Run make", "",
			`{"timestamp":1788256801.5,"message":{"type":"ApprovalResponse","payload":{"request_id":"a","response":"approve"}}}`,
		},
		"Kimi's question": {
			transcript.Kimi,
			`{"timestamp":1788256800.5,"message":{"type":"QuestionRequest","payload":{"id":"a","tool_call_id":"t","questions":[{"question":"Which?","options":[{"label":"A","description":""}]}]}}}`,
			"Which?", "A",
			`{"timestamp":1788256801.5,"message":{"type":"QuestionResponse","payload":{"request_id":"a","answers":{}}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			events := convert(t, test.format, test.asked+"\n")
			asked := ofType(events, eventlog.TypeQuestion)
			if len(asked) != 1 {
				t.Fatalf("%d questions in:\n%s", len(asked), lines(events))
			}
			var labels []string
			options, _ := fields(t, asked[0])["options"].([]any)
			for _, o := range options {
				label, _ := o.(map[string]any)["label"].(string)
				labels = append(labels, label)
			}
			if got := fields(t, asked[0])["content"]; got != test.content || strings.Join(labels, ", ") != test.options {
				t.Errorf("asked %q, options %q", got, labels)
			}
			got := outcome(t, test.format, test.asked+"\n")
			if got.Status != eventlog.Interrupted || !got.Unfinished || !strings.Contains(got.Reason, "waits for a person") {
				t.Errorf("without an answer: %+v", got)
			}
			if test.then == "" {
				return
			}
			if got := outcome(t, test.format, test.asked+"\n"+test.then+"\n"); strings.Contains(got.Reason, "waits for a person") {
				t.Errorf("with an answer: %+v", got)
			}
		})
	}
}

// Claude Code tells a question twice: as a call, and when it asks the program around it
// to have it answered. Several questions of one call stand alone.
func TestAQuestionIsToldOnce(t *testing.T) {
	call := `{"type":"assistant","session_id":"s","message":{"id":"m","content":[{"type":"tool_use","id":"t1","name":"AskUserQuestion","input":{"questions":[{"question":"A?"},{"question":"B?"}]}}]}}` + "\n"
	request := `{"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool","tool_name":"AskUserQuestion","tool_use_id":"t1","input":{}}}` + "\n"
	events := convert(t, transcript.Claude, call+request)
	if got := texts(t, events, eventlog.TypeQuestion, "content"); strings.Join(got, " ") != "A? B?" {
		t.Errorf("asked %q", got)
	}
	if got := texts(t, events, eventlog.TypeQuestion, "call_id"); strings.Join(got, " ") != "t1 t1" {
		t.Errorf("of the calls %q", got)
	}
}
