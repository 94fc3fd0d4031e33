package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"jrweb/eventlog"
)

// story is what the agent does in one session of a task.
type story struct {
	title, kind, description string
	script                   *script
}

// moment is what happens at once: events that are appended together.
type moment struct {
	pause  time.Duration // before it
	events []eventlog.Event
}

// script is a session, moment by moment. Its methods add to its end.
type script struct {
	moments []moment
	calls   int
}

// model is what the agent pays for, at these prices for a million tokens.
const (
	model          = "sonnet-4"
	inputPrice     = 3.0
	outputPrice    = 15.0
	cacheReadPrice = 0.3
)

func (s *script) add(pause time.Duration, actor eventlog.Actor, kind string, data any) *script {
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	if err := out.Encode(data); err != nil {
		panic("demo: an event of the script cannot be encoded: " + err.Error()) // our own types
	}
	event := eventlog.Event{Type: kind, Actor: actor, Data: text.Bytes()}
	if pause == 0 && len(s.moments) > 0 {
		last := &s.moments[len(s.moments)-1]
		last.events = append(last.events, event)
	} else {
		s.moments = append(s.moments, moment{pause, []eventlog.Event{event}})
	}
	return s
}

type content struct {
	Content string `json:"content"`
}

func (s *script) think(text string) *script {
	return s.add(2*time.Second, eventlog.Agent, eventlog.TypeThought, content{text})
}

func (s *script) say(text string) *script {
	return s.add(1500*time.Millisecond, eventlog.Agent, eventlog.TypeAssistant, content{text})
}

// status is what the runner says.
func (s *script) status(text string) *script {
	return s.add(800*time.Millisecond, eventlog.System, eventlog.TypeStatus, content{text})
}

// comment is what a colleague says.
func (s *script) comment(text string) *script {
	return s.add(2500*time.Millisecond, eventlog.Human, eventlog.TypeComment, content{text})
}

func (s *script) checkpoint(text string) *script {
	return s.add(time.Second, eventlog.Agent, eventlog.TypeCheckpoint, content{text})
}

// call is a tool call with its result.
type call struct {
	tool   string
	args   args
	took   time.Duration
	failed bool
	output string
}

// args are names and values, in their order.
type args []any

// MarshalJSON implements [json.Marshaler].
func (a args) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	for i, part := range a {
		switch {
		case i == 0:
			text.WriteByte('{')
		case i%2 == 0:
			text.WriteByte(',')
		default:
			text.WriteByte(':')
		}
		if err := out.Encode(part); err != nil {
			return nil, err
		}
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// tools calls tools. Several run at the same time: all calls come in a burst,
// and then the results, as they are ready.
func (s *script) tools(calls ...call) *script {
	pause := 1200 * time.Millisecond
	first := s.calls
	for _, c := range calls {
		s.calls++
		s.add(pause, eventlog.Agent, eventlog.TypeToolCall, struct {
			Tool   string `json:"tool"`
			Args   args   `json:"args"`
			CallID string `json:"call_id"`
		}{c.tool, c.args, callID(s.calls)})
		pause = 0
	}
	past := time.Duration(0)
	for i, c := range calls {
		s.add(max(c.took-past, time.Millisecond), eventlog.Agent, eventlog.TypeToolResult, struct {
			Tool       string `json:"tool"`
			Success    bool   `json:"success"`
			Output     string `json:"output"`
			CallID     string `json:"call_id"`
			DurationMS int64  `json:"duration_ms"`
		}{c.tool, !c.failed, c.output, callID(first + i + 1), c.took.Milliseconds()})
		past = max(past, c.took)
	}
	return s
}

func callID(n int) string { return fmt.Sprintf("call_%02d", n) }

// cost is what the last steps cost. It comes together with what was before it.
func (s *script) cost(input, output, cacheRead int) *script {
	usd := (float64(input)*inputPrice + float64(output)*outputPrice + float64(cacheRead)*cacheReadPrice) / 1e6
	return s.add(0, eventlog.Agent, eventlog.TypeCost, struct {
		USD       float64 `json:"usd"`
		Input     int     `json:"input_tokens"`
		Output    int     `json:"output_tokens"`
		CacheRead int     `json:"cache_read_tokens"`
		Model     string  `json:"model"`
		Scope     string  `json:"scope"`
	}{math.Round(usd*1e6) / 1e6, input, output, cacheRead, model, "delta"})
}

func (s *script) fail(message, code string) *script {
	return s.add(time.Second, eventlog.Agent, eventlog.TypeError, struct {
		Message string `json:"message"`
		Code    string `json:"code"`
		Fatal   bool   `json:"fatal"`
	}{message, code, true})
}

func (s *script) complete(status eventlog.Status, reason string) *script {
	return s.add(1500*time.Millisecond, eventlog.System, eventlog.TypeComplete, struct {
		Status eventlog.Status `json:"status"`
		Reason string          `json:"reason"`
	}{status, reason})
}

// The tools of the agent.

func read(path string, took time.Duration, output string) call {
	return call{tool: "read_file", args: args{"path", path}, took: took, output: output}
}

func search(pattern, glob string, took time.Duration, output string) call {
	return call{tool: "search", args: args{"pattern", pattern, "glob", glob}, took: took, output: output}
}

func edit(path, from, to string) call {
	return call{
		tool: "edit_file", args: args{"path", path, "old_str", from, "new_str", to},
		took: 40 * time.Millisecond, output: "Replaced 1 occurrence in " + path,
	}
}

func shell(command string, took time.Duration, output string) call {
	return call{tool: "bash", args: args{"command", command}, took: took, output: output}
}

// broken makes a call one that failed.
func (c call) broken() call {
	c.failed = true
	return c
}
