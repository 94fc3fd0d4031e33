package transcript

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"jrweb/eventlog"
)

func isOpenCode(o object) bool {
	if !o.has("sessionID") {
		return false
	}
	switch o.text("type") {
	case "step_start", "step_finish", "text", "reasoning", "tool_use":
		return o.object("part") != nil
	case "error":
		return o.has("error")
	}
	return false
}

// openCode converts the output of opencode run --format json.
type openCode struct {
	holdsNothing
	steps openCodeSteps
	told  recent[struct{}] // parts
}

func (c *openCode) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	part := o.object("part")
	kind := o.text("type")
	switch kind {
	case "text", "reasoning", "tool_use":
		if !first(&c.told, part.text("id")) {
			return true
		}
	}
	c.steps.part(part)
	if session := o.text("sessionID"); session != "" && out.origin.Session == "" {
		out.begin(Origin{Agent: "opencode", Session: session})
	}
	switch kind {
	case "step_start":
		out.working()
	case "step_finish":
		c.steps.finish(part, o.text("sessionID"), out.origin.Model, out)
		openCodeFinish(part.text("reason"), out)
	case "text":
		if part.isTrue("synthetic") { // of a user message that opencode makes itself
			out.user(eventlog.System, part.text("text"), nil)
			return true
		}
		openCodeSays(eventlog.TypeAssistant, part, out)
	case "reasoning":
		openCodeSays(eventlog.TypeThought, part, out)
	case "tool_use":
		at := out.at
		state := part.object("state")
		if start := state.object("time").time("start"); !start.IsZero() {
			out.at = start
		}
		name, _ := openCodeTool(part)
		out.call(part.text("callID"), name, state.value("input"))
		out.at = at
		openCodeResult(part, out)
	case "error":
		openCodeError(o.object("error"), o.text("error"), out)
	case "done":
		if len(o.list("rejected")) > 0 {
			out.note(eventlog.TypeGuardrail, "Permissions were rejected", data(nil).raw("rejected", o.value("rejected")))
		}
	default:
		return false
	}
	return true
}

// openCodeSays adds a text part at the time when it was begun.
func openCodeSays(kind string, part object, out *output) {
	if start := part.object("time").time("start"); !start.IsZero() {
		out.at = start
	}
	out.says(kind, part.text("text"))
}

// openCodeTool returns the tool of a part, and whether the model was refused it: a call
// that cannot be made is one of the tool "invalid", which names the tool that was meant.
func openCodeTool(part object) (name string, refused bool) {
	if name = part.text("tool"); name != "invalid" {
		return name, false
	}
	return cmp.Or(part.object("state").object("input").text("tool"), name), true
}

// openCodeResult adds the result of a tool part that is completed, or failed. A
// command that exits with another code than 0 counts as completed there.
func openCodeResult(part object, out *output) {
	state := part.object("state")
	name, refused := openCodeTool(part)
	_, images := contentText(state.value("attachments"))
	r := result{
		id: part.text("callID"), tool: name,
		success: state.text("status") == "completed" && !refused,
		output:  cmp.Or(state.text("output"), state.text("error")),
		more:    data(nil).raw("parts", images),
	}
	t := state.object("time")
	if start, end := t.time("start"), t.time("end"); !start.IsZero() && !end.IsZero() {
		out.at, r.took = end, float64(end.Sub(start).Milliseconds())
	}
	out.result(r.withExitCode(state.object("metadata").number("exit")))
}

// openCodeFinish takes the reason why a step ended.
func openCodeFinish(reason string, out *output) {
	switch reason {
	case "stop", "end_turn":
		out.done()
	case "tool-calls", "":
		out.working()
	case "length":
		out.failed("the model's answer was cut at its largest length")
	case "content-filter", "error":
		if out.progress.reason == "" {
			out.failed("the model's answer ended with: " + reason)
		}
	default:
		out.rested()
	}
}

// openCodeSteps counts what the steps of messages cost. A session that is forked from
// another one repeats its messages under other ids: what stays the same of a step is
// when its first part was begun.
type openCodeSteps struct {
	told  recent[struct{}] // parts that end a step
	begun recent[float64]  // by message: when the first part of the step in hand was begun
}

// part takes a part of a step. Reasoning is not always told, so it does not count.
func (s *openCodeSteps) part(part object) {
	start, told := part.object("time").number("start")
	if part.text("type") == "tool" {
		start, told = part.object("state").object("time").number("start")
	}
	if message := part.text("messageID"); told && message != "" {
		if before, known := s.begun.get(message); !known || before == 0 || start < before {
			s.begun.put(message, start)
		}
	}
}

// finish counts a step of a message. Reasoning is counted beside the output.
func (s *openCodeSteps) finish(part object, session, model string, out *output) {
	if !first(&s.told, part.text("id")) {
		return
	}
	t := part.object("tokens")
	u := usage{
		usd: part.amount("cost"), input: t.amount("input"), output: t.amount("output") + t.amount("reasoning"),
		cacheRead: t.object("cache").amount("read"), cacheWrite: t.object("cache").amount("write"),
	}
	message := part.text("messageID")
	if begun, known := s.begun.get(message); known && begun > 0 {
		s.begun.put(message, 0)
		out.member(fmt.Sprintf("opencode/%.0f/%.0f/%.0f", begun, u.input+u.cacheRead, u.output), "", model, u)
		return
	}
	out.member(cmp.Or(message, part.text("assistantMessageID", "id")), session, model, u)
}

func openCodeError(e object, text string, out *output) {
	name := e.text("name")
	message := cmp.Or(e.object("data").text("message"), e.text("message"), text, name)
	if name == "MessageAbortedError" {
		out.status("Aborted: " + message)
		out.canceled(message)
		return
	}
	out.error(message, cmp.Or(name, e.text("type")))
	out.failed(cmp.Or(message, "opencode told of an error"))
}

// untitled is what sessions are called before they have a title.
var untitled = regexp.MustCompile(`^(New|Child) session - \d{4}-`)

// openCodeOrigin takes what opencode tells of a session.
func openCodeOrigin(info object, out *output) {
	model := info.object("model")
	out.begin(Origin{
		Agent: "opencode", Version: info.text("version"), Session: info.text("id"), Parent: info.text("parentID"),
		Dir: info.text("directory"), Model: model.text("id", "modelID"),
	})
	if title := info.text("title"); !untitled.MatchString(title) {
		out.title(strings.TrimSpace(title))
	}
}
