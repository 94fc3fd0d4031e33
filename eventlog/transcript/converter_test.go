package transcript_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

func TestAnUnknownFormatIsRefusedWithTheNamesOfAll(t *testing.T) {
	_, err := transcript.New("jsonl", nil)
	if err == nil || !strings.Contains(err.Error(), "codex-rollout") {
		t.Errorf("got %v", err)
	}
}

// jsonFormats are the formats whose lines are JSON.
func jsonFormats() []transcript.Format {
	return slices.DeleteFunc(realFormats(), func(f transcript.Format) bool { return f == transcript.Text })
}

// Every line that is not understood is there as it was, and counted.
func TestWhatIsNotUnderstoodIsKept(t *testing.T) {
	strange := []string{
		"warning: something", `{"type":"never_heard_of"}`, `{"no":"type"}`, `[1,2,3]`, `"text"`, `null`, `42`,
		`{"type":"assistant"`, "a\x00b\x1b[31mc", `{"type":7,"kind":[]}`, "}{", "\u2028 é 😀",
	}
	for _, format := range jsonFormats() {
		t.Run(string(format), func(t *testing.T) {
			clean := lines(feed(converter(t, format, nil), fixture(t, format), 0))
			c := converter(t, format, nil)
			events := feed(c, []byte(strings.Join(strange, "\n")+"\n"+string(fixture(t, format))), 0)
			got := texts(t, events[:min(len(strange), len(events))], transcript.TypeRaw, "content")
			if !slices.Equal(got, strange) {
				t.Errorf("got %q, want %q", got, strange)
			}
			if rest := lines(events[len(strange):]); !bytes.Equal(rest, clean) {
				t.Errorf("strange lines change what follows:\n%s\nwant:\n%s", rest, clean)
			}
			raw := ofType(events, transcript.TypeRaw)
			if c.Stats().Raw != len(raw) {
				t.Errorf("%d raw events, counted %d", len(raw), c.Stats().Raw)
			}
			for _, e := range raw {
				if f := fields(t, e); f["reason"] == "" || f["format"] != string(format) {
					t.Errorf("%s", e.Data)
				}
			}
		})
	}
}

func TestCarriageReturnsAByteOrderMarkAndBlankLinesMakeNoDifference(t *testing.T) {
	for _, format := range jsonFormats() {
		t.Run(string(format), func(t *testing.T) {
			input := fixture(t, format)
			want := lines(feed(converter(t, format, nil), input, 0))
			input = append([]byte("\ufeff"), bytes.ReplaceAll(input, []byte("\n"), []byte("\r\n\r\n \t\r\n"))...)
			if got := lines(feed(converter(t, format, nil), input, 0)); !bytes.Equal(got, want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestBytesThatAreNoUTF8AreReplacedAndCounted(t *testing.T) {
	c := converter(t, transcript.Codex, nil)
	events := feed(c, []byte("{\"type\":\"item.completed\",\"item\":{\"id\":\"i\",\"type\":\"agent_message\",\"text\":\"a\xff\xfeb\"}}\n\xc3\x28\x00\xff\n"), 0)
	checkTexts(t, events, "assistant", "content", "a\ufffdb")
	checkTexts(t, events, "raw", "content", "\ufffd(\x00\ufffd")
	for _, e := range events {
		checkEvent(t, e, 4<<20)
	}
	if c.Stats().Mended != 2 {
		t.Errorf("%+v", c.Stats())
	}
}

// bigLine is the line of a format that tells a tool's output.
func bigLine(format transcript.Format, text string) string {
	s, _ := json.Marshal(text)
	return fmt.Sprintf(map[transcript.Format]string{
		transcript.Claude:         `{"type":"user","session_id":"s","message":{"content":[{"type":"tool_result","tool_use_id":"x","content":%s}]}}`,
		transcript.Amp:            `{"type":"user","session_id":"T-s","message":{"content":[{"type":"tool_result","tool_use_id":"x","content":%s}]}}`,
		transcript.ClaudeSession:  `{"type":"user","sessionId":"s","message":{"content":[{"type":"tool_result","tool_use_id":"x","content":%s}]}}`,
		transcript.Codex:          `{"type":"item.completed","item":{"id":"x","type":"command_execution","command":"c","aggregated_output":%s,"exit_code":0,"status":"completed"}}`,
		transcript.CodexRollout:   `{"type":"response_item","payload":{"type":"function_call_output","call_id":"x","output":%s}}`,
		transcript.CodexServer:    `{"method":"item/completed","params":{"item":{"id":"x","type":"commandExecution","command":"c","aggregatedOutput":%s,"exitCode":0,"status":"completed"}}}`,
		transcript.Gemini:         `{"type":"tool_result","tool_id":"x","status":"success","output":%s}`,
		transcript.Qwen:           `{"type":"user","session_id":"s","message":{"content":[{"type":"tool_result","tool_use_id":"x","content":%s}]}}`,
		transcript.QwenSession:    `{"type":"tool_result","sessionId":"s","uuid":"u","message":{"parts":[{"functionResponse":{"id":"x","name":"t","response":{"output":%s}}}]}}`,
		transcript.GeminiChat:     `{"type":"gemini","id":"m","content":"","toolCalls":[{"id":"x","name":"t","status":"success","resultDisplay":%s}]}`,
		transcript.OpenCodeExport: `{"info":{"id":"s"},"messages":[{"info":{"id":"m","role":"assistant"},"parts":[{"id":"p","type":"tool","callID":"x","tool":"t","state":{"status":"completed","input":{},"output":%s}}]}]}`,
		transcript.OpenCode:       `{"type":"tool_use","sessionID":"s","part":{"callID":"x","tool":"t","state":{"status":"completed","input":{},"output":%s}}}`,
		transcript.OpenCodeServer: `{"type":"message.part.updated","properties":{"part":{"id":"p","type":"tool","callID":"x","tool":"t","state":{"status":"completed","input":{},"output":%s}}}}`,
		transcript.Cursor:         `{"type":"tool_call","subtype":"completed","call_id":"x","tool_call":{"readToolCall":{"args":{},"result":{"success":{"content":%s}}}}}`,
		transcript.Copilot:        `{"type":"tool.execution_complete","data":{"toolCallId":"x","success":true,"result":{"content":%s}}}`,
		transcript.Pi:             `{"type":"tool_execution_end","toolCallId":"x","toolName":"t","result":{"content":[{"type":"text","text":%s}]},"isError":false}`,
		transcript.OpenHands:      `{"id":"e","kind":"ObservationEvent","source":"environment","tool_name":"t","tool_call_id":"x","observation":{"content":[{"type":"text","text":%s}]}}`,
	}[format], s)
}

// moreBigLines are those of formats whose results of tools have no line of their own,
// or none of a simple form.
func moreBigLines(format transcript.Format, text string) (line string, found bool) {
	s, _ := json.Marshal(text)
	pattern, found := map[transcript.Format]string{
		transcript.Append:      `{"type":"tool_result","data":{"tool":"t","success":true,"output":%s,"call_id":"x"}}`,
		transcript.ACP:         `{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"tool_call_update","toolCallId":"x","status":"completed","content":[{"type":"content","content":{"type":"text","text":%s}}]}}}`,
		transcript.Antigravity: `{"event":"step_update","step_update":{"step_index":1,"state":"DONE","step_type":"tool","tool_name":"t","tool_info":{"output":%s}}}`,
		transcript.Crush:       `{"meta":{"uuid":"c"},"messages":[{"role":"tool","parts":[{"type":"tool_result","tool_call_id":"x","name":"t","content":%s}]}]}`,
		transcript.AmpThread:   `{"v":1,"id":"T-1","messages":[{"role":"user","content":[{"type":"tool_result","toolUseID":"x","run":{"status":"done","result":%s}}]}]}`,
		transcript.AGUI:        `{"type":"TOOL_CALL_RESULT","messageId":"m","toolCallId":"x","content":%s}`,
		transcript.Responses:   `{"type":"response.output_item.done","item":{"id":"i","type":"function_call_output","call_id":"x","output":%s}}`,
		transcript.AISDK:       `{"type":"tool-output-available","toolCallId":"x","output":%s}`,
		transcript.Droid:       `{"type":"tool_result","id":"x","toolId":"t","isError":false,"value":%s}`,
		transcript.Goose:       `{"role":"user","created":1,"content":[{"type":"toolResponse","id":"x","toolResult":{"status":"success","value":[{"type":"text","text":%s}]}}]}`,
		transcript.Cline:       `{"role":"user","ts":1,"content":[{"type":"tool_result","tool_use_id":"x","content":%s}]}`,
		transcript.Kimi:        `{"role":"tool","tool_call_id":"x","content":%s}`,
		transcript.LangGraph:   `{"type":"tool","tool_call_id":"x","status":"success","content":%s}`,
	}[format]
	return fmt.Sprintf(pattern, s), found
}

func TestALineOfTenMegabytesIsCutAndItSaysSo(t *testing.T) {
	checkCut(t, transcript.Gemini, 1<<20, 4<<20)
}

func TestLongOutputsAreCutAndItIsSaid(t *testing.T) {
	for _, format := range jsonFormats() {
		if format == transcript.ChatCompletions || format == transcript.Auggie {
			continue // they have no results of tools
		}
		t.Run(string(format), func(t *testing.T) { checkCut(t, format, 20<<10, 64<<10) })
	}
}

// checkCut converts an output of ten times n bytes, where most cuts would split a
// character.
func checkCut(t *testing.T, format transcript.Format, n, limit int) {
	t.Helper()
	text := strings.Repeat("é€😀x", n)
	sum := sha256.Sum256([]byte(text))
	line, found := moreBigLines(format, text)
	if !found {
		line = bigLine(format, text)
	}
	events := feed(converter(t, format, &transcript.Options{MaxEventBytes: limit}), []byte(line+"\n"), 0)
	results := ofType(events, "tool_result")
	if len(results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	checkEvent(t, results[0], limit)
	f := fields(t, results[0])
	output := f["output"].(string)
	if !strings.HasPrefix(text, output) || len(output) < limit/4 || !utf8.ValidString(output) {
		t.Errorf("%d bytes are left", len(output))
	}
	if said := f["truncated"].(map[string]any)["output"].(map[string]any); said["bytes"] != float64(len(text)) || said["sha256"] != hex.EncodeToString(sum[:]) {
		t.Errorf("%v", said)
	}
	if id := f["call_id"]; f["success"] != true || id != "x" && id != "step 1" {
		t.Errorf("call_id %v, success %v", f["call_id"], f["success"])
	}
}

func TestALineThatIsTooLongIsKeptInPart(t *testing.T) {
	line := []byte(`{"type":"assistant","text":".` + strings.Repeat("😀", 100<<10) + `"}`)
	sum := sha256.Sum256(line)
	for _, format := range realFormats() {
		t.Run(string(format), func(t *testing.T) {
			c := converter(t, format, nil)
			s := transcript.NewSplitter(100_000) // what is kept of it, 64 KiB, ends in the middle of a character
			var events []eventlog.Event
			take := func(l transcript.Line) { events = append(events, c.Line(l)...) }
			for part := range slices.Chunk(append(bytes.Clone(line), '\n'), 1000) {
				s.Split(part, take)
			}
			s.Split([]byte("after it\n"), take)
			events = append(events, c.End()...)
			if len(events) != 2 {
				t.Fatalf("%s", lines(events))
			}
			f := fields(t, events[0])
			content := f["content"].(string)
			if !bytes.HasPrefix(line, []byte(content)) || len(content) < 60<<10 {
				t.Errorf("%d bytes are left: %.50q", len(content), content)
			}
			if said := f["truncated"].(map[string]any)["content"].(map[string]any); said["bytes"] != float64(len(line)) || said["sha256"] != hex.EncodeToString(sum[:]) {
				t.Errorf("%v", said)
			}
			if next := fields(t, events[1])["content"]; next != "after it" {
				t.Errorf("then %q", next)
			}
			if c.Stats().Cut != 1 || c.Stats().Mended != 0 {
				t.Errorf("%+v", c.Stats())
			}
		})
	}
}

func TestLongArgumentsAreCutWhereTheyAre(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	c := converter(t, transcript.Gemini, &transcript.Options{MaxEventBytes: 20 << 10})
	line, _ := json.Marshal(map[string]any{
		"type": "tool_use", "tool_name": "write", "tool_id": "w", "parameters": map[string]any{"path": "a.txt", "edits": []any{map[string]any{"new": long}, 7}},
	})
	events := c.Line(transcript.Line{Text: line})
	checkEvent(t, events[0], 20<<10)
	f := fields(t, events[0])
	args := f["args"].(map[string]any)
	if args["path"] != "a.txt" || args["edits"].([]any)[1] != 7.0 || f["call_id"] != "w" {
		t.Errorf("%.300s", events[0].Data)
	}
	if said := f["truncated"].(map[string]any)["args/edits/0/new"].(map[string]any); said["bytes"] != float64(len(long)) {
		t.Errorf("%v", f["truncated"])
	}
}

// An event may be large in ways that no cut of a text helps against.
func TestDataThatIsNoTextIsCutAsAWhole(t *testing.T) {
	for name, args := range map[string]string{
		"numbers":   `{"n":[` + strings.Repeat("1,", 50_000) + `1]}`,
		"names":     `{"` + strings.Repeat("k", 100_000) + `":1}`,
		"escapes":   `{"s":"` + strings.Repeat(`\u0000`, 50_000) + `"}`,
		"many":      `{"a":[` + strings.Repeat(`"`+strings.Repeat("y", 200)+`",`, 1000) + `0]}`,
		"deep":      strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000),
		"a call id": `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			id := "w"
			if name == "a call id" {
				id = strings.Repeat("i", 100_000)
			}
			c := converter(t, transcript.Gemini, &transcript.Options{MaxEventBytes: 1})
			events := c.Line(transcript.Line{Text: fmt.Appendf(nil, `{"type":"tool_use","tool_name":"t","tool_id":%q,"parameters":%s}`, id, args)})
			if len(events) != 1 || events[0].Type != "tool_call" {
				t.Fatalf("%.300s", lines(events))
			}
			checkEvent(t, events[0], 16<<10)
			if f := fields(t, events[0]); f["tool"] != "t" || len(f["truncated"].(map[string]any)) == 0 {
				t.Errorf("%.300s", events[0].Data)
			}
		})
	}
}

func TestAPauseShowsWhatIsGrouped(t *testing.T) {
	c := converter(t, transcript.Text, nil)
	line := func(text string) []eventlog.Event { return c.Line(transcript.Line{Text: []byte(text)}) }
	if events := append(line("one"), line("two")...); len(events) != 0 {
		t.Errorf("too early: %s", lines(events))
	}
	checkTexts(t, c.Flush(), "assistant", "content", "one\ntwo")
	line("three")
	checkTexts(t, c.End(), "assistant", "content", "three")
}

func TestAPauseBeforeTheFormatIsKnownShowsText(t *testing.T) {
	c := converter(t, transcript.Auto, nil)
	c.Line(transcript.Line{Text: []byte("Loading …")})
	checkTexts(t, c.Flush(), "assistant", "content", "Loading …")
	if c.Format() != transcript.Auto {
		t.Errorf("settled on %s", c.Format())
	}
	c.Line(transcript.Line{Text: []byte("Ready.")})
	events := c.Line(transcript.Line{Text: []byte(`{"type":"thread.started","thread_id":"t"}`)})
	checkTexts(t, events, "raw", "content", "Ready.")
	checkTexts(t, events, "session", "agent", "Codex")
	if c.Format() != transcript.Codex || c.Stats().Lines != 3 {
		t.Errorf("%s, %+v", c.Format(), c.Stats())
	}
}

func TestAPauseInAMessageDoesNotRepeatIt(t *testing.T) {
	c := converter(t, transcript.Cursor, nil)
	say := func(text, more string) []eventlog.Event {
		return c.Line(transcript.Line{Text: fmt.Appendf(nil, `{"type":"assistant","message":{"content":[{"type":"text","text":%q}]}%s}`, text, more)})
	}
	var events []eventlog.Event
	events = append(events, say("One ", `,"timestamp_ms":1`)...)
	events = append(events, c.Flush()...)
	events = append(events, say("two.", `,"timestamp_ms":2`)...)
	events = append(events, say("One two.", "")...)
	checkTexts(t, append(events, c.End()...), "assistant", "content", "One ", "two.")
}

func TestProgramsThatPrintNoJSONAreText(t *testing.T) {
	c := converter(t, transcript.Auto, nil)
	input := strings.Repeat("{\"level\":\"info\"}\nplain\n", 50)
	events := feed(c, []byte(input), 0)
	if c.Format() != transcript.Text || c.Stats().Lines != 100 {
		t.Errorf("%s, %+v", c.Format(), c.Stats())
	}
	checkTexts(t, events, "assistant", "content", strings.TrimSuffix(input, "\n"))
}

func TestTextKeepsEveryByteOfALongRun(t *testing.T) {
	input := strings.Repeat("0123456789\n\n", 10_000)
	var b strings.Builder
	for i, text := range texts(t, convert(t, transcript.Text, input), "assistant", "content") {
		if len(text) > 33<<10 {
			t.Errorf("an event has %d bytes", len(text))
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(text)
	}
	if got, want := strings.Count(b.String(), "0123456789"), 10_000; got != want {
		t.Errorf("%d of %d lines are there", got, want)
	}
}

func TestOneClaudeMessageOnSeveralLinesCostsOnceWithoutAResult(t *testing.T) {
	line := `{"type":"assistant","session_id":"s","message":{"id":"m","model":"x","content":[{"type":"text","text":"a"}],"usage":{"input_tokens":5,"output_tokens":7}}}` + "\n"
	checkWorth(t, 0, 5, 7, convert(t, transcript.Claude, strings.Repeat(line, 3)))
}

func TestClaudeWithoutModelUsageCountsMoneyOnce(t *testing.T) {
	turn := `{"type":"result","subtype":"success","session_id":"s","uuid":"%d","result":"","total_cost_usd":%g,"usage":{"input_tokens":1,"output_tokens":2}}` + "\n"
	checkWorth(t, 0.75, 2, 4, convert(t, transcript.Claude, fmt.Sprintf(turn, 1, 0.25)+fmt.Sprintf(turn, 2, 0.75)+fmt.Sprintf(turn, 2, 0.75)))
}

func TestAResultThatNothingElseToldIsTold(t *testing.T) {
	// As of --output-format json, which prints the result alone.
	events := convert(t, transcript.Claude, `{"type":"result","subtype":"success","is_error":false,"session_id":"s","result":"Four."}`)
	checkTexts(t, events, "assistant", "content", "Four.")
}

// A member of another kind than expected costs no more than itself.
func TestMembersOfAnotherKindDoNoHarm(t *testing.T) {
	events := convert(t, transcript.Claude, `{"type":"assistant","session_id":7,"timestamp":{},"parent_tool_use_id":[],"message":{"id":{},"model":3,"usage":"much","content":[{"type":"text","text":"still here"},{"type":"tool_use","id":9,"name":null,"input":"not {}"}]}}`)
	checkTexts(t, events, "assistant", "content", "still here")
	if f := fields(t, ofType(events, "tool_call")[0]); f["args"].(map[string]any)["input"] != "not {}" {
		t.Errorf("%v", f)
	}
}

func TestAbsurdAmountsAreBounded(t *testing.T) {
	events := convert(t, transcript.OpenCode, `{"type":"step_finish","sessionID":"s","timestamp":1e300,"part":{"cost":1e300,"tokens":{"input":-5,"output":1e308,"reasoning":1.5,"cache":{"read":0.4}}}}`)
	checkTotals(t, events, 1e12, 0, 1e12)
}

// A new kind of event is not known for being in an area that is.
func TestNewKindsInKnownAreasAreKept(t *testing.T) {
	for format, line := range map[transcript.Format]string{
		transcript.Claude:         `{"type":"system","subtype":"eclipse","session_id":"s"}`,
		transcript.ClaudeSession:  `{"type":"progress","sessionId":"s","data":{"type":"eclipse"}}`,
		transcript.Codex:          `{"type":"item.updated","item":{"id":"i","type":"eclipse"}}`,
		transcript.CodexRollout:   `{"type":"response_item","payload":{"type":"eclipse"}}`,
		transcript.Qwen:           `{"type":"system","subtype":"eclipse","session_id":"s","data":{}}`,
		transcript.QwenSession:    `{"type":"system","subtype":"eclipse","sessionId":"s","uuid":"u","systemPayload":{}}`,
		transcript.GeminiChat:     `{"type":"eclipse","id":"m","content":""}`,
		transcript.CodexServer:    `{"method":"item/completed","params":{"item":{"id":"i","type":"eclipse"}}}`,
		transcript.OpenCodeServer: `{"type":"session.eclipse","properties":{"sessionID":"s"}}`,
		transcript.Copilot:        `{"type":"session.eclipse","data":{},"ephemeral":true}`,
		transcript.Pi:             `{"type":"message_end","message":{"role":"eclipse","content":[]}}`,
		transcript.Kimi:           `{"type":"turn.eclipse","time":1}`,
		transcript.Responses:      `{"type":"response.eclipse","sequence_number":1}`,
		transcript.Droid:          `{"type":"eclipse","session_id":"s"}`,
		transcript.Goose:          `{"type":"eclipse"}`,
	} {
		t.Run(string(format), func(t *testing.T) {
			events := convert(t, format, line)
			checkTexts(t, events, "raw", "content", line)
			if reason := fields(t, events[0])["reason"].(string); !strings.Contains(reason, "eclipse") {
				t.Errorf("the reason is %q", reason)
			}
		})
	}
}

func TestAPieceThatRepeatsThePieceBeforeIsKept(t *testing.T) {
	piece := `{"type":"assistant","message":{"content":[{"type":"text","text":"ha"}]},"timestamp_ms":1}` + "\n"
	whole := `{"type":"assistant","message":{"content":[{"type":"text","text":"haha"}]},"model_call_id":"m","timestamp_ms":1}` + "\n"
	checkTexts(t, convert(t, transcript.Cursor, piece+piece+whole), "assistant", "content", "haha")
}

// What was said of a message that was broken off comes before its second try, and
// the second try once.
func TestABrokenMessageIsToldOnceAndMarked(t *testing.T) {
	stream := func(event string) string {
		return `{"type":"stream_event","session_id":"s","event":` + event + "}\n"
	}
	events := convert(t, transcript.Claude,
		stream(`{"type":"message_start","message":{"id":"m1"}}`)+
			stream(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"It is"}}`)+
			stream(`{"type":"message_start","message":{"id":"m2"}}`)+
			stream(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"It is so."}}`)+
			`{"type":"assistant","session_id":"s","message":{"id":"m2","content":[{"type":"text","text":"It is so."}]}}`)
	checkTexts(t, events, "assistant", "content", "It is", "It is so.")
	if first, second := fields(t, events[0])["partial"], fields(t, events[1])["partial"]; first != true || second != nil {
		t.Errorf("partial: %v, %v", first, second)
	}
}

// Memory is bounded, and the price of that is told in the package's caveats.
func TestOldCallsAreForgotten(t *testing.T) {
	c := converter(t, transcript.Gemini, nil)
	call := func(i int) {
		c.Line(transcript.Line{Text: fmt.Appendf(nil, `{"type":"tool_use","tool_id":"%d","tool_name":"grep","parameters":{}}`, i)})
	}
	tool := func(i int) any {
		return fields(t, c.Line(transcript.Line{Text: fmt.Appendf(nil, `{"type":"tool_result","tool_id":"%d","status":"success"}`, i)})[0])["tool"]
	}
	for i := range 10_000 {
		call(i)
	}
	if tool(0) != "grep" {
		t.Errorf("the first of 10,000 is forgotten")
	}
	call(10_000)
	if tool(0) != "" || tool(1) != "grep" || tool(10_000) != "grep" {
		t.Errorf("got %q, %q, %q", tool(0), tool(1), tool(10_000))
	}
}
