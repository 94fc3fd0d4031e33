package transcript

import (
	"cmp"
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
	root   string    // Options.Parent
	caller string    // Options.Caller
	apart  func(agent string) bool
	sent   string // the latest name of a server-sent event

	refusal string // why the decoder did not take an object, if it says more than that it did not know it

	origin   Origin
	titles   titles
	progress progress
	tools    recent[string] // by call id
	counted  recent[usage]  // by the id of a cost
	raws     int
}

// nested reports whether a subagent is at work.
func (out *output) nested() bool { return out.parent != "" || out.root != "" }

// take returns the events made since the last time.
func (out *output) take() []eventlog.Event {
	events := out.events
	out.events, out.at, out.parent = nil, time.Time{}, ""
	return events
}

func (out *output) add(kind string, actor eventlog.Actor, d data, known ...cut) {
	d = d.some("parent_call_id", cmp.Or(out.parent, out.root))
	out.events = append(out.events, eventlog.Event{Type: kind, Actor: actor, Time: out.at, Data: fit(d, out.limit, known)})
}

// says adds a text of the agent: an assistant or thought event. No text, no event.
func (out *output) says(kind, text string) { out.saysWith(kind, text, nil) }

// saysWith adds a text of the agent with parts, such as images, or nil.
func (out *output) saysWith(kind, text string, parts json.RawMessage) {
	if !isBlank(text) || len(parts) > 0 {
		out.spoke()
		text, more := pictures(text)
		out.add(kind, "", withPictures(data(nil).text("content", text).raw("parts", parts), more))
	}
}

// prints adds what a program printed. The program is not an agent, so its words are not
// Markdown.
func (out *output) prints(text string) {
	if isBlank(text) {
		return
	}
	out.spoke()
	text, more := pictures(text)
	out.add(eventlog.TypeAssistant, "", withPictures(data(nil).text("content", text).text("format", string(Text)), more))
}

// saysBlock adds a part of a message of the agent that is a text or an image. Any other
// is kept as it is.
func (out *output) saysBlock(raw json.RawMessage) {
	text, parts := contentText(raw)
	o := parseObject(raw)
	kind := o.text("type")
	if kind != "" && text == "["+kind+"]" && kind != "image" || o != nil && kind == "" && text == string(raw) {
		out.raw(string(raw), "a part of a message of no known type")
		return
	}
	out.saysWith(eventlog.TypeAssistant, text, parts)
}

// user adds what was said to the agent: by a person, by the program around it
// ([eventlog.System]), or by the agent that started a subagent.
// What a person says begins a turn. Parts are images and the like, or nil.
func (out *output) user(actor eventlog.Actor, text string, parts json.RawMessage) {
	if strings.TrimSpace(text) == "" && len(parts) == 0 {
		return
	}
	if out.nested() && actor == eventlog.Human {
		actor = eventlog.Agent
	}
	text, more := pictures(text)
	if actor == eventlog.Human {
		out.prompted(text)
		out.told()
	}
	out.add(eventlog.TypeUser, actor, withPictures(data(nil).text("content", text).raw("parts", parts), more))
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

// call adds a tool call. Args may be any JSON: what is not an object becomes one.
func (out *output) call(id, tool string, args json.RawMessage) {
	if id != "" {
		out.tools.put(id, tool)
		out.opened(id)
	}
	made := argsOf(args)
	out.add(eventlog.TypeToolCall, "", data(nil).text("tool", tool).raw("args", made).some("call_id", id))
	out.asksIn(id, tool, made)
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
	out.closed(r.id)
	output, more := pictures(r.output)
	d := data(nil).text("tool", r.tool).flag("success", r.success).text("output", output).some("call_id", r.id)
	if r.took > 0 && r.took < 1e15 {
		d = d.number("duration_ms", math.Round(r.took*1000)/1000)
	}
	if len(r.more) > 0 {
		d = append(append(d, ','), r.more...)
	}
	out.add(eventlog.TypeToolResult, "", withPictures(d, more))
}

// raw keeps what is not understood.
func (out *output) raw(text, reason string, known ...cut) {
	out.raws++
	out.add(TypeRaw, eventlog.System, data(nil).text("content", text).text("format", string(out.format)).text("reason", reason), known...)
}

// refuse says why an object cannot be taken, for a decoder that returns it.
func (out *output) refuse(reason string) bool {
	out.refusal = reason
	return false
}

// inside runs a part of the conversion as the work of a call's subagent.
func (out *output) inside(call string, convert func()) {
	if call != "" {
		defer func(parent string) { out.parent = parent }(out.parent)
		out.parent = call
	}
	convert()
}
