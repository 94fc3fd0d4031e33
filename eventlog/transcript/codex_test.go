package transcript_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// rollout makes a file of lines, each of a kind and a payload: "event_msg {…}".
func rollout(lines ...string) string {
	var b strings.Builder
	for i, line := range lines {
		kind, payload, _ := strings.Cut(line, " ")
		fmt.Fprintf(&b, `{"timestamp":"2026-09-01T10:00:%02d.%03dZ","ordinal":%d,"type":%q,"payload":%s}`+"\n", i/2, i%2*500, i, kind, payload)
	}
	return b.String()
}

// Lines that many of the tests need.
const (
	codexMeta      = `session_meta {"id":"t-1","cli_version":"0.171.0","cwd":"/srv","git":{"branch":"main"},"history_mode":"paginated"}`
	codexStart     = `event_msg {"type":"task_started","turn_id":"1"}`
	codexDone      = `event_msg {"type":"task_complete","turn_id":"1","last_agent_message":"Done."}`
	codexAsk       = `response_item {"type":"message","role":"user","content":[{"type":"input_text","text":"Do it."}]}`
	codexSays      = `response_item {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Done."}]}`
	codexScript    = `response_item {"type":"custom_tool_call","call_id":"s-1","name":"exec","input":"text(await tools.exec_command({cmd: 'make test', workdir: \"/srv\"}));"}`
	codexRan       = `event_msg {"type":"item_completed","thread_id":"t-1","item":{"type":"CommandExecution","id":"exec-1","command":["/bin/bash","-lc","make test"],"cwd":"file:///srv","status":"failed","aggregated_output":"FAIL\n","exit_code":2}}`
	codexScriptEnd = `response_item {"type":"custom_tool_call_output","call_id":"s-1","output":[{"type":"input_text","text":"Script completed\nWall time 0.1 seconds\nOutput:\n"},{"type":"input_text","text":"{\"chunk_id\":\"a\",\"exit_code\":2,\"output\":\"FAIL\\n\"}"}]}`
	codexAborted   = `event_msg {"type":"turn_aborted","turn_id":"1","reason":"interrupted"}`
)

func TestTheEndOfACodexThreadIsWhatItsLastTurnSays(t *testing.T) {
	call := `response_item {"type":"function_call","call_id":"c","name":"shell","arguments":"{}"}`
	failed := `event_msg {"type":"task_complete","last_agent_message":null,"error":{"message":"{\"error\":{\"message\":\"No model.\"}}","codex_error_info":{"bad_request":{}}}}`
	for name, test := range map[string]struct {
		lines  []string
		status eventlog.Status
		reason string
	}{
		"a turn that completed":                                      {[]string{codexStart, codexAsk, codexSays, codexDone}, eventlog.Succeeded, ""},
		"a turn that failed":                                         {[]string{codexStart, codexAsk, failed}, eventlog.Failed, "No model."},
		"a turn after one that failed":                               {[]string{codexStart, codexAsk, failed, codexStart, codexAsk, codexSays, codexDone}, eventlog.Succeeded, ""},
		"a failure after a turn that did well":                       {[]string{codexStart, codexAsk, codexSays, codexDone, codexStart, codexAsk, failed}, eventlog.Failed, "No model."},
		"an error, and then the turn's end without words":            {[]string{codexStart, codexAsk, `event_msg {"type":"error","message":"You are out of credits."}`, `event_msg {"type":"task_complete","last_agent_message":null}`}, eventlog.Failed, "You are out of credits."},
		"an error that the turn went on after":                       {[]string{codexStart, codexAsk, `event_msg {"type":"error","message":"A hook failed."}`, codexSays, codexDone}, eventlog.Succeeded, ""},
		"an error as the last word":                                  {[]string{codexStart, codexAsk, `event_msg {"type":"error","message":"Unauthorized."}`}, eventlog.Failed, "Unauthorized."},
		"an error of a request beside the turn":                      {[]string{codexStart, codexAsk, codexSays, codexDone, `event_msg {"type":"error","message":"No such turn.","codex_error_info":"thread_rollback_failed"}`}, eventlog.Succeeded, ""},
		"a notice that it tries again":                               {[]string{codexStart, codexAsk, `event_msg {"type":"stream_error","message":"Reconnecting... 1/5"}`}, eventlog.Interrupted, "in the middle of a run"},
		"an error that is such a notice":                             {[]string{codexStart, codexAsk, `event_msg {"type":"error","message":"Reconnecting... 1/5"}`}, eventlog.Interrupted, "in the middle of a run"},
		"the person stopped it":                                      {[]string{codexStart, codexAsk, codexAborted}, eventlog.Canceled, "interrupted"},
		"the person stopped it, and a command ended later":           {[]string{codexStart, codexAsk, codexScript, codexAborted, codexRan}, eventlog.Canceled, "interrupted"},
		"another turn took its place":                                {[]string{codexStart, codexAsk, `event_msg {"type":"turn_aborted","reason":"replaced"}`}, eventlog.Canceled, "replaced"},
		"another turn took its place and did well":                   {[]string{codexStart, codexAsk, `event_msg {"type":"turn_aborted","reason":"replaced"}`, codexStart, codexAsk, codexSays, codexDone}, eventlog.Succeeded, ""},
		"the budget was spent":                                       {[]string{codexStart, codexAsk, `event_msg {"type":"turn_aborted","reason":"budget_limited"}`}, eventlog.Failed, "budget_limited"},
		"stopped, and then an answer without marks of turns":         {[]string{codexAsk, codexAborted, codexAsk, codexSays}, eventlog.Succeeded, ""},
		"an answer without marks of turns":                           {[]string{codexAsk, codexSays}, eventlog.Succeeded, ""},
		"words in a turn that has no end":                            {[]string{codexStart, codexAsk, codexSays}, eventlog.Interrupted, "in the middle of a run"},
		"the final answer, but not the turn's end":                   {[]string{codexStart, codexAsk, strings.Replace(codexSays, `"role"`, `"phase":"final_answer","role"`, 1)}, eventlog.Succeeded, ""},
		"a person's message":                                         {[]string{codexStart, codexAsk, codexSays, codexDone, codexAsk}, eventlog.Interrupted, "in the middle of a run"},
		"an open call":                                               {[]string{codexStart, codexAsk, call}, eventlog.Interrupted, "a call without a result"},
		"an open call without marks of turns":                        {[]string{codexAsk, codexSays, call}, eventlog.Interrupted, "a call without a result"},
		"an open script":                                             {[]string{codexStart, codexAsk, codexScript}, eventlog.Interrupted, "a call without a result"},
		"an open script that has done something":                     {[]string{codexStart, codexAsk, codexScript, codexRan}, eventlog.Interrupted, "in the middle of a run"},
		"a command in the background ended after the turn":           {[]string{codexStart, codexAsk, codexSays, codexDone, codexRan}, eventlog.Succeeded, ""},
		"a command in the background ended after a turn that failed": {[]string{codexStart, codexAsk, failed, codexRan}, eventlog.Failed, "No model."},
	} {
		t.Run(name, func(t *testing.T) {
			got := outcome(t, transcript.CodexRollout, rollout(append([]string{codexMeta}, test.lines...)...))
			if got.Status != test.status || !strings.Contains(got.Reason, test.reason) || test.reason == "" && got.Reason != "" {
				t.Errorf("got %+v, want %s %q", got, test.status, test.reason)
			}
		})
	}
}

func TestAnErrorThatEndsCodexExecIsAFailureAndANoticeIsNot(t *testing.T) {
	const turn = `{"type":"thread.started","thread_id":"t"}` + "\n" + `{"type":"turn.started"}` + "\n"
	limit := `{"type":"error","message":"{\"detail\":\"You've hit your usage limit.\"}"}` + "\n"
	if got := outcome(t, transcript.Codex, turn+limit); got.Status != eventlog.Failed || got.Reason != "You've hit your usage limit." {
		t.Errorf("got %+v", got)
	}
	if got := outcome(t, transcript.Codex, turn+limit+`{"type":"turn.completed","usage":{}}`); got.Status != eventlog.Succeeded {
		t.Errorf("a turn that completed after it: got %+v", got)
	}
	for _, notice := range []string{"Reconnecting... 2/5 (stream disconnected)", "Falling back from WebSockets to HTTPS transport.", "stream error: timeout; retrying 1/5 in 200ms…"} {
		if got := outcome(t, transcript.Codex, turn+fmt.Sprintf(`{"type":"error","message":%q}`, notice)); got.Status != eventlog.Interrupted {
			t.Errorf("%q: got %+v", notice, got)
		}
	}
}

func TestOfAScriptOnlyWhatItDidIsTold(t *testing.T) {
	events := convert(t, transcript.CodexRollout, rollout(codexMeta, codexStart, codexAsk, codexScript, codexRan, codexScriptEnd, codexSays, codexDone))
	checkTexts(t, events, "tool_call", "tool", "shell")
	result := fields(t, ofType(events, "tool_result")[0])
	if result["exit_code"] != 2.0 || result["success"] != false || result["output"] != "FAIL\n" || result["call_id"] != "exec-1" {
		t.Errorf("got %v", result)
	}
	if n := len(ofType(events, "status")); n != 0 {
		t.Errorf("what the script printed is told again: %s", lines(events))
	}
}

// A script that was refused has no items. What it wanted to do is told by its text.
func TestAScriptWithoutItemsIsTheCallThatItSpells(t *testing.T) {
	for name, test := range map[string]struct{ script, tool, args string }{
		"names without quotes":  {`const r = await tools.exec_command({cmd: 'make \'x\'', yield_time_ms: 5,});`, "shell", `{"command":"make 'x'","yield_time_ms":5}`},
		"JSON":                  {`tools.view_image({"path":"a\u0062.png"})`, "view_image", `{"path":"ab.png"}`},
		"a text":                {"await tools.apply_patch(`*** Begin Patch\n*** End Patch`)", "apply_patch", `{"input":"*** Begin Patch\n*** End Patch"}`},
		"an MCP server's tool":  {`tools.mcp__docs__search({q: "go", deep: [1, {a: true}]})`, "docs.search", `{"q":"go","deep":[1,{"a":true}]}`},
		"a variable":            {`tools.exec_command({cmd: command})`, "shell", `{"input":"tools.exec_command({cmd: command})"}`},
		"a sum of texts":        {`tools.apply_patch("a" + b)`, "apply_patch", `{"input":"tools.apply_patch(\"a\" + b)"}`},
		"two calls":             {`tools.a({}); tools.b({})`, "exec", `{"input":"tools.a({}); tools.b({})"}`},
		"no calls":              {`text(1 + 1)`, "exec", `{"input":"text(1 + 1)"}`},
		"a text with a pattern": {"tools.exec_command({cmd: `ls ${dir}`})", "shell", "{\"input\":\"tools.exec_command({cmd: `ls ${dir}`})\"}"},
	} {
		t.Run(name, func(t *testing.T) {
			events := convert(t, transcript.CodexRollout, rollout(codexMeta, codexStart,
				fmt.Sprintf(`response_item {"type":"custom_tool_call","call_id":"s","name":"exec","input":%s}`, quoted(test.script)),
				`response_item {"type":"custom_tool_call_output","call_id":"s","output":[{"type":"input_text","text":"Script failed\nWall time 0.0 seconds\nOutput:\n"},{"type":"input_text","text":"Script error:\nno such thing"}]}`))
			call, result := ofType(events, "tool_call")[0], fields(t, ofType(events, "tool_result")[0])
			if want := fmt.Sprintf(`{"tool":%q,"args":%s,"call_id":"s"}`, test.tool, test.args); string(call.Data) != want {
				t.Errorf("got %s, want %s", call.Data, want)
			}
			if result["success"] != false || result["output"] != "no such thing" || result["tool"] != test.tool {
				t.Errorf("got %v", result)
			}
		})
	}
}

func TestAScriptThatFailsAfterItDidSomethingIsToldToo(t *testing.T) {
	events := convert(t, transcript.CodexRollout, rollout(codexMeta, codexStart, codexScript, codexRan,
		`response_item {"type":"custom_tool_call_output","call_id":"s-1","output":"Script failed\nWall time 0.1 seconds\nOutput:\nTypeError: no"}`))
	checkTexts(t, events, "tool_result", "output", "FAIL\n", "TypeError: no")
	checkTexts(t, events, "tool_call", "call_id", "exec-1", "s-1")
}

func TestWhatAScriptPrintsBesideItsItemsIsKept(t *testing.T) {
	events := convert(t, transcript.CodexRollout, rollout(codexMeta, codexStart, codexScript, codexRan,
		`response_item {"type":"custom_tool_call_output","call_id":"s-1","output":[{"type":"input_text","text":"Script completed\nWall time 0.1 seconds\nOutput:\n"},{"type":"input_text","text":"FAIL"},{"type":"input_text","text":"one of three"}]}`))
	checkTexts(t, events, "status", "content", "The script printed:\none of three")
}

func TestAScriptThatRunsOnInTheBackgroundIsOneScript(t *testing.T) {
	running := `response_item {"type":"custom_tool_call_output","call_id":"s-1","output":[{"type":"input_text","text":"Script running with cell ID 7\nWall time 10 seconds\nOutput:\n"}]}`
	wait := `response_item {"type":"function_call","call_id":"w-1","name":"wait","arguments":"{\"cell_id\":\"7\"}"}`
	waited := strings.Replace(codexScriptEnd, `"custom_tool_call_output","call_id":"s-1"`, `"function_call_output","call_id":"w-1"`, 1)
	input := rollout(codexMeta, codexStart, codexScript, running, wait, codexRan, waited, codexSays, codexDone)
	events := convert(t, transcript.CodexRollout, input)
	checkTexts(t, events, "tool_call", "tool", "shell")
	checkTexts(t, events, "tool_result", "call_id", "exec-1")
	if got := outcome(t, transcript.CodexRollout, input); got.Status != eventlog.Succeeded {
		t.Errorf("got %+v", got)
	}
}

// Files of older versions have no items, but scripts print what commands gave back.
func TestTheExitCodeThatAScriptPrintsIsTheCalls(t *testing.T) {
	events := convert(t, transcript.CodexRollout, rollout(codexStart, codexScript, codexScriptEnd))
	result := fields(t, ofType(events, "tool_result")[0])
	if result["success"] != false || result["exit_code"] != 2.0 || result["output"] != "FAIL\n" || result["tool"] != "shell" {
		t.Errorf("got %v", result)
	}
}

// Files of threads that are not paginated have no items, but tell some ends of calls.
func TestWhatAScriptDidIsToldByTheEndsOfItsCallsWhereThereAreNoItems(t *testing.T) {
	events := convert(t, transcript.CodexRollout, rollout(codexStart, codexScript,
		`event_msg {"type":"exec_command_end","call_id":"exec-1","command":["bash","-lc","make test"],"aggregated_output":"FAIL\n","exit_code":2,"duration":{"secs":1,"nanos":0}}`,
		`event_msg {"type":"patch_apply_end","call_id":"exec-2","success":true,"stdout":"Success.","stderr":"","changes":{"a.go":{"type":"add","content":"a\n"}}}`,
		`event_msg {"type":"mcp_tool_call_end","call_id":"exec-3","invocation":{"server":"docs","tool":"search","arguments":{"q":"go"}},"result":{"Err":"no such server"}}`,
		codexScriptEnd))
	checkTexts(t, events, "tool_call", "tool", "shell", "apply_patch", "docs.search")
	checkTexts(t, events, "tool_result", "output", "FAIL\n", "Success.", "no such server")
	for i, success := range []bool{false, true, false} {
		if got := fields(t, ofType(events, "tool_result")[i])["success"]; got != success {
			t.Errorf("result %d: success is %v", i, got)
		}
	}
}

func TestACallIsToldOnceWithWhatItsItemKnows(t *testing.T) {
	call := `response_item {"type":"function_call","call_id":"exec-1","name":"exec_command","arguments":"{\"cmd\":\"make test\"}"}`
	output := `response_item {"type":"function_call_output","call_id":"exec-1","output":"Chunk ID: 1\nWall time: 2 seconds\nProcess exited with code 2\nOutput:\nFAIL\n"}`
	began := strings.NewReplacer("item_completed", "item_started", `"failed"`, `"inProgress"`, `,"aggregated_output":"FAIL\n","exit_code":2`, "").Replace(codexRan)
	for name, told := range map[string][]string{
		"the item first":          {call, codexRan, output},
		"the output first":        {call, output, codexRan},
		"the output alone":        {call, output},
		"the item from its start": {call, began, codexRan, output},
	} {
		t.Run(name, func(t *testing.T) {
			events := convert(t, transcript.CodexRollout, rollout(append([]string{codexMeta, codexStart}, told...)...))
			checkTexts(t, events, "tool_call", "tool", "shell")
			checkTexts(t, events, "tool_result", "output", "FAIL\n")
			if result := fields(t, ofType(events, "tool_result")[0]); result["success"] != false || result["exit_code"] != 2.0 || result["tool"] != "shell" {
				t.Errorf("got %v", result)
			}
		})
	}
}

func TestACommandThatGoesOnHasItsResultWhenItEnds(t *testing.T) {
	begun := []string{codexMeta, codexStart,
		`response_item {"type":"function_call","call_id":"exec-1","name":"exec_command","arguments":"{\"cmd\":\"make test\"}"}`,
		`response_item {"type":"function_call_output","call_id":"exec-1","output":"Chunk ID: 1\nWall time: 10 seconds\nProcess running with session ID 5\nOutput:\nFA"}`,
		`response_item {"type":"function_call","call_id":"c2","name":"write_stdin","arguments":"{\"session_id\":5}"}`}
	events := convert(t, transcript.CodexRollout, rollout(append(slices.Clone(begun), codexRan)...))
	if got := ofType(events, "tool_result"); len(got) != 1 || fields(t, got[0])["exit_code"] != 2.0 {
		t.Errorf("got %s", lines(events))
	}
	events = convert(t, transcript.CodexRollout, rollout(append(begun, strings.Replace(codexRan, "exec-1", "exec-9", 1))...))
	if got := texts(t, events, "tool_result", "output"); !slices.Contains(got, "Chunk ID: 1\nWall time: 10 seconds\nProcess running with session ID 5\nOutput:\nFA") {
		t.Errorf("one that never ends: got %q", got)
	}
}

func TestACallThatWasRefusedIsNoSuccess(t *testing.T) {
	for _, output := range []string{
		"apply_patch verification failed: no such lines", "unsupported call: mcp__sumsadd", "aborted by user after 1.4s",
		"Wall time: 1.2 seconds\naborted by user", "unable to process image: unsupported", "failed to parse function arguments: no",
		"exec_command failed for `ls`: rejected by user",
	} {
		events := convert(t, transcript.CodexRollout, rollout(
			`response_item {"type":"function_call","call_id":"c","name":"any","arguments":"{}"}`,
			fmt.Sprintf(`response_item {"type":"function_call_output","call_id":"c","output":%s}`, quoted(output))))
		if fields(t, ofType(events, "tool_result")[0])["success"] != false {
			t.Errorf("%q is a success", output)
		}
	}
}

// mirrors are one message, as the logs of a file tell it.
func codexMirrors(role, text string) []string {
	quotedText := quoted(text)
	if role == "user" {
		return []string{
			`response_item {"type":"message","role":"user","content":[{"type":"input_text","text":` + quotedText + `}]}`,
			`event_msg {"type":"user_message","message":` + quotedText + `,"images":[]}`,
			`event_msg {"type":"item_completed","item":{"type":"UserMessage","id":"i","content":[{"type":"text","text":` + quotedText + `}]}}`,
		}
	}
	return []string{
		`response_item {"type":"message","role":"assistant","content":[{"type":"output_text","text":` + quotedText + `}]}`,
		`event_msg {"type":"agent_message","message":` + quotedText + `}`,
		`event_msg {"type":"item_completed","item":{"type":"AgentMessage","id":"i","content":[{"type":"Text","text":` + quotedText + `}]}}`,
	}
}

func TestWhatSeveralLogsTellIsToldOnce(t *testing.T) {
	for _, role := range []string{"user", "assistant"} {
		m := codexMirrors(role, "Once.")
		for _, order := range [][]int{{0}, {1}, {2}, {0, 1}, {1, 0}, {0, 2}, {2, 0}, {0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
			var lines []string
			for _, i := range order {
				lines = append(lines, m[i])
			}
			checkTexts(t, convert(t, transcript.CodexRollout, rollout(lines...)), role, "content", "Once.")
			twice := append(slices.Clone(lines), lines...)
			checkTexts(t, convert(t, transcript.CodexRollout, rollout(twice...)), role, "content", "Once.", "Once.")
		}
	}
	checkTexts(t, convert(t, transcript.CodexRollout, rollout(
		`event_msg {"type":"agent_reasoning","text":"Thinking."}`,
		`response_item {"type":"reasoning","summary":[{"type":"summary_text","text":"Thinking."}],"content":[{"type":"reasoning_text","text":"More."}]}`,
		`event_msg {"type":"item_completed","item":{"type":"Reasoning","id":"r","summary_text":["Thinking."],"raw_content":["More."]}}`,
	)), "thought", "content", "Thinking.", "More.")
}

func TestAPersonsImageIsThereOnceWhicheverLogHasIt(t *testing.T) {
	const image = "data:image/png;base64,iVBORw0="
	wire := `response_item {"type":"message","role":"user","content":[{"type":"input_text","text":"See?"},{"type":"input_text","text":"<image name=[Image #1]>"},{"type":"input_image","image_url":"` + image + `"},{"type":"input_text","text":"</image>"}]}`
	shown := `event_msg {"type":"user_message","message":"See?","images":["` + image + `"],"local_images":[]}`
	local := `event_msg {"type":"user_message","message":"See?","images":[],"local_images":["/tmp/a.png"]}`
	item := `event_msg {"type":"item_completed","item":{"type":"UserMessage","id":"i","content":[{"type":"text","text":"See?"},{"type":"local_image","path":"/tmp/a.png"}]}}`
	for name, told := range map[string][]string{
		"the wire alone": {wire}, "shown alone": {shown}, "both": {wire, shown}, "the other way around": {shown, wire},
		"with a path": {wire, local}, "a path first": {local, wire}, "in an item": {wire, item}, "in an item first": {item, wire}, "all": {wire, shown, item},
	} {
		t.Run(name, func(t *testing.T) {
			events := convert(t, transcript.CodexRollout, rollout(told...))
			var words, images int
			for _, e := range ofType(events, "user") {
				words += strings.Count(string(e.Data), "See?")
				images += strings.Count(string(e.Data), `"sha256":`)
			}
			if words != 1 || images != 1 {
				t.Errorf("%d times the words, %d times the image: %s", words, images, lines(events))
			}
		})
	}
}

func TestThePersonsWordsAreHumanAndWhatIsPutBesideThemIsNot(t *testing.T) {
	type piece struct{ actor, text string }
	for name, test := range map[string]struct {
		text string
		want []piece
	}{
		"words":              {"Fix <b>it</b>.", []piece{{"human", "Fix <b>it</b>."}}},
		"a wrapper":          {"<environment_context>\n<cwd>/</cwd>\n</environment_context>", []piece{{"system", "<environment_context>\n<cwd>/</cwd>\n</environment_context>"}}},
		"a wrapper, words":   {"<skill>\nx\n</skill>\nDeploy it.", []piece{{"system", "<skill>\nx\n</skill>"}, {"human", "Deploy it."}}},
		"words, a wrapper":   {"Deploy it.\n<skill>\nx\n</skill>", []piece{{"human", "Deploy it."}, {"system", "<skill>\nx\n</skill>"}}},
		"two wrappers":       {"<turn_aborted>\nx\n</turn_aborted>\n<subagent_notification>{}</subagent_notification>", []piece{{"system", "<turn_aborted>\nx\n</turn_aborted>"}, {"system", "<subagent_notification>{}</subagent_notification>"}}},
		"an open wrapper":    {"<user_instructions>\nBe", []piece{{"system", "<user_instructions>\nBe"}}},
		"rules":              {"# AGENTS.md instructions for /srv\n\n<INSTRUCTIONS>\nBe brief.\n</INSTRUCTIONS>\n\nFix it.", []piece{{"system", "# AGENTS.md instructions for /srv\n\n<INSTRUCTIONS>\nBe brief.\n</INSTRUCTIONS>"}, {"human", "Fix it."}}},
		"words about rules":  {"# AGENTS.md\nis wrong", []piece{{"human", "# AGENTS.md\nis wrong"}}},
		"an editor":          {"# Context from my IDE setup:\n\n## Open tabs:\n- a.go\n\n## My request for Codex:\nFix it.\n## And\nthat.", []piece{{"system", "# Context from my IDE setup:\n\n## Open tabs:\n- a.go"}, {"human", "Fix it.\n## And\nthat."}}},
		"files":              {"# Files mentioned by the user:\n\n## a.png: /tmp/a.png\n\n## My request for Codex:\nLook.", []piece{{"system", "# Files mentioned by the user:\n\n## a.png: /tmp/a.png"}, {"human", "Look."}}},
		"a new wrapper":      {"<moon_phase>\nfull\n</moon_phase>", []piece{{"system", "<moon_phase>\nfull\n</moon_phase>"}}},
		"a person's own tag": {"<moon_phase>\nfull\n</moon_phase>\nWhat is this?", []piece{{"human", "<moon_phase>\nfull\n</moon_phase>\nWhat is this?"}}},
		"instructions":       {"<permissions instructions>\nx\n</permissions instructions>", []piece{{"system", "<permissions instructions>\nx\n</permissions instructions>"}}},
	} {
		for i, line := range codexMirrors("user", test.text) {
			t.Run(fmt.Sprint(name, i), func(t *testing.T) {
				c := converter(t, transcript.CodexRollout, nil)
				var got []piece
				title := ""
				for _, e := range ofType(feed(c, []byte(rollout(codexMeta, line)), 0), "user") {
					text := fields(t, e)["content"].(string)
					got = append(got, piece{string(e.Actor), text})
					if e.Actor == eventlog.Human && title == "" {
						title, _, _ = strings.Cut(text, "\n")
					}
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("got %q, want %q", got, test.want)
				}
				if c.Origin().Title != title {
					t.Errorf("the title is %q, want %q", c.Origin().Title, title)
				}
			})
		}
	}
}

func TestWhereCodexSaysWhereABlockComesFromItIsBelieved(t *testing.T) {
	events := convert(t, transcript.CodexRollout, rollout(
		`response_item {"type":"message","role":"user","content":[{"type":"input_text","text":"Anything"},{"type":"input_text","text":"<environment_context>mine</environment_context>"}],"internal_chat_message_metadata_passthrough":{"content_item_kinds":["new.context","user.text"]}}`))
	checkTexts(t, events, "user", "content", "Anything", "<environment_context>mine</environment_context>")
	if got := ofType(events, "user"); got[0].Actor != eventlog.System || got[1].Actor != eventlog.Human {
		t.Errorf("got %s", lines(events))
	}
}

func TestASubagentsThreadHasAParentAndNoPerson(t *testing.T) {
	for name, meta := range map[string]string{
		"a guardian":     `{"id":"t-2","source":{"subagent":{"other":"guardian"}},"thread_source":"subagent","parent_thread_id":"t-1"}`,
		"one at work":    `{"id":"t-2","source":{"subagent":{"thread_spawn":{"parent_thread_id":"t-1","depth":1,"agent_path":"/root/helper"}}},"agent_path":"/root/helper"}`,
		"one of a newer": `{"id":"t-2","session_id":"t-1","parent_thread_id":"t-1","thread_source":"subagent"}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := converter(t, transcript.Auto, nil)
			events := feed(c, []byte(rollout("session_meta "+meta, codexStart, codexAsk, codexMirrors("user", "Do it.")[2], codexSays, codexDone)), 0)
			if o := c.Origin(); o.Session != "t-2" || o.Parent != "t-1" || o.Title != "" {
				t.Errorf("got %+v", o)
			}
			checkTexts(t, events, "user", "content", "Do it.")
			if actor := ofType(events, "user")[0].Actor; actor != eventlog.Agent {
				t.Errorf("the prompt is of %s", actor)
			}
		})
	}
}

func TestWhatAgentsSayToEachOtherIsOfAgents(t *testing.T) {
	mail := `response_item {"type":"agent_message","author":"/root","recipient":"/root/helper","content":[{"type":"input_text","text":"Message Type: NEW_TASK\nTask name: /root/helper\nSender: /root\nPayload:\n"},{"type":"encrypted_content","encrypted_content":"Look at it."}]}`
	child := convert(t, transcript.CodexRollout, rollout(`session_meta {"id":"t-2","agent_path":"/root/helper","parent_thread_id":"t-1"}`, mail))
	checkTexts(t, child, "user", "content", "Look at it.")
	secret := convert(t, transcript.CodexRollout, rollout(codexMeta, strings.Replace(strings.Replace(mail, "Look at it.", "gAAAAABo", 1), `"/root"`, `"/root/helper"`, 1)))
	checkTexts(t, secret, "user", "content", "[encrypted]")
	own := convert(t, transcript.CodexRollout, rollout(codexMeta, `response_item {"type":"agent_message","author":"/root","content":[{"type":"input_text","text":"Hi."}]}`))
	checkTexts(t, own, "assistant", "content", "Hi.")
}

func TestTheTitleOfACodexThreadIsItsName(t *testing.T) {
	c := converter(t, transcript.Auto, nil)
	feed(c, []byte(rollout(codexMeta, codexAsk,
		`event_msg {"type":"thread_name_updated","thread_id":"t-1","thread_name":"First"}`,
		`event_msg {"type":"thread_name_updated","thread_id":"t-1","thread_name":"Second"}`,
		`event_msg {"type":"thread_name_updated","thread_id":"t-9","thread_name":"Another thread"}`)), 0)
	if o := c.Origin(); o.Title != "Second" || o.Branch != "main" || o.Dir != "/srv" || o.Version != "0.171.0" {
		t.Errorf("got %+v", o)
	}
}

func TestAForkIsItsOwnThreadWithItsParentsWords(t *testing.T) {
	c := converter(t, transcript.Auto, nil)
	events := feed(c, []byte(rollout(`session_meta {"id":"t-2","forked_from_id":"t-1","cwd":"/new"}`, codexMeta, codexAsk, codexSays)), 0)
	if o := c.Origin(); o.Session != "t-2" || o.Dir != "/new" || o.Parent != "" {
		t.Errorf("got %+v", o)
	}
	checkTexts(t, events, "user", "content", "Do it.")
}

// tokens is a token_count line.
func tokens(total, last int) string {
	return fmt.Sprintf(`event_msg {"type":"token_count","info":{"total_token_usage":{"input_tokens":%d,"output_tokens":%d},"last_token_usage":{"input_tokens":%d,"output_tokens":%d}}}`, total, total/10, last, last/10)
}

func TestTheSumOfACodexThreadGoesOnWhenItsTotalBeginsAnew(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		want  float64
	}{
		"told twice":                  {[]string{codexMeta, tokens(100, 100), tokens(100, 100), tokens(250, 150)}, 250},
		"after a compaction":          {[]string{codexMeta, tokens(100, 100), tokens(250, 150), tokens(80, 80), tokens(100, 20)}, 350},
		"anew with a larger one":      {[]string{codexMeta, tokens(100, 100), tokens(300, 300)}, 400},
		"turns were taken back":       {[]string{codexMeta, tokens(100, 100), tokens(250, 150), tokens(130, 30)}, 280},
		"the last is not told":        {[]string{codexMeta, tokens(100, 0), tokens(250, 0), tokens(80, 0)}, 330},
		"a file that begins later":    {[]string{codexMeta, tokens(250, 150)}, 250},
		"a fork that begins later":    {[]string{`session_meta {"id":"t-2","forked_from_id":"t-1","history_base":{"thread_id":"t-1"}}`, codexStart, tokens(250, 150), tokens(300, 50)}, 200},
		"a fork that repeats the sum": {[]string{`session_meta {"id":"t-2","forked_from_id":"t-1","history_base":{"thread_id":"t-1"}}`, tokens(250, 150), codexStart, tokens(300, 50)}, 50},
		"a base that is its own":      {[]string{`session_meta {"id":"t-2","history_base":{"thread_id":"t-2"}}`, codexStart, tokens(250, 150)}, 250},
		"a record of the parent":      {[]string{codexMeta, `token_usage_record {"thread_id":"t-0","response_id":"r","usage":{"input_tokens":70}}`, `token_usage_record {"thread_id":"t-1","response_id":"r","usage":{"input_tokens":30}}`}, 30},
		"no thread is named":          {[]string{tokens(100, 100), tokens(250, 150)}, 250},
		"the total is missing":        {[]string{codexMeta, `event_msg {"type":"token_count","info":{"last_token_usage":{"input_tokens":40}}}`, `event_msg {"type":"token_count","info":{"last_token_usage":{"input_tokens":50}}}`}, 90},
		"records of the whole thread": {[]string{codexMeta, `usage_record {"thread_id":"t-1","usage":{"input_tokens":30},"thread_token_usage":{"input_tokens":30}}`, `usage_record {"thread_id":"t-1","usage":{"input_tokens":20},"thread_token_usage":{"input_tokens":50}}`}, 50},
		"nothing is told":             {[]string{codexMeta, `event_msg {"type":"token_count","info":null}`}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := sumOfFiles(t, rollout(test.lines...)); got.input != test.want {
				t.Errorf("got %v, want %v", got.input, test.want)
			}
		})
	}
}

// Versions that repeat the parent's lines mark where the fork's own begin in different ways, or
// not at all.
func TestWhereAForksOwnLinesBeginIsFound(t *testing.T) {
	const (
		before = "019e0000-0000-7000-8000-000000000002"
		after  = "019f0000-1000-7000-8000-000000000003"
	)
	fork := `{"timestamp":"%[1]s","type":"session_meta","payload":{"id":"t-2","forked_from_id":"t-1","timestamp":"2026-05-25T21:53:41.120Z"}}` + "\n"
	line := func(at, payload string) string {
		return fmt.Sprintf(`{"timestamp":%q,"type":"event_msg","payload":%s}`+"\n", at, payload)
	}
	count := func(at string, total, last int) string {
		_, payload, _ := strings.Cut(tokens(total, last), " ")
		return line(at, payload)
	}
	const now, soon, later = "2026-05-25T21:53:41.120Z", "2026-05-25T21:53:41.200Z", "2026-05-25T21:53:43.000Z"
	for name, input := range map[string]string{
		"a pause":                       count(now, 100, 100) + count(later, 150, 50),
		"the parent's times are kept":   count("2026-05-20T10:00:00Z", 40, 40) + count("2026-05-20T11:00:00Z", 100, 60) + count(later, 150, 50),
		"a turn that began before":      line(later, `{"type":"task_started","turn_id":"`+before+`"}`) + count(later, 100, 100) + line(later, `{"type":"task_started","turn_id":"`+after+`"}`) + count(later, 150, 50),
		"a turn whose beginning tells":  line(soon, `{"type":"task_started","started_at":1779000000}`) + count(soon, 100, 100) + line(soon, `{"type":"task_started","started_at":1889000000}`) + count(soon, 150, 50),
		"the fork has nothing repeated": line(later, `{"type":"task_started"}`) + count(later, 150, 50),
	} {
		t.Run(name, func(t *testing.T) {
			if got := sumOfFiles(t, fmt.Sprintf(fork, now)+input); got.input != 50 {
				t.Errorf("got %v, want 50", got.input)
			}
		})
	}
}

func TestWhatThePersonShouldKnowOfACodexThreadIsTold(t *testing.T) {
	for line, want := range map[string]string{
		`event_msg {"type":"exec_approval_request","call_id":"c","command":["bash","-lc","rm -r x"],"reason":"writes"}`:                                   `question {"content":"Permission asked: rm -r x","call_id":"c","reason":"writes"}`,
		`event_msg {"type":"guardian_assessment","status":"inProgress"}`:                                                                                  ``,
		`event_msg {"type":"guardian_assessment","status":"approved","action":{"type":"mcp_tool_call","tool_name":"send"}}`:                               `guardrail {"content":"Allowed: send","status":"approved","action":{"type":"mcp_tool_call","tool_name":"send"}}`,
		`event_msg {"type":"plan_update","plan":[{"step":"Look","status":"completed"},{"step":"Mend","status":"in_progress"}]}`:                           `status {"content":"Plan:\n[x] Look\n[~] Mend"}`,
		`event_msg {"type":"entered_review_mode","target":{"type":"uncommittedChanges"},"user_facing_hint":"current changes"}`:                            `status {"content":"Review: current changes"}`,
		`event_msg {"type":"thread_goal_updated","goal":{"objective":"Ship it","status":"active"}}`:                                                       `status {"content":"Goal: Ship it (active)"}`,
		`event_msg {"type":"hook_completed","run":{"event_name":"stop","status":"blocked","entries":[{"kind":"stop","text":"No."}]}}`:                     `status {"content":"Hook stop: blocked\nNo."}`,
		`event_msg {"type":"hook_completed","run":{"event_name":"stop","status":"completed"}}`:                                                            ``,
		`event_msg {"type":"thread_rolled_back","num_turns":2}`:                                                                                           `status {"content":"The last turns were taken back","turns":2}`,
		`event_msg {"type":"item_completed","item":{"type":"Plan","id":"p","text":"# Plan\n1. Look"}}`:                                                    `status {"content":"Plan:\n# Plan\n1. Look"}`,
		`event_msg {"type":"item_completed","item":{"type":"SubAgentActivity","id":"c","kind":"started","agent_thread_id":"t-2","agent_path":"/root/a"}}`: `status {"content":"Subagent /root/a: started","agent_thread_id":"t-2"}`,
		`world_state {"full":true,"state":{}}`:                              ``,
		`security_risk_score {"scores":{"a":0.5}}`:                          ``,
		`inter_agent_communication_metadata {"trigger_turn":true}`:          ``,
		`response_item {"type":"additional_tools","tools":[]}`:              ``,
		`event_msg {"type":"thread_settings_applied","thread_settings":{}}`: ``,
	} {
		events := convert(t, transcript.CodexRollout, rollout(line))
		got := ""
		for _, e := range events {
			got += e.Type + " " + string(e.Data)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

func TestThePlanThatAMessageHoldsIsNotToldAgain(t *testing.T) {
	events := convert(t, transcript.CodexRollout, rollout(codexMeta,
		`response_item {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Here:\n<proposed_plan>\n# Plan\n</proposed_plan>"}]}`,
		`event_msg {"type":"item_completed","item":{"type":"Plan","id":"p","text":"# Plan\n"}}`,
		`response_item {"type":"function_call","call_id":"c","name":"update_plan","arguments":"{\"plan\":[{\"step\":\"Look\",\"status\":\"pending\"}]}"}`,
		`event_msg {"type":"plan_update","plan":[{"step":"Look","status":"pending"}]}`))
	if got := ofType(events, "status"); len(got) != 0 {
		t.Errorf("got %s", lines(got))
	}
}

func TestTheSummaryOfACompactionIsToldWithIt(t *testing.T) {
	answer := strings.Replace(rollout(codexSays), `"payload"`, `"metadata":{"compaction_output":true},"payload"`, 1)
	events := convert(t, transcript.CodexRollout, answer+rollout(`compacted {"message":"So far: Done."}`))
	checkTexts(t, events, "assistant", "content")
	checkTexts(t, events, "status", "summary", "So far: Done.")
	checkTexts(t, convert(t, transcript.CodexRollout, answer), "assistant", "content", "Done.")
	checkTexts(t, convert(t, transcript.CodexRollout, answer+rollout(`compacted {"message":""}`)), "assistant", "content", "Done.")
}

func TestSearchesAndImagesOfAPaginatedThreadAreToldOnce(t *testing.T) {
	events := convert(t, transcript.CodexRollout, rollout(codexMeta,
		`response_item {"type":"web_search_call","status":"completed","action":{"type":"search","query":"go"}}`,
		`event_msg {"type":"web_search_end","call_id":"ws","query":"go"}`,
		`event_msg {"type":"item_completed","item":{"type":"WebSearch","id":"ws","query":"go","action":{"type":"search","query":"go"}}}`,
		`response_item {"type":"image_generation_call","id":"ig","status":"completed","revised_prompt":"a logo","result":"iVBORw0="}`,
		`event_msg {"type":"image_generation_end","call_id":"ig","status":"completed","result":"iVBORw0="}`,
		`event_msg {"type":"item_completed","item":{"type":"ImageGeneration","id":"ig","status":"completed","result":"iVBORw0=","saved_path":"/tmp/a.png"}}`))
	checkTexts(t, events, "tool_call", "tool", "web_search", "image_generation")
	checkTexts(t, events, "tool_result", "tool", "web_search", "image_generation")
}

func TestAnImageThatAScriptLookedAtIsTheResultOfLooking(t *testing.T) {
	events := convert(t, transcript.CodexRollout, rollout(codexMeta, codexStart,
		`response_item {"type":"custom_tool_call","call_id":"s","name":"exec","input":"image(await tools.view_image({path: 'a.png'}))"}`,
		`event_msg {"type":"item_completed","item":{"type":"ImageView","id":"exec-2","path":"file:///srv/a.png"}}`,
		`response_item {"type":"custom_tool_call_output","call_id":"s","output":[{"type":"input_text","text":"Script completed\nWall time 0.1 seconds\nOutput:\n"},{"type":"input_image","image_url":"data:image/png;base64,iVBORw0="}]}`))
	checkTexts(t, events, "tool_call", "tool", "view_image")
	if result := string(ofType(events, "tool_result")[0].Data); !strings.Contains(result, `"media_type":"image/png"`) || !strings.Contains(result, `"call_id":"exec-2"`) {
		t.Errorf("got %s", result)
	}
}

func TestTheAppServersTurnsEndAsItSays(t *testing.T) {
	turn := func(status string) string {
		return `{"method":"turn/started","params":{"threadId":"a","turn":{"id":"1"}}}` + "\n" +
			`{"method":"turn/completed","params":{"threadId":"a","turn":{"id":"1","status":"` + status + `","error":{"message":"No."}}}}` + "\n"
	}
	for status, want := range map[string]eventlog.Status{"completed": eventlog.Succeeded, "failed": eventlog.Failed, "interrupted": eventlog.Canceled, "inProgress": eventlog.Interrupted} {
		if got := outcome(t, transcript.Auto, turn(status)); got.Status != want {
			t.Errorf("%s: got %+v", status, got)
		}
	}
	other := strings.ReplaceAll(turn("failed"), `"threadId":"a"`, `"threadId":"b"`)
	if got := outcome(t, transcript.Auto, turn("completed")+other); got.Status != eventlog.Succeeded {
		t.Errorf("a subagent's failure: got %+v", got)
	}
}

func TestWhatTheAppServerKeepsForItselfIsNoRow(t *testing.T) {
	started := `{"method":"thread/started","params":{"thread":{"id":"a"}}}`
	for _, method := range []string{"account/updated", "remoteControl/status/changed", "mcpServer/startupStatus/updated"} {
		line := `{"method":"` + method + `","params":{"status":"disabled"}}`
		for name, text := range map[string]string{"first": line + "\n" + started + "\n", "later": started + "\n" + line + "\n"} {
			if events := convert(t, transcript.Auto, text); len(ofType(events, transcript.TypeRaw)) != 0 {
				t.Errorf("%s, %s: %s", method, name, lines(events))
			}
		}
	}
	if events := convert(t, transcript.Auto, started+"\n"+`{"method":"ofTheFuture/changed","params":{}}`+"\n"); len(ofType(events, transcript.TypeRaw)) != 1 {
		t.Errorf("what is not known is dropped: %s", lines(events))
	}
}
