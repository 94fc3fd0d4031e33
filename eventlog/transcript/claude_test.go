package transcript_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// disk writes lines of a session's file. Each gets what all lines have, unless it has it.
func disk(lines ...string) string {
	var b strings.Builder
	for i, line := range lines {
		fmt.Fprintf(&b, `{"sessionId":"s","uuid":"u%d","timestamp":"2026-09-01T10:00:%02d.000Z","cwd":"/srv","version":"2.1.220",%s`+"\n", i, i, strings.TrimPrefix(line, "{"))
	}
	return b.String()
}

// stream writes lines of stream-json, behind the first one.
func stream(lines ...string) string {
	var b strings.Builder
	b.WriteString(`{"type":"system","subtype":"init","session_id":"s","model":"claude-opus-4-5","uuid":"i","cwd":"/srv","claude_code_version":"2.1.220"}` + "\n")
	for i, line := range lines {
		fmt.Fprintf(&b, `{"session_id":"s","uuid":"u%d",%s`+"\n", i, strings.TrimPrefix(line, "{"))
	}
	return b.String()
}

func quoted(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func prompt(text string) string {
	return `{"type":"user","message":{"role":"user","content":` + quoted(text) + `}}`
}

// answer is an assistant's text. A stop reason is a string or null.
func answer(id, text, stop string) string {
	return fmt.Sprintf(`{"type":"assistant","message":{"id":%q,"model":"claude-opus-4-5","role":"assistant","stop_reason":%s,"content":[{"type":"text","text":%s}]}}`, id, stop, quoted(text))
}

func calls(id, call string) string {
	return fmt.Sprintf(`{"type":"assistant","message":{"id":%q,"model":"claude-opus-4-5","role":"assistant","stop_reason":"tool_use","content":[{"type":"tool_use","id":%q,"name":"Bash","input":{"command":"make"}}]}}`, id, call)
}

func returns(call, output string) string {
	return fmt.Sprintf(`{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":%q,"content":%s}]}}`, call, quoted(output))
}

const (
	endTurn     = `"end_turn"`
	success     = `{"type":"result","subtype":"success","is_error":false,"result":""}`
	interrupted = `[Request interrupted by user]`
)

func TestTheEndOfAClaudeRunIsHonest(t *testing.T) {
	const apiError = `{"type":"assistant","isApiErrorMessage":true,"error":"overloaded","message":{"id":"e","model":"<synthetic>","stop_reason":"stop_sequence","content":[{"type":"text","text":"API Error: 529"}]}}`
	for name, test := range map[string]struct {
		input  string
		status eventlog.Status
		reason string
	}{
		"a final message":                           {disk(prompt("Go"), answer("m", "Done.", endTurn)), eventlog.Succeeded, ""},
		"a final message at a stop sequence":        {disk(prompt("Go"), answer("m", "Done.", `"stop_sequence"`)), eventlog.Succeeded, ""},
		"a thought before the final message":        {disk(prompt("Go"), `{"type":"assistant","message":{"id":"m","model":"c","stop_reason":"end_turn","content":[{"type":"thinking","thinking":"Hm."}]}}`, answer("m", "Done.", endTurn)), eventlog.Succeeded, ""},
		"a person's message":                        {disk(prompt("Go"), answer("m", "Done.", endTurn), prompt("More")), eventlog.Interrupted, "middle of a run"},
		"a message that waits in the queue":         {disk(prompt("Go"), calls("m", "t"), returns("t", ""), `{"type":"queue-operation","operation":"enqueue","content":"more"}`), eventlog.Interrupted, "middle of a run"},
		"an open call":                              {disk(prompt("Go"), calls("m", "t")), eventlog.Interrupted, "without a result"},
		"one of two calls open":                     {disk(prompt("Go"), calls("m", "t"), calls("m", "t2"), returns("t2", "")), eventlog.Interrupted, "without a result"},
		"a call's result":                           {disk(prompt("Go"), calls("m", "t"), returns("t", "")), eventlog.Interrupted, "middle of a run"},
		"a text before a call":                      {disk(prompt("Go"), answer("m", "I look.", `"tool_use"`)), eventlog.Interrupted, "middle of a run"},
		"a text that does not say why it stops":     {disk(prompt("Go"), answer("m", "I look.", "null")), eventlog.Interrupted, "middle of a run"},
		"the same of a version that did not say it": {strings.ReplaceAll(disk(prompt("Go"), answer("m", "I look.", "null")), "2.1.220", "2.0.76"), eventlog.Succeeded, ""},
		"a turn's duration behind it":               {disk(prompt("Go"), answer("m", "I looked.", "null"), `{"type":"system","subtype":"turn_duration","durationMs":3}`), eventlog.Succeeded, ""},
		"an answer that was cut off":                {disk(prompt("Go"), answer("m", "One, two", `"max_tokens"`)), eventlog.Failed, "max_tokens"},
		"a refusal":                                 {disk(prompt("Go"), answer("m", "I can't.", `"refusal"`)), eventlog.Failed, "refused"},
		"an error of the API":                       {disk(prompt("Go"), answer("m", "I look.", "null"), apiError), eventlog.Failed, "API Error: 529"},
		"bookkeeping behind an error of the API":    {disk(prompt("Go"), apiError, `{"type":"system","subtype":"turn_duration","durationMs":3}`, `{"type":"last-prompt","lastPrompt":"Go"}`), eventlog.Failed, "API Error: 529"},
		"a good turn after an error of the API":     {disk(prompt("Go"), apiError, prompt("Again"), answer("m", "Done.", endTurn)), eventlog.Succeeded, ""},
		"an interruption":                           {disk(prompt("Go"), answer("m", "One", "null"), prompt(interrupted)), eventlog.Canceled, "interrupted by a person"},
		"an interruption of a tool":                 {disk(prompt("Go"), calls("m", "t"), `{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","is_error":true,"content":"rejected"},{"type":"text","text":"[Request interrupted by user for tool use]"}]}}`), eventlog.Canceled, "interrupted by a person"},
		"a good turn after an interruption":         {disk(prompt("Go"), prompt(interrupted), prompt("Again"), answer("m", "Done.", endTurn)), eventlog.Succeeded, ""},
		"a farewell":                                {disk(prompt("Go"), answer("m", "Done.", endTurn), prompt("<command-name>/exit</command-name>\n<command-message>exit</command-message>\n<command-args></command-args>"), prompt("<local-command-stdout>Bye!</local-command-stdout>")), eventlog.Succeeded, ""},
		"a command of the person's own":             {disk(prompt("Go"), answer("m", "Done.", endTurn), prompt("<bash-input>ls</bash-input>"), prompt("<bash-stdout>a</bash-stdout><bash-stderr></bash-stderr>")), eventlog.Succeeded, ""},
		"a command for the agent":                   {disk(prompt("Go"), answer("m", "Done.", endTurn), prompt("<command-message>review</command-message>\n<command-name>/review</command-name>\n<command-args>12</command-args>")), eventlog.Interrupted, "middle of a run"},
		"a subagent's final message":                {disk(prompt("Go"), calls("m", "t"), `{"isSidechain":true,"agentId":"a",`+answer("n", "Done.", endTurn)[1:]), eventlog.Interrupted, "without a result"},

		"a result":                                {stream(answer("m", "Done.", "null"), success), eventlog.Succeeded, ""},
		"a result of a call":                      {stream(calls("m", "t"), returns("t", "")), eventlog.Interrupted, "middle of a run"},
		"a last message without a result":         {stream(answer("m", "Done.", "null")), eventlog.Interrupted, "middle of a run"},
		"a background turn that has just begun":   {stream(answer("m", "Done.", "null"), success, `{"type":"system","subtype":"init","model":"m"}`), eventlog.Interrupted, "middle of a run"},
		"more words after a result":               {stream(answer("m", "Done.", "null"), success, answer("m2", "And", "null")), eventlog.Interrupted, "middle of a run"},
		"the state running after a result":        {stream(answer("m", "Done.", "null"), success, `{"type":"system","subtype":"session_state_changed","state":"running"}`), eventlog.Interrupted, "middle of a run"},
		"the state idle after a result":           {stream(answer("m", "Done.", "null"), success, `{"type":"system","subtype":"session_state_changed","state":"idle"}`), eventlog.Succeeded, ""},
		"an error that calls itself a success":    {stream(`{"type":"result","subtype":"success","is_error":true,"terminal_reason":"prompt_too_long","result":"Prompt is too long"}`), eventlog.Failed, "Prompt is too long"},
		"too many turns":                          {stream(`{"type":"result","subtype":"error_max_turns","is_error":false}`), eventlog.Failed, "error_max_turns"},
		"a result with a list of errors":          {stream(`{"type":"result","subtype":"error_during_execution","is_error":true,"errors":["no disk","no net"]}`), eventlog.Failed, "no disk\nno net"},
		"a result that was aborted":               {stream(`{"type":"result","subtype":"error_during_execution","is_error":true,"terminal_reason":"aborted_tools","errors":["[ede_diagnostic] x"]}`), eventlog.Canceled, "interrupted"},
		"an interruption and an older result":     {stream(prompt(interrupted), `{"type":"result","subtype":"error_during_execution","is_error":true}`), eventlog.Canceled, "interrupted"},
		"a good turn after a bad one":             {stream(`{"type":"result","subtype":"error_max_turns","is_error":true}`, answer("m", "Done.", "null"), success), eventlog.Succeeded, ""},
		"a bad turn after a good one":             {stream(success, `{"type":"result","subtype":"error_max_budget_usd","is_error":true}`), eventlog.Failed, "error_max_budget_usd"},
		"an array of which the end is missing":    {"[" + strings.ReplaceAll(strings.TrimSpace(stream(answer("m", "Done.", "null"), success)), "\n", ","), eventlog.Interrupted, "middle of a line"},
		"an array":                                {"[" + strings.ReplaceAll(strings.TrimSpace(stream(answer("m", "Done.", "null"), success)), "\n", ",") + "]", eventlog.Succeeded, ""},
		"a result alone":                          {`{"type":"result","subtype":"success","is_error":false,"session_id":"s","result":"Hi."}`, eventlog.Succeeded, ""},
		"a result alone that tells of an error":   {`{"type":"result","subtype":"success","is_error":true,"session_id":"s","result":"No."}`, eventlog.Failed, "No."},
		"a result that is indented":               {"{\n  \"type\": \"result\",\n  \"subtype\": \"success\",\n  \"is_error\": false,\n  \"session_id\": \"s\"\n}", eventlog.Succeeded, ""},
		"a file of which the last line is cut":    {disk(prompt("Go"), answer("m", "Done.", endTurn)) + `{"type":"assis`, eventlog.Interrupted, "middle of a line"},
		"the most turns of a session on the disk": {disk(prompt("Go"), `{"type":"attachment","attachment":{"type":"max_turns_reached","maxTurns":3}}`), eventlog.Failed, "most turns"},
	} {
		t.Run(name, func(t *testing.T) {
			got := outcome(t, transcript.Auto, test.input)
			if got.Status != test.status || !strings.Contains(got.Reason, test.reason) || test.reason == "" && got.Reason != "" {
				t.Errorf("got %+v, want %s %q", got, test.status, test.reason)
			}
			if got.Status == eventlog.Failed && len(ofType(convert(t, transcript.Auto, test.input), eventlog.TypeError)) > 1 {
				t.Error("the error is told twice")
			}
		})
	}
}

// said returns who said what to the agent, in order.
func said(t *testing.T, events []eventlog.Event) (all []string) {
	t.Helper()
	for _, e := range ofType(events, eventlog.TypeUser) {
		all = append(all, string(e.Actor)+": "+fields(t, e)["content"].(string))
	}
	return all
}

func TestWhatAPersonTypedWhileTheAgentWorkedIsToldOnce(t *testing.T) {
	queue := func(operation, content string) string {
		if content == "" {
			return `{"type":"queue-operation","operation":"` + operation + `"}`
		}
		return `{"type":"queue-operation","operation":"` + operation + `","content":` + quoted(content) + `}`
	}
	absorbed := func(prompt string) string {
		return `{"type":"attachment","attachment":{"type":"queued_command","commandMode":"prompt","prompt":` + prompt + `}}`
	}
	work := []string{prompt("Go"), calls("m", "t")}
	rest := []string{returns("t", ""), answer("m2", "Done.", endTurn)}
	for name, test := range map[string]struct {
		lines []string
		want  []string
	}{
		"and given to it at once":                  {slices.Concat(work, []string{queue("enqueue", "and b")}, rest[:1], []string{queue("remove", ""), absorbed(`"and b"`)}, rest[1:]), []string{"human: Go", "human: and b"}},
		"and given to it as blocks":                {slices.Concat(work, []string{queue("enqueue", "and b")}, rest[:1], []string{queue("remove", ""), absorbed(`[{"type":"text","text":"and b"}]`)}, rest[1:]), []string{"human: Go", "human: and b"}},
		"and never again":                          {slices.Concat(work, []string{queue("enqueue", "and b")}, rest, []string{queue("remove", "")}), []string{"human: Go", "human: and b"}},
		"and never again, at the end of the file":  {slices.Concat(work, []string{queue("enqueue", "and b")}), []string{"human: Go", "human: and b"}},
		"and told without a line of the queue":     {slices.Concat(work, rest[:1], []string{absorbed(`"and b"`)}, rest[1:]), []string{"human: Go", "human: and b"}},
		"and run afterwards":                       {slices.Concat(work, []string{queue("enqueue", "and b")}, rest, []string{queue("dequeue", ""), prompt("and b")}), []string{"human: Go", "human: and b"}},
		"and run afterwards, two as one":           {slices.Concat(work, []string{queue("enqueue", "and b"), queue("enqueue", "and c")}, rest, []string{queue("dequeue", ""), queue("dequeue", ""), prompt("and b\nand c")}), []string{"human: Go", "human: and b", "human: and c"}},
		"and run at once":                          {[]string{queue("enqueue", "Go"), queue("dequeue", ""), prompt("Go"), answer("m", "Done.", endTurn)}, []string{"human: Go"}},
		"and run at once in other words":           {[]string{queue("enqueue", "[Pasted text #1]"), queue("dequeue", ""), prompt("long text"), answer("m", "Done.", endTurn)}, []string{"human: long text"}},
		"and a command":                            {slices.Concat(work, []string{queue("enqueue", "/review 12")}, rest, []string{queue("dequeue", ""), prompt("<command-message>review</command-message><command-name>/review</command-name><command-args>12</command-args>")}), []string{"human: Go", "human: /review 12"}},
		"twice the same":                           {slices.Concat(work, []string{queue("enqueue", "go on")}, rest[:1], []string{queue("remove", ""), absorbed(`"go on"`), queue("enqueue", "go on")}, rest[1:], []string{queue("dequeue", ""), prompt("go on")}), []string{"human: Go", "human: go on", "human: go on"}},
		"and taken back, and sent in other words":  {[]string{prompt("Go"), queue("enqueue", "and b"), queue("popAll", "and b"), calls("m", "t"), returns("t", ""), prompt("and b, please")}, []string{"human: Go", "human: and b, please"}},
		"beside what a background task has to say": {slices.Concat(work, []string{queue("enqueue", "<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>\n<summary>The build is done</summary>\n</task-notification>")}, rest[:1], []string{queue("remove", ""), absorbed(quoted("<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>\n<summary>The build is done</summary>\n</task-notification>"))}, rest[1:]), []string{"human: Go", "system: The build is done"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := said(t, convert(t, transcript.ClaudeSession, disk(test.lines...))); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}

	events := convert(t, transcript.ClaudeSession, disk(slices.Concat(work, []string{queue("enqueue", "and b")}, rest[:1], []string{absorbed(`"and b"`)}, rest[1:])...))
	if e := ofType(events, eventlog.TypeUser)[1]; e.Time.Second() != 2 {
		t.Errorf("it was typed at second 2, not %s", e.Time)
	}
	events = convert(t, transcript.ClaudeSession, disk(slices.Concat(work, []string{
		`{"type":"attachment","attachment":{"type":"queued_command","prompt":[{"type":"text","text":"See"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO"}}]}}`}, rest)...))
	if f := fields(t, ofType(events, eventlog.TypeUser)[1]); f["parts"] == nil {
		t.Errorf("the image is not there: %v", f)
	}
}

func TestMarkupIsReadAsWhatItIs(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"a command":                       {"<command-message>review is running…</command-message>\n<command-name>/review</command-name>\n<command-args>12</command-args>", []string{"human: /review 12"}},
		"a command without arguments":     {"<command-name>/clear</command-name>\n            <command-message>clear</command-message>\n            <command-args></command-args>", []string{"human: /clear"}},
		"a command of an older version":   {"<command-message>review is running…</command-message>\n<command-name>review</command-name>", []string{"human: /review"}},
		"what a command printed":          {"<local-command-stdout>Set model to x</local-command-stdout>", []string{"system: Set model to x"}},
		"a command that printed nothing":  {"<local-command-stdout></local-command-stdout>", nil},
		"a shell command":                 {"<bash-input>ls -la</bash-input>", []string{"human: !ls -la"}},
		"what a shell command printed":    {"<bash-stdout>a.go</bash-stdout><bash-stderr>no b</bash-stderr>", []string{"system: a.go", "system: no b"}},
		"a reminder":                      {"<system-reminder>\nThe date is…\n</system-reminder>", []string{"system: The date is…"}},
		"a reminder behind words":         {"Fix it.\n<system-reminder>Be brief.</system-reminder>", []string{"human: Fix it.", "system: Be brief."}},
		"a reminder before words":         {"<system-reminder>Be brief.</system-reminder>\nFix it.", []string{"system: Be brief.", "human: Fix it."}},
		"a note for the memory":           {"<user-memory-input>use tabs</user-memory-input>", []string{"human: #use tabs"}},
		"a hook's output":                 {"<user-prompt-submit-hook>branch: main</user-prompt-submit-hook>", []string{"system: branch: main"}},
		"a message of another agent":      {`<teammate-message teammate_id="lead">Take a.</teammate-message>`, []string{"agent: Take a."}},
		"pasted words":                    {"Read:\n<pasted_content>\nabc\n</pasted_content>", []string{"human: Read:", "human: abc"}},
		"words that speak of a tag":       {"What does <system-reminder> mean in a <command-name>?", []string{"human: What does <system-reminder> mean in a <command-name>?"}},
		"words that quote a tag's end":    {"Is `<bash-input>x</bash-input>` shown?", []string{"human: Is `<bash-input>x</bash-input>` shown?"}},
		"words that are indented":         {"  two\n\n  lines\n", []string{"human:   two\n\n  lines\n"}},
		"a background task that is done":  {"<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>\n<summary>Build</summary>\n<result>All good.</result>\n</task-notification>", []string{"system: Build\n\nAll good."}},
		"words behind such a task's news": {"<task-notification><task-id>b1</task-id><status>failed</status><summary>Build</summary></task-notification>\nAnd now?", []string{"system: Build", "human: And now?"}},
	} {
		t.Run(name, func(t *testing.T) {
			blocks := `{"type":"user","message":{"content":[{"type":"text","text":` + quoted(test.text) + `}]}}`
			for _, input := range []string{disk(prompt(test.text)), disk(blocks)} {
				if got := said(t, convert(t, transcript.ClaudeSession, input)); !slices.Equal(got, test.want) {
					t.Errorf("on the disk: got %q, want %q", got, test.want)
				}
			}
			if got := said(t, convert(t, transcript.Claude, stream(blocks))); !slices.Equal(got, test.want) {
				t.Errorf("in the stream: got %q, want %q", got, test.want)
			}
		})
	}
}

func TestWhoSaysWhatTheAgentIsTold(t *testing.T) {
	for line, want := range map[string]string{
		prompt("a"):                                                           "human: a",
		`{"isMeta":true,` + prompt("a")[1:]:                                   "system: a",
		`{"isCompactSummary":true,` + prompt("a")[1:]:                         "system: a",
		`{"origin":{"kind":"human"},` + prompt("a")[1:]:                       "human: a",
		`{"origin":{"kind":"channel","server":"chat"},` + prompt("a")[1:]:     "human: a",
		`{"origin":{"kind":"task-notification"},` + prompt("a")[1:]:           "system: a",
		`{"origin":{"kind":"something-new"},` + prompt("a")[1:]:               "system: a",
		`{"origin":{"kind":"peer","name":"helper"},` + prompt("a")[1:]:        "agent: a",
		`{"isSidechain":true,"agentId":"x",` + prompt("a")[1:]:                "agent: a",
		`{"isSidechain":true,"parentUuid":null,` + prompt("a")[1:]:            "agent: a",
		`{"type":"api-request-blob","message":{"role":"user","content":"a"}}`: "",
	} {
		events := convert(t, transcript.ClaudeSession, disk(prompt("Go"), line))
		got := strings.Join(said(t, events)[1:], "\n")
		if got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

func TestTheTitleOfAClaudeSession(t *testing.T) {
	const (
		ai      = `{"type":"ai-title","aiTitle":"Parse leap years"}`
		newer   = `{"type":"ai-title","aiTitle":"Parse all years"}`
		custom  = `{"type":"custom-title","customTitle":"Years"}`
		summary = `{"type":"summary","summary":"Years were parsed","leafUuid":"u0"}`
		other   = `{"type":"summary","summary":"Another conversation","leafUuid":"of-another"}`
		name    = `{"type":"agent-name","agentName":"parser"}`
		live    = `{"type":"system","subtype":"session_title_changed","title":"Live","given_by":"user"}`
	)
	for name, test := range map[string]struct {
		input, want string
	}{
		"is the agent's":                         {disk(prompt("Go"), ai), "Parse leap years"},
		"is the newest of the agent's":           {disk(prompt("Go"), ai, newer), "Parse all years"},
		"is the person's":                        {disk(custom, prompt("Go"), ai), "Years"},
		"is the person's, whichever comes first": {disk(prompt("Go"), ai, custom), "Years"},
		"is a summary of it":                     {disk(prompt("Go"), summary), "Years were parsed"},
		"is a summary that stands before it":     {summary + "\n" + disk(prompt("Go")), "Years were parsed"},
		"is no summary of another":               {other + "\n" + disk(prompt("Go")), "Go"},
		"is the agent's rather than a summary":   {disk(prompt("Go"), ai, summary), "Parse leap years"},
		"is the agent's name if nothing else is": {disk(prompt("Go"), name), "parser"},
		"is what the person says first":          {disk(prompt("\n  Go on \nwith b")), "Go on"},
		"is not a command of the program":        {disk(prompt("<command-name>/clear</command-name>"), prompt("Go")), "Go"},
		"is a command for the agent":             {disk(prompt("<command-name>/review</command-name><command-args>12</command-args>")), "/review 12"},
		"is not what a reminder says":            {disk(prompt("<system-reminder>Hush.</system-reminder>"), prompt("Go")), "Go"},
		"changes while it runs":                  {stream(live), "Live"},
		"is none of a subagent in the same file": {disk(prompt("Go"), `{"isSidechain":true,"agentId":"a",`+prompt("Count")[1:]), "Go"},
		"is none if nothing says it":             {stream(success), ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := converter(t, transcript.Auto, nil)
			events := feed(c, []byte(test.input), 0)
			if got := c.Origin().Title; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			titles := texts(t, events, transcript.TypeSession, "title")
			if test.want != "" && titles[len(titles)-1] != test.want && !slices.Contains(titles, test.want) {
				t.Errorf("it is not told: %q", titles)
			}
		})
	}
}

func TestLinesThatAreLoggedAgainAreToldOnce(t *testing.T) {
	once := disk(prompt("Go"), answer("m", "I look.", `"tool_use"`), calls("m", "t"), returns("t", "a"), answer("m2", "Done.", endTurn))
	again := strings.NewReplacer(`"uuid":"u`, `"uuid":"v`).Replace(strings.Join(strings.SplitAfter(once, "\n")[1:], ""))
	want := lines(convert(t, transcript.ClaudeSession, once))
	for name, input := range map[string]string{
		"with the same uuids":   once + once,
		"with other uuids":      once + again,
		"two objects on a line": strings.Replace(once, "}\n{", "}{", 2),
		"after a compaction":    once + again,
	} {
		if got := lines(convert(t, transcript.ClaudeSession, input)); string(got) != string(want) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

func TestWithdrawnAnswersAreMarked(t *testing.T) {
	withdraws := `[{"type":"assistant","content":"I cannot"}]`
	refused := answer("m", "I cannot", "null")
	for name, input := range map[string]string{
		"by a notice":                    stream(refused, `{"type":"system","subtype":"model_refusal_fallback","content":"Refused","retracted_message_uuids":["u0","unknown"]}`),
		"by the answer instead":          stream(refused, `{"supersedes":["u0"],`+answer("m2", "Here.", "null")[1:]),
		"by both":                        stream(refused, `{"type":"system","subtype":"model_refusal_fallback","content":"Refused","retracted_message_uuids":["u0"]}`, `{"supersedes":["u0"],`+answer("m2", "Here.", "null")[1:]),
		"by a tombstone":                 stream(refused, `{"type":"tombstone","message":{"uuid":"u0"}}`),
		"by what the program says of it": stream(refused, `{"isSynthetic":true,"retracted_message_uuids":["u0"],`+prompt("Try again.")[1:]),
		"in a file":                      disk(prompt("Go"), strings.Replace(refused, "{", `{"uuid":"u0",`, 1), `{"type":"system","subtype":"model_refusal_fallback","content":"Refused","retractedMessageUuids":["u0","u1"]}`),
	} {
		t.Run(name, func(t *testing.T) {
			found := 0
			for _, e := range ofType(convert(t, transcript.Auto, input), eventlog.TypeStatus) {
				if o := fields(t, e); o["withdraws"] != nil {
					found++
					raw, _ := json.Marshal(o["withdraws"])
					var a, b any
					_ = json.Unmarshal(raw, &a)
					_ = json.Unmarshal([]byte(withdraws), &b)
					if fmt.Sprint(a) != fmt.Sprint(b) && name != "in a file" || !strings.Contains(o["content"].(string), "Withdrawn: ") {
						t.Errorf("got %s", e.Data)
					}
				}
			}
			if found != 1 {
				t.Errorf("it is told %d times", found)
			}
		})
	}
	events := convert(t, transcript.Claude, stream(calls("m", "t"), `{"supersedes":["u0"],`+answer("m2", "Here.", "null")[1:]))
	if s := string(ofType(events, eventlog.TypeStatus)[0].Data); !strings.Contains(s, `{"type":"tool_call","call_id":"t"}`) {
		t.Errorf("a call: %s", s)
	}
	events = convert(t, transcript.Claude, stream(`{"type":"system","subtype":"model_fallback","content":"Overloaded: another model answers","original_model":"a","fallback_model":"b"}`))
	checkTexts(t, events, "status", "content", "Overloaded: another model answers")
}

func TestATaskThatEndsTwiceIsToldOnce(t *testing.T) {
	const (
		started  = `{"type":"system","subtype":"task_started","task_id":"b","tool_use_id":"t","description":"Count"}`
		updated  = `{"type":"system","subtype":"task_updated","task_id":"b","patch":{"status":"failed","error":"no disk"}}`
		notified = `{"type":"system","subtype":"task_notification","task_id":"b","tool_use_id":"t","status":"failed","summary":"Count"}`
		told     = `{"type":"user","isSynthetic":true,"message":{"content":"<task-notification>\n<task-id>b</task-id>\n<tool-use-id>t</tool-use-id>\n<status>failed</status>\n<summary>Count</summary>\n</task-notification>"}}`
	)
	for name, input := range map[string]string{
		"by an update":      stream(started, updated, notified, told),
		"by a notification": stream(started, notified, updated, told),
	} {
		events := convert(t, transcript.Claude, input)
		statuses := texts(t, events, "status", "content")
		if len(statuses) != 2 || !strings.HasPrefix(statuses[1], "Failed") || len(ofType(events, "user")) != 0 {
			t.Errorf("%s: %s", name, lines(events))
		}
		checkTexts(t, events, "status", "parent_call_id", "t", "t")
	}
	checkTexts(t, convert(t, transcript.Claude, stream(started, told)), "user", "content", "Count")
}

func TestAnErrorOfTheAPIIsNotToldAgainByTheResult(t *testing.T) {
	events := convert(t, transcript.Claude, stream(
		`{"type":"assistant","error":"invalid_request","message":{"id":"e","model":"<synthetic>","content":[{"type":"text","text":"API Error: 400"}]}}`,
		`{"type":"result","subtype":"success","is_error":true,"terminal_reason":"api_error","result":"API Error: 400"}`))
	checkTexts(t, events, "error", "message", "API Error: 400")
	if n := len(ofType(events, "assistant")); n != 0 {
		t.Errorf("the agent says %d things", n)
	}
}

func TestADenialIsToldOnce(t *testing.T) {
	events := convert(t, transcript.Claude, stream(
		`{"type":"system","subtype":"permission_denied","tool_name":"Bash","tool_use_id":"t","message":"Not allowed"}`,
		`{"type":"result","subtype":"success","is_error":false,"permission_denials":[{"tool_name":"Bash","tool_use_id":"t"},{"tool_name":"Write","tool_use_id":"t2"}]}`))
	checkTexts(t, events, "guardrail", "content", "Denied: Bash: Not allowed", "Denied: Write")
	events = convert(t, transcript.Amp, strings.ReplaceAll(stream(`{"type":"result","subtype":"success","is_error":false,"permission_denials":["Bash(git push)","Read"]}`), `"s"`, `"T-s"`))
	checkTexts(t, events, "guardrail", "tool", "Bash", "Read")
}

func TestACommandThatFailsHasItsExitCode(t *testing.T) {
	failing := `{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","is_error":true,"content":"Exit code 3\none file"}]}}`
	for _, input := range []string{stream(calls("m", "t"), failing), disk(prompt("Go"), calls("m", "t"), failing)} {
		if f := fields(t, ofType(convert(t, transcript.Auto, input), "tool_result")[0]); f["exit_code"] != 3.0 || f["success"] != false {
			t.Errorf("got %v", f)
		}
	}
	fine := returns("t", "Exit code 3\nis what make says")
	if f := fields(t, ofType(convert(t, transcript.Claude, stream(calls("m", "t"), fine)), "tool_result")[0]); f["exit_code"] != nil || f["success"] != true {
		t.Errorf("got %v", f)
	}
}

func TestBookkeepingOfNewVersionsIsNotRaw(t *testing.T) {
	for _, kind := range []string{"mode", "permission-mode", "last-prompt", "tag", "worktree-state", "bridge-session", "relocated", "atis-latch", "tools-used",
		"api-request", "api-request-shape", "api-request-blob", "content-replacement", "isolation-latch", "continued-in", "file-history-snapshot"} {
		events := convert(t, transcript.Auto, disk(`{"type":"`+kind+`"}`, prompt("Go")))
		if n := len(ofType(events, transcript.TypeRaw)); n != 0 {
			t.Errorf("%s is raw", kind)
		}
	}
	for _, kind := range []string{"prompt_snapshot", "environment", "skill_listing", "total_tokens_reminder", "deferred_tools_delta"} {
		events := convert(t, transcript.ClaudeSession, disk(`{"type":"attachment","attachment":{"type":"`+kind+`","text":"much"}}`))
		if len(events) != 0 {
			t.Errorf("%s: %s", kind, lines(events))
		}
	}
	events := convert(t, transcript.ClaudeSession, disk(`{"type":"attachment","attachment":{"type":"of-the-future","text":"much"}}`, `{"type":"of-the-future"}`))
	if len(ofType(events, eventlog.TypeStatus)) != 1 || len(ofType(events, transcript.TypeRaw)) != 1 {
		t.Errorf("what is not known is dropped: %s", lines(events))
	}
}
