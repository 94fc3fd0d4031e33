package transcript_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// How a run ended is told by each format in its own way, or by none of its lines.
func TestEachFormatTellsItsEndsHonestly(t *testing.T) {
	const (
		acp   = `{"jsonrpc":"2.0","id":1,"method":"session/prompt","params":{"sessionId":"s","prompt":[{"type":"text","text":"Hi"}]}}` + "\n"
		call  = `{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"tool_call","toolCallId":"t","title":"ls","status":"in_progress"}}}` + "\n"
		agy   = `{"event":"init","conversation_id":"c","init":{"cwd":"/"}}` + "\n"
		kimi  = `{"type":"turn.prompt","input":[{"type":"text","text":"Hi"}],"time":1}` + "\n"
		agent = `{"type":"hook_event","hookEventName":"agent_start","taskId":"c"}` + "\n"
		task  = `{"type":"say","say":"task","text":"Hi","ts":1}` + "\n"
		graph = "event: values\ndata: {\"messages\":[{\"type\":\"human\",\"content\":\"Hi\",\"id\":\"1\"}]}\n\n"
		run   = `{"type":"RUN_STARTED","threadId":"t","runId":"r"}` + "\n"
	)
	for name, test := range map[string]struct {
		format transcript.Format
		input  string
		status eventlog.Status
	}{
		"acp, a prompt alone":             {transcript.ACP, acp, eventlog.Interrupted},
		"acp, an open call":               {transcript.ACP, acp + call, eventlog.Interrupted},
		"acp, the end of a turn":          {transcript.ACP, acp + call + `{"jsonrpc":"2.0","id":1,"result":{"stopReason":"end_turn"}}`, eventlog.Succeeded},
		"acp, canceled":                   {transcript.ACP, acp + `{"jsonrpc":"2.0","id":1,"result":{"stopReason":"cancelled"}}`, eventlog.Canceled},
		"acp, a refusal":                  {transcript.ACP, acp + `{"jsonrpc":"2.0","id":1,"result":{"stopReason":"refusal"}}`, eventlog.Failed},
		"acp, an error of another call":   {transcript.ACP, acp + `{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"no file"}}`, eventlog.Interrupted},
		"antigravity, started":            {transcript.Antigravity, agy, eventlog.Interrupted},
		"antigravity, a success":          {transcript.Antigravity, agy + `{"event":"result","result":{"status":"SUCCESS","response":"Hi"}}`, eventlog.Succeeded},
		"antigravity, denied":             {transcript.Antigravity, agy + `{"event":"result","result":{"status":"SUCCESS","response":"","denied_actions":[{"action":"x"}]}}`, eventlog.Failed},
		"kimi, a prompt alone":            {transcript.Kimi, kimi, eventlog.Interrupted},
		"kimi, the end of a turn":         {transcript.Kimi, kimi + `{"type":"turn.ended","reason":"completed","time":2}`, eventlog.Succeeded},
		"kimi, a turn that was canceled":  {transcript.Kimi, kimi + `{"type":"turn.ended","reason":"cancelled","time":2}`, eventlog.Canceled},
		"kimi, a turn that failed":        {transcript.Kimi, kimi + `{"type":"turn.ended","reason":"error","error":{"message":"gone"},"time":2}`, eventlog.Failed},
		"kimi, a last message":            {transcript.Kimi, `{"role":"assistant","content":"Hi."}`, eventlog.Succeeded},
		"kimi, a last call":               {transcript.Kimi, `{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"Shell","arguments":"{}"}}]}`, eventlog.Interrupted},
		"cline, a task alone":             {transcript.Cline, task, eventlog.Interrupted},
		"cline, said and not completed":   {transcript.Cline, task + `{"type":"say","say":"text","text":"I begin.","ts":2}`, eventlog.Interrupted},
		"cline, completed":                {transcript.Cline, task + `{"type":"say","say":"completion_result","text":"Done.","ts":2}`, eventlog.Succeeded},
		"cline, a request that failed":    {transcript.Cline, task + `{"type":"ask","ask":"api_req_failed","text":"401","ts":2}`, eventlog.Failed},
		"cline, taken up again":           {transcript.Cline, task + `{"type":"say","say":"completion_result","text":"Done.","ts":2}` + "\n" + `{"type":"say","say":"user_feedback","text":"More","ts":3}`, eventlog.Interrupted},
		"cline agent, cut":                {transcript.Cline, agent, eventlog.Interrupted},
		"cline agent, aborted":            {transcript.Cline, agent + `{"type":"run_result","finishReason":"aborted"}`, eventlog.Canceled},
		"cline agent, too many turns":     {transcript.Cline, agent + `{"type":"run_result","finishReason":"max_iterations"}`, eventlog.Failed},
		"langgraph, a person alone":       {transcript.LangGraph, graph, eventlog.Interrupted},
		"langgraph, an answer":            {transcript.LangGraph, graph + "event: values\ndata: {\"messages\":[{\"type\":\"ai\",\"content\":\"Hi.\",\"id\":\"2\"}]}\n", eventlog.Succeeded},
		"langgraph, an interrupt":         {transcript.LangGraph, graph + "event: updates\ndata: {\"__interrupt__\":[{\"value\":\"May I?\"}]}\n", eventlog.Interrupted},
		"ag-ui, started":                  {transcript.AGUI, run, eventlog.Interrupted},
		"ag-ui, finished":                 {transcript.AGUI, run + `{"type":"RUN_FINISHED","threadId":"t","runId":"r"}`, eventlog.Succeeded},
		"ag-ui, waiting":                  {transcript.AGUI, run + `{"type":"RUN_FINISHED","threadId":"t","runId":"r","outcome":"interrupt"}`, eventlog.Interrupted},
		"ai-sdk, started":                 {transcript.AISDK, `data: {"type":"start","messageId":"m"}`, eventlog.Interrupted},
		"ai-sdk, an abort":                {transcript.AISDK, "data: {\"type\":\"start\",\"messageId\":\"m\"}\n\ndata: {\"type\":\"abort\"}\n\ndata: [DONE]", eventlog.Canceled},
		"chat, cut":                       {transcript.ChatCompletions, `data: {"object":"chat.completion.chunk","id":"c","choices":[{"index":0,"delta":{"content":"Hi"}}]}`, eventlog.Interrupted},
		"chat, too long":                  {transcript.ChatCompletions, `data: {"object":"chat.completion.chunk","id":"c","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"length"}]}`, eventlog.Failed},
		"responses, incomplete":           {transcript.Responses, `data: {"type":"response.incomplete","response":{"id":"r","incomplete_details":{"reason":"max_output_tokens"}}}`, eventlog.Failed},
		"amp, streaming":                  {transcript.AmpThread, `{"v":1,"id":"T-1","messages":[{"role":"assistant","content":[{"type":"text","text":"I"}],"state":{"type":"streaming"}}]}`, eventlog.Interrupted},
		"amp, canceled":                   {transcript.AmpThread, `{"v":1,"id":"T-1","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"Bash","input":{}}],"state":{"type":"cancelled"}}]}`, eventlog.Canceled},
		"crush, broken off":               {transcript.Crush, `{"meta":{"uuid":"c"},"messages":[{"role":"assistant","parts":[{"type":"text","text":"I"}]}]}`, eventlog.Interrupted},
		"append, open":                    {transcript.Append, `{"type":"assistant","data":{"content":"Hi."}}`, eventlog.Interrupted},
		"append, completed":               {transcript.Append, `{"type":"complete","data":{}}`, eventlog.Succeeded},
		"droid, a last message":           {transcript.Droid, `{"type":"message","role":"assistant","id":"1","text":"Hi","session_id":"d"}`, eventlog.Succeeded},
		"goose, completed after an error": {transcript.Goose, "{\"type\":\"error\",\"error\":\"gone\"}\n{\"type\":\"complete\",\"total_tokens\":null}", eventlog.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			if got := outcome(t, test.format, test.input); got.Status != test.status || (got.Reason == "") != (test.status == eventlog.Succeeded) {
				t.Errorf("got %+v, want %s", got, test.status)
			}
		})
	}
}

// What a run costs has an id wherever the agent has one, so that it counts once, however
// often and in however many files it is told.
func TestCostsOfAgentsWithIDsHaveIDs(t *testing.T) {
	for _, pattern := range []string{"droid*", "kimi*", "antigravity*", "cline*", "crush*", "goose.jsonl", "goose-export*", "amp-thread*", "acp*", "responses*", "chat*", "ai*", "langgraph*", "auggie*"} {
		for _, folder := range []string{"testdata", "testdata/inputs", "testdata/inputs/unsupported"} {
			files, err := filepath.Glob(filepath.Join(folder, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				if strings.HasSuffix(file, ".golden") {
					continue
				}
				input, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				c := converter(t, transcript.Auto, nil)
				for _, e := range ofType(feed(c, input, 0), eventlog.TypeCost) {
					if f := fields(t, e); f["id"] == nil {
						t.Errorf("%s: %s", file, e.Data)
					}
				}
			}
		}
	}
}

// Some servers send of a message, each time, all that it has so far.
func TestAMessageThatGrowsIsToldOnce(t *testing.T) {
	var b strings.Builder
	for _, text := range []string{"I", "I run", "I run it."} {
		b.WriteString("event: messages/partial\ndata: [{\"type\":\"AIMessageChunk\",\"id\":\"1\",\"content\":\"" + text + "\"}]\n\n")
	}
	b.WriteString("event: messages/complete\ndata: [{\"type\":\"ai\",\"id\":\"1\",\"content\":\"I run it.\"}]\n\n")
	checkTexts(t, convert(t, transcript.LangGraph, b.String()), "assistant", "content", "I run it.")
}

// What a person says twice is told twice, also where the agent keeps it in two ways.
func TestAPersonMayRepeatThemselves(t *testing.T) {
	prompt := `{"type":"turn.prompt","input":[{"type":"text","text":"Go on"}],"origin":{"kind":"user"},"time":1}` + "\n"
	message := `{"type":"context.append_message","message":{"role":"user","content":[{"type":"text","text":"Go on"}],"origin":{"kind":"user"}},"time":2}` + "\n"
	checkTexts(t, convert(t, transcript.Kimi, prompt+message+prompt+message), "user", "content", "Go on", "Go on")
}

// A text about exit codes is not an exit code, unless a command's output ends or begins with it.
func TestOnlyACommandHasAnExitCode(t *testing.T) {
	const line = `{"type":"tool_call","id":"c","toolName":%q,"parameters":{},"session_id":"d"}` + "\n"
	for tool, success := range map[string]bool{"Execute": false, "Read": true} {
		input := strings.Replace(line, "%q", `"`+tool+`"`, 1) + `{"type":"tool_result","id":"c","toolId":"` + tool + `","isError":false,"value":"a\nb\nc\nexit code 3"}`
		if f := fields(t, ofType(convert(t, transcript.Droid, input), "tool_result")[0]); f["success"] != success {
			t.Errorf("%s: %v", tool, f)
		}
	}
}
