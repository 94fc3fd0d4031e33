package transcript

import (
	"cmp"

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
	steps recent[struct{}] // part ids whose cost is counted
}

func (c *openCode) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	part := o.object("part")
	switch o.text("type") {
	case "step_start":
		out.begin(Origin{Agent: "opencode", Session: o.text("sessionID")})
	case "step_finish":
		if first(&c.steps, part.text("id")) {
			openCodeCost(part, out.origin.Model, out)
		}
		if part.text("reason") == "stop" {
			out.done()
		}
	case "text":
		openCodeSays(eventlog.TypeAssistant, part, out)
	case "reasoning":
		openCodeSays(eventlog.TypeThought, part, out)
	case "tool_use":
		at := out.at
		state := part.object("state")
		if start := state.object("time").time("start"); !start.IsZero() {
			out.at = start
		}
		out.call(part.text("callID"), part.text("tool"), state["input"])
		out.at = at
		openCodeResult(part, out)
	case "error":
		openCodeError(o.object("error"), o.text("error"), out)
	case "done":
		if len(o.list("rejected")) > 0 {
			out.note(eventlog.TypeGuardrail, "Permissions were rejected", data(nil).raw("rejected", o["rejected"]))
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

// openCodeResult adds the result of a tool part that is completed, or failed. A
// command that exits with another code than 0 counts as completed there.
func openCodeResult(part object, out *output) {
	state := part.object("state")
	meta := state.object("metadata")
	code, exited := meta.number("exit")
	r := result{
		id: part.text("callID"), tool: part.text("tool"),
		success: state.text("status") == "completed" && (!exited || code == 0),
		output:  cmp.Or(state.text("output"), state.text("error")),
	}
	if exited {
		r.more = r.more.number("exit_code", code)
	}
	t := state.object("time")
	if start, end := t.time("start"), t.time("end"); !start.IsZero() && !end.IsZero() {
		out.at, r.took = end, float64(end.Sub(start).Milliseconds())
	}
	out.result(r)
}

// openCodeCost adds what one step cost. Reasoning is counted beside the output.
func openCodeCost(part object, model string, out *output) {
	t := part.object("tokens")
	out.cost(model, delta, usage{
		usd: part.amount("cost"), input: t.amount("input"), output: t.amount("output") + t.amount("reasoning"),
		cacheRead: t.object("cache").amount("read"), cacheWrite: t.object("cache").amount("write"),
	}, nil)
}

func openCodeError(e object, text string, out *output) {
	message := cmp.Or(e.object("data").text("message"), e.text("message"), text, e.text("name"))
	out.error(message, e.text("name"))
	out.failed(cmp.Or(message, "opencode told of an error"))
}
