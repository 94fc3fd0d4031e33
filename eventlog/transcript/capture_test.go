package transcript_test

import (
	"bytes"
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// checkTotals compares what costs add up to with the truth.
func checkTotals(t *testing.T, events []eventlog.Event, usd float64, input, output uint64) {
	t.Helper()
	got := sumOf(t, events)
	if math.Abs(got.usd-usd) > 1e-9 || got.input != float64(input) || got.output != float64(output) {
		t.Errorf("totals: $%v, %v in, %v out; want $%v, %d in, %d out", got.usd, got.input, got.output, usd, input, output)
	}
}

func checkTexts(t *testing.T, events []eventlog.Event, kind, field string, want ...string) {
	t.Helper()
	if got := texts(t, events, kind, field); !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", kind, got, want)
	}
}

// readCapture converts a capture as auto does, and finds nothing strange in it.
func readCapture(t *testing.T, name string, input []byte, format transcript.Format) []eventlog.Event {
	t.Helper()
	c := converter(t, transcript.Auto, nil)
	events := feed(c, input, 4096)
	if c.Format() != format {
		t.Errorf("%s is taken for %s", name, c.Format())
	}
	for _, e := range events {
		checkEvent(t, e, 4<<20)
	}
	if s := c.Stats(); s.Raw != 0 || s.Lines != bytes.Count(input, []byte("\n")) {
		t.Errorf("%+v, raw: %s", s, lines(ofType(events, transcript.TypeRaw)))
	}
	return events
}

func TestClaudeCaptureOfOneAnswer(t *testing.T) {
	events := readCapture(t, "basic", capture(t, "claude/basic.jsonl"), transcript.Claude)
	checkTexts(t, events, "assistant", "content", "4")
	checkWorth(t, 0.1354875, 10, 25, events)
}

func TestClaudeCaptureOfASubagent(t *testing.T) {
	events := readCapture(t, "subagent", capture(t, "claude/subagent.jsonl"), transcript.Claude)
	const caller = "toolu_01RmLUJdhjTMn56TnF9cMamW"
	checkTexts(t, events, "tool_call", "tool", "Agent", "Bash")
	checkTexts(t, events, "tool_call", "parent_call_id", "", caller)
	checkTexts(t, events, "tool_result", "tool", "Bash", "Agent")
	checkTexts(t, events, "tool_result", "output", "21", "21")
	checkTexts(t, events, "tool_result", "parent_call_id", caller, "")
	checkTexts(t, events, "tool_result", "call_id", "toolu_01JuvmJubaYKvhVscQTbaJV6", caller)
	checkTexts(t, events, "user", "parent_call_id", caller)
	checkWorth(t, 0.0763163, 4+573, 576+134, events)
}

// unwrap takes the CLI's lines out of a log of them.
func unwrap(t *testing.T, input []byte) []byte {
	t.Helper()
	var out []byte
	for line := range bytes.Lines(input) {
		var wrapped struct {
			Message json.RawMessage `json:"message"`
		}
		if err := json.Unmarshal(line, &wrapped); err != nil {
			t.Fatal(err)
		}
		out = append(append(out, wrapped.Message...), '\n')
	}
	return out
}

// Money and modelUsage are of both turns in the second result, usage is of one.
func TestClaudeCaptureOfTwoTurnsCountsNothingTwice(t *testing.T) {
	events := readCapture(t, "two turns", unwrap(t, capture(t, "claude/two-turns.wrapped.jsonl")), transcript.Claude)
	checkTexts(t, events, "assistant", "content", "PROTOCOL TEST OK",
		"File created successfully! I've confirmed the contents:\n\n**File:** `/tmp/TestCapture_Claude3078069456/001/trace_test.txt`\n**Contents:** `trace fixture test`\n\nThe file has been written and verified.")
	checkTexts(t, events, "tool_call", "tool", "Write", "Read")
	checkTexts(t, events, "tool_result", "tool", "Write", "Read")
	if n := len(ofType(events, "thought")); n != 3 {
		t.Errorf("%d thoughts", n)
	}
	checkWorth(t, 0.0101307, 28, 370, events)
}

// The same as the program wrote it that recorded it: with the times.
func TestClaudeCaptureInTheFormOfItsRecorder(t *testing.T) {
	input := capture(t, "claude/two-turns.wrapped.jsonl")
	events := readCapture(t, "recorded", input, transcript.Claude)
	for i, want := range readCapture(t, "two turns", unwrap(t, input), transcript.Claude) {
		if got := events[i]; got.Type != want.Type || !bytes.Equal(got.Data, want.Data) || got.Time.Format("2006-01-02") != "2026-02-27" {
			t.Errorf("event %d: got %s %s %s, want %s %s", i, got.Time, got.Type, got.Data, want.Type, want.Data)
		}
	}
	checkWorth(t, 0.0101307, 28, 370, events)
}

func TestCodexCaptures(t *testing.T) {
	events := readCapture(t, "hello", capture(t, "codex/hello_world.jsonl"), transcript.Codex)
	checkTexts(t, events, "assistant", "content", "hello world")
	checkTexts(t, events, "thought", "content", "**Preparing minimal output**")
	checkTotals(t, events, 0, 7464-6528, 25)

	events = readCapture(t, "list", capture(t, "codex/list_files.jsonl"), transcript.Codex)
	checkTexts(t, events, "tool_call", "call_id", "item_2")
	checkTexts(t, events, "tool_result", "call_id", "item_2")
	if f := fields(t, ofType(events, "tool_result")[0]); f["success"] != true || !strings.HasPrefix(f["output"].(string), "total 372\n") {
		t.Errorf("%v", f)
	}
	checkTotals(t, events, 0, 15562-13184, 599)

	events = readCapture(t, "failed", capture(t, "codex/failed_command.jsonl"), transcript.Codex)
	if f := fields(t, ofType(events, "tool_result")[0]); f["success"] != false || f["exit_code"] != 42.0 {
		t.Errorf("%v", f)
	}
	checkTotals(t, events, 0, 15086-14080, 114)
}

func TestOpenCodeServerCapture(t *testing.T) {
	events := readCapture(t, "server", capture(t, "opencode/event_stream.jsonl"), transcript.OpenCodeServer)
	checkTexts(t, events, "user", "content", "Reply with the single word: ping")
	checkTexts(t, events, "assistant", "content", "ping")
	checkTexts(t, events, "thought", "content", "The user wants me to reply with the single word \"ping\". This is a simple request - I just need to output the word \"ping\" without any additional text or explanation.")
	checkTexts(t, events, "cost", "model", "big-pickle")
	checkTotals(t, events, 0, 523, 4+36)
}

// The totals of the fixtures, as the log adds them up.
func TestTotalsCountNothingTwice(t *testing.T) {
	for _, tt := range []struct {
		format        transcript.Format
		usd           float64
		input, output uint64
	}{
		{transcript.Codex, 0, 200, 40},
		{transcript.CodexRollout, 0, 90, 50},
		{transcript.Gemini, 0, 50, 30}, // the total has ten tokens more: thoughts
		{transcript.OpenCode, 0.003, 60, 25},
		{transcript.OpenCodeServer, 0.75, 528, 42},
		{transcript.Cursor, 0, 100, 20},
		{transcript.Amp, 0, 30, 8},
		{transcript.Copilot, 0, 100, 30},
		{transcript.Pi, 0.0035, 101, 22},
	} {
		t.Run(string(tt.format), func(t *testing.T) {
			checkTotals(t, feed(converter(t, tt.format, nil), fixture(t, tt.format), 0), tt.usd, tt.input, tt.output)
		})
	}
}

func TestBodiesOfAppendsAreTheirOwnFormat(t *testing.T) {
	input := capture(t, filepath.Join("jr", "t-197.4.ndjson"))
	if format, _ := transcript.Detect(bytes.Split(input, []byte("\n"))...); format != transcript.Append {
		t.Errorf("they are taken for %s", format)
	}
}
