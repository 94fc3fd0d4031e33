package transcript_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// How a run ended, for each way in which these agents tell it, or do not.
func TestTheEndsOfRunsAreThoseThatTheAgentsTell(t *testing.T) {
	const (
		geminiInit = `{"type":"init","session_id":"g","model":"m"}` + "\n"
		geminiCall = `{"type":"tool_use","tool_id":"x","tool_name":"t","parameters":{}}` + "\n"
		chatHead   = `{"sessionId":"g","projectHash":"0","startTime":"2026-11-01T10:00:00Z","lastUpdated":"2026-11-01T10:00:00Z"}` + "\n"
		chatUser   = `{"id":"u","timestamp":"2026-11-01T10:00:01Z","type":"user","content":[{"text":"Go"}]}` + "\n"
		chatSaid   = `{"id":"a","timestamp":"2026-11-01T10:00:02Z","type":"gemini","content":"Done."}` + "\n"
		qwenInit   = `{"type":"system","subtype":"init","session_id":"q","qwen_code_version":"1"}` + "\n"
		qwenUser   = `{"uuid":"1","sessionId":"q","type":"user","message":{"role":"user","parts":[{"text":"Go"}]}}` + "\n"
		qwenSaid   = `{"uuid":"2","sessionId":"q","type":"assistant","message":{"role":"model","parts":[{"text":"Done."}]}}` + "\n"
		stepStart  = `{"type":"step_start","sessionID":"s","part":{"id":"p1","messageID":"m"}}` + "\n"
		served     = `{"type":"session.next.step.started","properties":{"sessionID":"s","assistantMessageID":"m","model":{"id":"x"}}}` + "\n"
		copilotHi  = `{"type":"user.message","data":{"content":"Go"}}` + "\n"
		handsUser  = `{"id":"1","kind":"MessageEvent","source":"user","llm_message":{"content":"Go"}}` + "\n"
	)
	finish := func(reason string) string {
		return fmt.Sprintf(`{"type":"step_finish","sessionID":"s","part":{"id":"f%s","messageID":"m","reason":%q}}`+"\n", reason, reason)
	}
	pi := func(reason, more string) string {
		return fmt.Sprintf(`{"type":"message_end","message":{"role":"assistant","content":[],"stopReason":%q,"timestamp":1790000000000%s}}`+"\n", reason, more)
	}
	hands := func(key, value string) string {
		return fmt.Sprintf(`{"id":%q,"kind":"ConversationStateUpdateEvent","source":"environment","key":%q,"value":%q}`+"\n", value, key, value)
	}
	for name, test := range map[string]struct {
		format transcript.Format
		input  string
		status eventlog.Status
		reason string
	}{
		"gemini: a result":                    {transcript.Gemini, geminiInit + `{"type":"result","status":"success","stats":{}}`, eventlog.Succeeded, ""},
		"gemini: a result with an error":      {transcript.Gemini, geminiInit + `{"type":"result","status":"error","error":{"type":"t","message":"no key"},"stats":{}}`, eventlog.Failed, "no key"},
		"gemini: an open call":                {transcript.Gemini, geminiInit + geminiCall, eventlog.Interrupted, "a call without a result"},
		"gemini: words without a result":      {transcript.Gemini, geminiInit + `{"type":"message","role":"assistant","content":"Half","delta":true}`, eventlog.Interrupted, "in the middle"},
		"gemini: json":                        {transcript.Gemini, `{"session_id":"g","response":"Hi.","stats":{"models":{}}}`, eventlog.Succeeded, ""},
		"gemini: json with an error":          {transcript.Gemini, `{"session_id":"g","error":{"type":"Error","message":"no key","code":41}}`, eventlog.Failed, "no key"},
		"gemini's chat: a last message":       {transcript.GeminiChat, chatHead + chatUser + chatSaid, eventlog.Succeeded, ""},
		"gemini's chat: a person's message":   {transcript.GeminiChat, chatHead + chatSaid + chatUser, eventlog.Interrupted, "in the middle"},
		"gemini's chat: calls and no answer":  {transcript.GeminiChat, chatHead + `{"id":"a","timestamp":"2026-11-01T10:00:02Z","type":"gemini","content":"I look.","toolCalls":[{"id":"c","name":"t","status":"success","timestamp":"2026-11-01T10:00:03Z","resultDisplay":"x"}]}`, eventlog.Interrupted, "in the middle"},
		"gemini's chat: a call that runs":     {transcript.GeminiChat, chatHead + `{"id":"a","timestamp":"2026-11-01T10:00:02Z","type":"gemini","content":"","toolCalls":[{"id":"c","name":"t","status":"executing"}]}`, eventlog.Interrupted, "a call without a result"},
		"gemini's chat: an error":             {transcript.GeminiChat, chatHead + chatUser + `{"id":"e","timestamp":"2026-11-01T10:00:02Z","type":"error","content":"quota"}`, eventlog.Failed, "quota"},
		"gemini's chat: cancelled":            {transcript.GeminiChat, chatHead + chatUser + `{"id":"e","timestamp":"2026-11-01T10:00:02Z","type":"info","content":"Request cancelled."}`, eventlog.Canceled, "Request cancelled."},
		"qwen: a result":                      {transcript.Qwen, qwenInit + `{"type":"result","subtype":"success","session_id":"q","is_error":false,"result":"Done."}`, eventlog.Succeeded, ""},
		"qwen: too many turns":                {transcript.Qwen, qwenInit + `{"type":"result","subtype":"error_max_turns","session_id":"q","is_error":true}`, eventlog.Failed, "error_max_turns"},
		"qwen: no result":                     {transcript.Qwen, qwenInit + `{"type":"assistant","uuid":"a","session_id":"q","message":{"id":"a","content":[{"type":"text","text":"Half"}]}}`, eventlog.Interrupted, "in the middle"},
		"qwen's chat: a last message":         {transcript.QwenSession, qwenUser + qwenSaid, eventlog.Succeeded, ""},
		"qwen's chat: a person's message":     {transcript.QwenSession, qwenUser, eventlog.Interrupted, "in the middle"},
		"qwen's chat: an open call":           {transcript.QwenSession, qwenUser + `{"uuid":"3","sessionId":"q","type":"assistant","message":{"parts":[{"text":"I look."},{"functionCall":{"id":"c","name":"t","args":{}}}]}}`, eventlog.Interrupted, "a call without a result"},
		"qwen's chat: a failed request":       {transcript.QwenSession, qwenUser + `{"uuid":"4","sessionId":"q","type":"system","subtype":"ui_telemetry","systemPayload":{"uiEvent":{"event.name":"qwen-code.api_error","error_message":"429"}}}`, eventlog.Failed, "429"},
		"qwen's chat: a request tried again":  {transcript.QwenSession, qwenUser + `{"uuid":"4","sessionId":"q","type":"system","subtype":"ui_telemetry","systemPayload":{"uiEvent":{"event.name":"qwen-code.api_error","error_message":"429"}}}` + "\n" + qwenSaid, eventlog.Succeeded, ""},
		"opencode: a step that stopped":       {transcript.OpenCode, stepStart + finish("stop"), eventlog.Succeeded, ""},
		"opencode: a step with calls":         {transcript.OpenCode, stepStart + finish("tool-calls"), eventlog.Interrupted, "in the middle"},
		"opencode: a step after the last":     {transcript.OpenCode, stepStart + finish("stop") + stepStart, eventlog.Interrupted, "in the middle"},
		"opencode: a step that was cut":       {transcript.OpenCode, stepStart + finish("length"), eventlog.Failed, "largest length"},
		"opencode: an error":                  {transcript.OpenCode, stepStart + `{"type":"error","sessionID":"s","error":{"name":"APIError","data":{"message":"no key"}}}`, eventlog.Failed, "no key"},
		"opencode: aborted":                   {transcript.OpenCode, stepStart + `{"type":"error","sessionID":"s","error":{"name":"MessageAbortedError","data":{"message":"Aborted"}}}`, eventlog.Canceled, "Aborted"},
		"opencode's server: a failed step":    {transcript.OpenCodeServer, served + `{"type":"session.next.step.failed","properties":{"sessionID":"s","assistantMessageID":"m","error":{"type":"unknown","message":"no key"}}}`, eventlog.Failed, "no key"},
		"opencode's server: no end":           {transcript.OpenCodeServer, served, eventlog.Interrupted, "in the middle"},
		"opencode's server: idle at a call":   {transcript.OpenCodeServer, served + `{"type":"message.part.updated","properties":{"part":{"type":"tool","id":"p","messageID":"m2","sessionID":"s","callID":"c","tool":"t","state":{"status":"running","input":{}}}}}` + "\n" + `{"type":"session.idle","properties":{"sessionID":"s"}}`, eventlog.Interrupted, "a call without a result"},
		"opencode's server: a subagent's end": {transcript.OpenCodeServer, served + `{"type":"session.created","properties":{"info":{"id":"c","parentID":"s"}}}` + "\n" + `{"type":"session.next.step.ended","properties":{"sessionID":"c","assistantMessageID":"m2","finish":"stop"}}`, eventlog.Interrupted, "in the middle"},
		"opencode's export: an aborted one":   {transcript.OpenCodeExport, `{"info":{"id":"s"},"messages":[{"info":{"id":"m","role":"assistant","error":{"name":"MessageAbortedError","data":{"message":"Aborted"}}},"parts":[{"type":"text","text":"Half"}]}]}`, eventlog.Canceled, "Aborted"},
		"opencode's export: a running call":   {transcript.OpenCodeExport, `{"info":{"id":"s"},"messages":[{"info":{"id":"m","role":"assistant"},"parts":[{"type":"tool","callID":"c","tool":"t","state":{"status":"running","input":{}}}]}]}`, eventlog.Interrupted, "a call without a result"},
		"pi: stopped":                         {transcript.Pi, pi("stop", ""), eventlog.Succeeded, ""},
		"pi: calls to make":                   {transcript.Pi, pi("toolUse", ""), eventlog.Interrupted, "in the middle"},
		"pi: cut":                             {transcript.Pi, pi("length", ""), eventlog.Failed, "largest length"},
		"pi: an error":                        {transcript.Pi, pi("error", `,"errorMessage":"529"`), eventlog.Failed, "529"},
		"pi: an error, then an answer":        {transcript.Pi, pi("error", `,"errorMessage":"529"`) + pi("stop", ""), eventlog.Succeeded, ""},
		"pi: aborted":                         {transcript.Pi, pi("aborted", ""), eventlog.Canceled, "aborted"},
		"copilot: a shutdown by error":        {transcript.Copilot, copilotHi + `{"type":"session.shutdown","data":{"shutdownType":"error","errorReason":"lost"}}`, eventlog.Failed, "lost"},
		"copilot: a routine shutdown":         {transcript.Copilot, copilotHi + `{"type":"assistant.message","data":{"messageId":"m","content":"Done."}}` + "\n" + `{"type":"session.shutdown","data":{"shutdownType":"routine"}}`, eventlog.Succeeded, ""},
		"copilot: an abort":                   {transcript.Copilot, copilotHi + `{"type":"abort","data":{"reason":"user_abort"}}`, eventlog.Canceled, "user_abort"},
		"copilot: a task that failed":         {transcript.Copilot, copilotHi + `{"type":"session.task_complete","data":{"summary":"No luck","success":false}}`, eventlog.Failed, "No luck"},
		"copilot: a comment on the way":       {transcript.Copilot, copilotHi + `{"type":"assistant.message","data":{"messageId":"m","content":"I look.","phase":"commentary"}}`, eventlog.Interrupted, "in the middle"},
		"openhands: finished":                 {transcript.OpenHands, handsUser + hands("execution_status", "finished"), eventlog.Succeeded, ""},
		"openhands: stuck":                    {transcript.OpenHands, handsUser + hands("execution_status", "stuck"), eventlog.Failed, "stuck"},
		"openhands: paused, then running":     {transcript.OpenHands, handsUser + hands("execution_status", "paused") + hands("execution_status", "running"), eventlog.Interrupted, "in the middle"},
		"openhands: the finish tool":          {transcript.OpenHands, handsUser + `{"id":"2","kind":"ActionEvent","source":"agent","tool_name":"finish","tool_call_id":"c","tool_call":{"arguments":"{}"}}` + "\n" + `{"id":"3","kind":"ObservationEvent","source":"environment","tool_name":"finish","tool_call_id":"c","observation":{"content":"Done."}}`, eventlog.Succeeded, ""},
		"openhands: the state beside events":  {transcript.OpenHands, `{"id":"conv","agent":{"llm":{"model":"m"}},"execution_status":"error"}` + "\n" + handsUser, eventlog.Failed, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			got := outcome(t, test.format, test.input)
			if got.Status != test.status || !strings.Contains(got.Reason, test.reason) || test.reason == "" && got.Reason != "" {
				t.Errorf("got %+v, want %s %q", got, test.status, test.reason)
			}
		})
	}
}

func TestQwenCodeIsTakenForNoOtherAgent(t *testing.T) {
	for name, line := range map[string]string{
		"the first line": `{"type":"system","subtype":"init","uuid":"q","session_id":"q","qwen_code_version":"0.20.0"}`,
		"a message":      `{"type":"assistant","uuid":"a","session_id":"q","parent_tool_use_id":null,"message":{"id":"a","role":"assistant","content":[{"type":"text","text":"x"}]}}`,
		"a goal":         `{"type":"stream_event","uuid":"a","session_id":"q","event":{"type":"goal_state"}}`,
		"a result":       `{"type":"result","subtype":"success","session_id":"q","is_error":false,"result":"x","usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}`,
	} {
		if got, _ := transcript.Detect([]byte(line)); got != transcript.Qwen {
			t.Errorf("%s is taken for %s", name, got)
		}
	}
	for want, line := range map[transcript.Format]string{
		transcript.Claude:        `{"type":"assistant","uuid":"a","session_id":"q","message":{"id":"msg_1","role":"assistant","content":[{"type":"text","text":"x"}]}}`,
		transcript.Amp:           `{"type":"assistant","uuid":"a","session_id":"T-1","message":{"id":"a","content":[]}}`,
		transcript.ClaudeSession: `{"type":"user","uuid":"a","sessionId":"s","parentUuid":null,"message":{"role":"user","content":"x"}}`,
		transcript.QwenSession:   `{"type":"user","uuid":"a","sessionId":"s","parentUuid":null,"message":{"role":"user","parts":[{"text":"x"}]}}`,
	} {
		if got, _ := transcript.Detect([]byte(line)); got != want {
			t.Errorf("%s is taken for %s", want, got)
		}
	}
}

func TestTheExitCodeOfACommandIsFoundBehindItsOutput(t *testing.T) {
	for name, test := range map[string]struct {
		output  string
		success bool
		code    any
	}{
		"a failure":                       {`Output: x\nExit Code: 3\nSignal: (none)`, false, 3.0},
		"a success":                       {`Output: x\nExit Code: 0`, true, 0.0},
		"the output speaks of exit codes": {`Output: Exit Code: 9\nExit Code: 3\nProcess Group PGID: 7`, false, 3.0},
		"it is the text of a file":        {`Log\nExit Code: 3`, true, nil},
		"none is told":                    {`Output: Exit Code: 9\nand so on`, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			events := convert(t, transcript.GeminiChat, `{"id":"a","timestamp":"2026-11-01T10:00:02Z","type":"gemini","content":"","toolCalls":[{"id":"c","name":"run_shell_command","status":"success","result":[{"functionResponse":{"id":"c","response":{"output":"`+test.output+`"}}}]}]}`)
			if f := fields(t, ofType(events, "tool_result")[0]); f["success"] != test.success || f["exit_code"] != test.code {
				t.Errorf("%v", f)
			}
		})
	}
}

// What a person typed in the middle of a turn is theirs, what programs say in a
// person's place is not.
func TestWordsAreToldUnderTheRightName(t *testing.T) {
	for name, test := range map[string]struct {
		format transcript.Format
		input  string
		actor  eventlog.Actor
		words  string
	}{
		"qwen, in the middle of a turn":    {transcript.QwenSession, `{"uuid":"1","sessionId":"q","type":"user","subtype":"mid_turn_user_message","message":{"parts":[{"text":"Stop"}]}}`, eventlog.Human, "Stop"},
		"qwen, a plan that was due":        {transcript.QwenSession, `{"uuid":"1","sessionId":"q","type":"user","subtype":"cron","message":{"parts":[{"text":"Look again"}]}}`, eventlog.System, "Look again"},
		"qwen, a subagent's prompt":        {transcript.QwenSession, `{"uuid":"1","sessionId":"q","type":"user","isSidechain":true,"agentId":"x-c","agentName":"x","message":{"parts":[{"text":"Count"}]}}`, eventlog.Agent, "Count"},
		"qwen, a task's end in the stream": {transcript.Qwen, `{"type":"user","session_id":"q","parent_tool_use_id":null,"message":{"content":[{"type":"text","text":"Background agent \"x\" completed."}]}}`, eventlog.System, `Background agent "x" completed.`},
		"gemini, the context":              {transcript.GeminiChat, `{"id":"u","timestamp":"2026-11-01T10:00:01Z","type":"user","content":[{"text":"<session_context>\nhere\n</session_context>"}]}`, eventlog.System, "<session_context>\nhere\n</session_context>"},
		"gemini, what was typed":           {transcript.GeminiChat, `{"id":"u","timestamp":"2026-11-01T10:00:01Z","type":"user","content":[{"text":"Read @a\n--- a ---"}],"displayContent":[{"text":"Read @a"}]}`, eventlog.Human, "Read @a"},
		"gemini, a subagent's prompt":      {transcript.GeminiChat, `{"sessionId":"s","projectHash":"0","kind":"subagent"}` + "\n" + `{"id":"u","timestamp":"2026-11-01T10:00:01Z","type":"user","content":"Count"}`, eventlog.Agent, "Count"},
		"opencode, a subagent's prompt":    {transcript.OpenCodeExport, `{"info":{"id":"c","parentID":"s","time":{"created":1790000000000}},"messages":[{"info":{"id":"m","role":"user","sessionID":"c","time":{"created":1790000000000}},"parts":[{"id":"p","type":"text","text":"Count"}]}]}`, eventlog.Agent, "Count"},
		"opencode, what it says itself":    {transcript.OpenCode, `{"type":"text","timestamp":1790000000000,"sessionID":"s","part":{"id":"p","messageID":"m","sessionID":"s","type":"text","synthetic":true,"text":"Continue"}}`, eventlog.System, "Continue"},
		"opencode, an answer":              {transcript.OpenCodeServer, `{"type":"question.replied","properties":{"sessionID":"s","requestID":"q","answers":[["Yes","Now"]]}}`, eventlog.Human, "Yes, Now"},
		"copilot, a skill":                 {transcript.Copilot, `{"type":"user.message","data":{"content":"Use it","source":"skill-pdf"}}`, eventlog.System, "Use it"},
		"copilot, another agent":           {transcript.Copilot, `{"type":"user.message","data":{"content":"Count","source":"agent-1"}}`, eventlog.Agent, "Count"},
		"copilot, an answer":               {transcript.Copilot, `{"type":"user_input.completed","data":{"requestId":"r","answer":"Yes"}}`, eventlog.Human, "Yes"},
		"pi, an extension":                 {transcript.Pi, `{"type":"custom_message","id":"1","parentId":null,"customType":"x","content":[{"type":"text","text":"Note"}],"display":false}`, eventlog.System, "Note"},
	} {
		t.Run(name, func(t *testing.T) {
			said := ofType(convert(t, test.format, test.input), "user")
			if len(said) != 1 || said[0].Actor != test.actor || fields(t, said[0])["content"] != test.words {
				t.Errorf("%s", lines(said))
			}
		})
	}
}

func TestTheNewestTitleCountsAndAPersonsOutranksTheAgents(t *testing.T) {
	title := func(format transcript.Format, input string) string {
		c := converter(t, format, nil)
		feed(c, []byte(input), 0)
		return c.Origin().Title
	}
	named := func(title, source string) string {
		return fmt.Sprintf(`{"uuid":"%s","sessionId":"q","type":"system","subtype":"custom_title","systemPayload":{"customTitle":%q,"titleSource":%q}}`+"\n", title, title, source)
	}
	for _, test := range []struct {
		format transcript.Format
		input  string
		want   string
	}{
		{transcript.QwenSession, named("one", "auto") + named("two", "auto"), "two"},
		{transcript.QwenSession, named("mine", "manual") + named("two", "auto"), "mine"},
		{transcript.GeminiChat, `{"sessionId":"g","projectHash":"0","messages":[{"id":"u","type":"user","content":"Go"}],"summary":"A walk"}`, "A walk"},
		{transcript.OpenCodeServer, `{"type":"session.updated","properties":{"info":{"id":"s","title":"New session - 2026-11-01T10:00:00.000Z"}}}`, ""},
		{transcript.OpenCodeServer, `{"type":"session.updated","properties":{"info":{"id":"s","title":"A walk"}}}` + "\n" + `{"type":"session.updated","properties":{"info":{"id":"c","parentID":"s","title":"Of a subagent"}}}`, "A walk"},
		{transcript.Pi, `{"type":"session_info","id":"1","parentId":null,"name":"one"}` + "\n" + `{"type":"session_info_changed","name":"two"}`, "two"},
		{transcript.Copilot, `{"type":"session.title_changed","data":{"title":"A walk"}}`, "A walk"},
		{transcript.OpenHands, `{"id":"1","kind":"ConversationStateUpdateEvent","source":"environment","key":"title","value":"A walk"}`, "A walk"},
	} {
		if got := title(test.format, test.input); got != test.want {
			t.Errorf("%s: %q, want %q", test.format, got, test.want)
		}
	}
}

func TestWhatPiGaveUpIsMarked(t *testing.T) {
	entry := func(id, parent, role, text string) string {
		return fmt.Sprintf(`{"type":"message","id":%q,"parentId":%s,"message":{"role":%q,"content":[{"type":"text","text":%q}],"stopReason":"stop","timestamp":1790000000000}}`+"\n", id, parent, role, text)
	}
	events := convert(t, transcript.Pi, entry("1", "null", "user", "Try A")+entry("2", `"1"`, "assistant", "A fails.")+
		entry("3", `"2"`, "user", "Why?")+entry("4", `"1"`, "assistant", "B works.")+entry("5", "null", "user", "Anew"))
	checkTexts(t, events, "status", "content", `Back to "Try A": what came after it was given up`, "Back to the beginning: what came so far was given up")
	checkTexts(t, events, "assistant", "content", "A fails.", "B works.")
}

// The two kinds of events of opencode's server may come side by side.
func TestWhatOpenCodesServerTellsInTwoWaysIsToldOnce(t *testing.T) {
	all := []string{
		`{"type":"session.next.text.ended","properties":{"sessionID":"s","assistantMessageID":"m","textID":"t","text":"It is 4."}}`,
		`{"type":"message.part.updated","properties":{"part":{"id":"p","messageID":"m","sessionID":"s","type":"text","text":"It is 4.","time":{"start":1,"end":2}}}}`,
		`{"type":"session.next.step.ended","properties":{"sessionID":"s","assistantMessageID":"m","finish":"stop","cost":0.5,"tokens":{"input":1,"output":1}}}`,
		`{"type":"message.part.updated","properties":{"part":{"id":"f","messageID":"m","sessionID":"s","type":"step-finish","reason":"stop","cost":0.5,"tokens":{"input":1,"output":1}}}}`,
		`{"directory":"/","payload":{"type":"sync","syncEvent":{"type":"message.part.updated.1"}}}`,
	}
	for range 2 {
		events := convert(t, transcript.OpenCodeServer, strings.Join(all, "\n"))
		checkTexts(t, events, "assistant", "content", "It is 4.")
		checkSum(t, events, spent{USD: 0.5, Input: 1, Output: 1})
		slices.Reverse(all)
	}
}

func TestOpenCodesEventsAreReadInEachEnvelope(t *testing.T) {
	const said = `{"sessionID":"s","assistantMessageID":"m","textID":"t","text":"It is 4."}`
	for _, line := range []string{
		`{"type":"session.next.text.ended","properties":` + said + `}`,
		`data: {"id":"evt_1","type":"session.next.text.ended","properties":` + said + `}`,
		`data:{"directory":"/repo","payload":{"type":"session.next.text.ended","properties":` + said + `}}`,
		`{"id":"evt_1","type":"session.next.text.ended","durable":{"seq":1},"location":{"directory":"/repo"},"data":` + said + `}`,
	} {
		events := convert(t, transcript.Auto, line)
		checkTexts(t, events, "assistant", "content", "It is 4.")
		if len(events) != 1 {
			t.Errorf("%s", lines(events))
		}
	}
}

// Files that stand side by side on the disk may be given as one.
func TestTheContextOfAGeminiChatNamesItsDirectory(t *testing.T) {
	const context = `{"sessionId":"s","projectHash":"0"}
{"id":"u","timestamp":"2026-11-01T10:00:01Z","type":"user","content":[{"text":"<session_context>\nToday is a day.\n- **Workspace Directories:**\n  - /srv/my shop\n  - /srv/other\n- **Directory Structure:**\n\n/srv/my shop/\n</session_context>"}]}
`
	for input, want := range map[string]string{context: "/srv/my shop", strings.Replace(context, "Workspace Directories", "Places", 1): ""} {
		c := converter(t, transcript.GeminiChat, nil)
		feed(c, []byte(input), 0)
		if got := c.Origin().Dir; got != want {
			t.Errorf("of %s the directory is %q, want %q", input, got, want)
		}
	}
}

func TestSubagentsOfGeminiAreNestedBehindTheirCallersChat(t *testing.T) {
	events := convert(t, transcript.GeminiChat, strings.Join([]string{
		`{"sessionId":"g","projectHash":"0","kind":"main"}`,
		`{"id":"a","timestamp":"2026-11-01T10:00:02Z","type":"gemini","content":"","model":"m","tokens":{"input":10,"output":1,"total":11},"toolCalls":[{"id":"c1","name":"invoke_agent","status":"success","agentId":"sub","resultDisplay":"Two."}]}`,
		`{"sessionId":"sub","projectHash":"0","kind":"subagent"}`,
		`{"id":"b","timestamp":"2026-11-01T10:00:03Z","type":"user","content":"Count"}`,
		`{"id":"d","timestamp":"2026-11-01T10:00:04Z","type":"gemini","content":"Two.","model":"m","tokens":{"input":5,"output":1,"total":6}}`,
	}, "\n"))
	checkTexts(t, events, "user", "parent_call_id", "c1")
	checkTexts(t, events, "assistant", "parent_call_id", "c1")
	checkSum(t, events, spent{Input: 15, Output: 2})
}

func TestImagesOfToolsAndMessagesAreKeptInOneShape(t *testing.T) {
	const dot = `iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR4nGNgYAAAAAMAASsJTYQAAAAASUVORK5CYII=`
	for format, input := range map[transcript.Format]string{
		transcript.Gemini:         `{"type":"tool_result","tool_id":"x","status":"success","output":[{"inlineData":{"mimeType":"image/png","data":"` + dot + `"}}]}`,
		transcript.GeminiChat:     `{"id":"u","timestamp":"2026-11-01T10:00:01Z","type":"user","content":[{"text":"See"},{"inlineData":{"mimeType":"image/png","data":"` + dot + `"}}]}`,
		transcript.QwenSession:    `{"uuid":"1","sessionId":"q","type":"tool_result","message":{"parts":[{"functionResponse":{"id":"x","name":"read_file","response":{"output":""},"parts":[{"inlineData":{"mimeType":"image/png","data":"` + dot + `"}}]}}]}}`,
		transcript.OpenCode:       `{"type":"tool_use","sessionID":"s","part":{"callID":"x","tool":"read","state":{"status":"completed","input":{},"output":"","attachments":[{"type":"file","mime":"image/png","url":"data:image/png;base64,` + dot + `"}]}}}`,
		transcript.OpenCodeServer: `{"type":"session.next.tool.success","properties":{"sessionID":"s","callID":"x","structured":{},"content":[{"type":"file","mime":"image/png","uri":"x","data":"` + dot + `"}]}}`,
		transcript.Pi:             `{"type":"message","id":"1","parentId":null,"message":{"role":"toolResult","toolCallId":"x","content":[{"type":"image","data":"` + dot + `","mimeType":"image/png"}],"timestamp":1790000000000}}`,
		transcript.Copilot:        `{"type":"tool.execution_complete","data":{"toolCallId":"x","success":true,"result":{"content":"","binaryResultsForLlm":[{"type":"image","mimeType":"image/png","data":"` + dot + `"}]}}}`,
		transcript.OpenHands:      `{"id":"1","kind":"MessageEvent","source":"user","llm_message":{"content":[{"type":"image","image_urls":["data:image/png;base64,` + dot + `"]}]}}`,
	} {
		t.Run(string(format), func(t *testing.T) {
			var found bool
			for _, e := range convert(t, format, input) {
				parts, _ := fields(t, e)["parts"].([]any)
				for _, part := range parts {
					p := part.(map[string]any)
					found = found || p["type"] == "image" && p["media_type"] == "image/png" && p["bytes"] == 68.0 && p["data"] == dot
				}
			}
			if !found {
				t.Errorf("no image")
			}
		})
	}
}

func TestAModelsWrongToolIsNamedAndFailed(t *testing.T) {
	const state = `{"status":"completed","input":{"tool":"compile","error":"unavailable"},"output":"The arguments are invalid","metadata":{}}`
	for format, input := range map[transcript.Format]string{
		transcript.OpenCode:       `{"type":"tool_use","sessionID":"s","part":{"id":"p","callID":"c","tool":"invalid","state":` + state + `}}`,
		transcript.OpenCodeServer: `{"type":"message.part.updated","properties":{"part":{"id":"p","messageID":"m","type":"tool","callID":"c","tool":"invalid","state":` + state + `}}}`,
		transcript.OpenCodeExport: `{"info":{"id":"s"},"messages":[{"info":{"id":"m","role":"assistant"},"parts":[{"id":"p","type":"tool","callID":"c","tool":"invalid","state":` + state + `}]}]}`,
	} {
		events := convert(t, format, input)
		checkTexts(t, events, "tool_call", "tool", "compile")
		if f := fields(t, ofType(events, "tool_result")[0]); f["tool"] != "compile" || f["success"] != false {
			t.Errorf("%s: %v", format, f)
		}
	}
}

func TestEveryFailureOfCursorsShellHasItsTextAndExitCode(t *testing.T) {
	for kind, more := range map[string]string{"failure": `"exitCode":2`, "timeout": `"exitCode":124`, "success": `"exitCode":1`} {
		events := convert(t, transcript.Cursor, `{"type":"tool_call","subtype":"completed","call_id":"x","tool_call":{"shellToolCall":{"args":{},"result":{"`+kind+`":{"stdout":"out","stderr":"err",`+more+`}}}}}`)
		f := fields(t, ofType(events, "tool_result")[0])
		if f["success"] != false || f["output"] != "out\nerr" || f["exit_code"] == nil {
			t.Errorf("%s: %v", kind, f)
		}
	}
}

func TestTheLabelsOfOpenHandsCommandAreNoEvents(t *testing.T) {
	events := convert(t, transcript.Auto, "--JSON Event--\n{\n\"id\":\"1\",\"kind\":\"MessageEvent\",\"source\":\"agent\",\"llm_message\":{\"content\":\"Hi.\"}\n}\n--JSON Event--\n")
	if len(events) != 1 {
		t.Errorf("%s", lines(events))
	}
}
