package transcript

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"jrweb/eventlog"
)

// TypeRaw is the type of an event that keeps a line, or a part of one, that is
// not understood: its text as content, why, and the format that it was read as.
const TypeRaw = "raw"

// output makes the events of a line, and keeps what the lines of a run have in
// common: its origin, the tools that calls named, whether the last turn failed.
type output struct {
	format Format
	limit  int
	events []eventlog.Event

	at     time.Time // of the line, zero if it does not tell
	parent string    // the call whose subagent is at work, "" for the agent itself

	origin  Origin
	began   bool
	failure string
	tools   recent[string] // by call id
	raws    int
}

// take returns the events made since the last time.
func (out *output) take() []eventlog.Event {
	events := out.events
	out.events, out.at, out.parent = nil, time.Time{}, ""
	return events
}

func (out *output) add(kind string, actor eventlog.Actor, d data, known ...cut) {
	d = d.some("parent_call_id", out.parent)
	out.events = append(out.events, eventlog.Event{Type: kind, Actor: actor, Time: out.at, Data: fit(d, out.limit, known)})
}

// says adds a text of the agent: an assistant or thought event. No text, no event.
func (out *output) says(kind, text string) {
	if strings.TrimSpace(text) != "" {
		out.add(kind, "", data(nil).text("content", text))
	}
}

// user adds what was said to the agent: by a person, by the program around it
// ([eventlog.System]), or by the agent that started a subagent.
func (out *output) user(actor eventlog.Actor, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	if out.parent != "" {
		actor = eventlog.Agent
	}
	out.add(eventlog.TypeUser, actor, data(nil).text("content", text))
}

// note adds a status or guardrail event.
func (out *output) note(kind, text string, more data) {
	d := data(nil).text("content", text)
	if len(more) > 0 {
		d = append(append(d, ','), more...)
	}
	out.add(kind, eventlog.System, d)
}

func (out *output) status(text string) { out.note(eventlog.TypeStatus, text, nil) }

// error adds an error, which is not the end of the run.
func (out *output) error(message, code string) {
	if message == "" {
		message = "The agent tells of an error without saying which."
	}
	out.add(eventlog.TypeError, "", data(nil).text("message", message).some("code", code))
}

// failed says that a turn, or all of the run, ended in failure. Empty: it did not.
func (out *output) failed(message string) { out.failure = beginning(message, 4<<10) }

// call adds a tool call. Args may be any JSON: what is no object becomes one.
func (out *output) call(id, tool string, args json.RawMessage) {
	if id != "" {
		out.tools.put(id, tool)
	}
	out.add(eventlog.TypeToolCall, "", data(nil).text("tool", tool).raw("args", argsOf(args)).some("call_id", id))
}

// argsOf returns the object that args are or, as a string, spell.
func argsOf(args json.RawMessage) json.RawMessage {
	if isObject(args) {
		return args
	}
	if s := textOf(args); s != "" {
		if o := json.RawMessage(s); isObject(o) && json.Valid(o) {
			return o
		}
	}
	if d := data(nil).raw("input", args); len(d) > 0 {
		return d.object()
	}
	return json.RawMessage("{}")
}

// result is what a tool gave back.
type result struct {
	id      string
	tool    string // "": as its call said
	success bool
	output  string
	took    float64 // milliseconds as the agent tells, 0 if it does not
	more    data
}

func (out *output) result(r result) {
	if r.tool == "" {
		r.tool, _ = out.tools.get(r.id)
	}
	d := data(nil).text("tool", r.tool).flag("success", r.success).text("output", r.output).some("call_id", r.id)
	if r.took > 0 && r.took < 1e15 {
		d = d.number("duration_ms", math.Round(r.took*1000)/1000)
	}
	if len(r.more) > 0 {
		d = append(append(d, ','), r.more...)
	}
	out.add(eventlog.TypeToolResult, "", d)
}

// raw keeps what is not understood.
func (out *output) raw(text, reason string, known ...cut) {
	out.raws++
	out.add(TypeRaw, eventlog.System, data(nil).text("content", text).text("format", string(out.format)).text("reason", reason), known...)
}

// begin tells which agent is at work, once, and again when that changes. What o
// leaves empty stays as it was.
func (out *output) begin(o Origin, more data) {
	was := out.origin
	for _, f := range []struct{ to, from *string }{
		{&out.origin.Agent, &o.Agent}, {&out.origin.Version, &o.Version},
		{&out.origin.Model, &o.Model}, {&out.origin.Session, &o.Session},
	} {
		if *f.from != "" {
			*f.to = beginning(*f.from, 1<<10)
		}
	}
	if out.began && was == out.origin {
		return
	}
	out.began = true
	text := strings.TrimSpace(out.origin.Agent + " " + out.origin.Version)
	if out.origin.Model != "" {
		text += ", model " + out.origin.Model
	}
	d := data(nil).some("agent", out.origin.Agent).some("version", out.origin.Version).
		some("model", out.origin.Model).some("external_id", out.origin.Session)
	if len(more) > 0 {
		d = append(append(d, ','), more...)
	}
	out.note(eventlog.TypeStatus, text, d)
}

// usage is what an agent tells of money and tokens. The kinds of tokens do not
// overlap: input is without what was read from or written to a cache. Output is
// with what was spent on reasoning.
type usage struct {
	usd, input, output, cacheRead, cacheWrite float64
}

// The largest amounts that the log takes.
const (
	mostUSD    = 1e12
	mostTokens = 1e12
)

func (u usage) clamped() usage {
	for _, n := range []*float64{&u.input, &u.output, &u.cacheRead, &u.cacheWrite} {
		*n = math.Trunc(min(max(*n, 0), mostTokens))
	}
	u.usd = min(max(u.usd, 0), mostUSD)
	return u
}

func (u usage) plus(o usage) usage {
	return usage{u.usd + o.usd, u.input + o.input, u.output + o.output, u.cacheRead + o.cacheRead, u.cacheWrite + o.cacheWrite}
}

// since returns how much u exceeds last, in each amount on its own.
func (u usage) since(last usage) usage {
	return usage{
		max(0, u.usd-last.usd), max(0, u.input-last.input), max(0, u.output-last.output),
		max(0, u.cacheRead-last.cacheRead), max(0, u.cacheWrite-last.cacheWrite),
	}
}

// most returns the larger one of each amount.
func (u usage) most(o usage) usage {
	return usage{
		max(u.usd, o.usd), max(u.input, o.input), max(u.output, o.output),
		max(u.cacheRead, o.cacheRead), max(u.cacheWrite, o.cacheWrite),
	}
}

const (
	delta      = "delta"
	cumulative = "cumulative"
)

// cost adds what was spent, unless that is nothing.
func (out *output) cost(model, scope string, u usage, more data) {
	u = u.clamped()
	if u == (usage{}) {
		return
	}
	d := data(nil)
	if u.usd > 0 {
		d = d.number("usd", u.usd)
	}
	d = d.number("input_tokens", u.input).number("output_tokens", u.output).
		number("cache_read_tokens", u.cacheRead).number("cache_write_tokens", u.cacheWrite).
		some("model", beginning(model, 1<<10)).text("scope", scope)
	if len(more) > 0 {
		d = append(append(d, ','), more...)
	}
	out.add(eventlog.TypeCost, "", d)
}

// inside runs a part of the conversion as the work of a call's subagent.
func (out *output) inside(call string, convert func()) {
	if call != "" {
		defer func(parent string) { out.parent = parent }(out.parent)
		out.parent = call
	}
	convert()
}
