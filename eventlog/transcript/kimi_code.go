package transcript

import (
	"cmp"
	"fmt"
	"strings"

	"jrweb/eventlog"
)

// record converts a line of Kimi Code's wire.jsonl, which has a type with a dot and a
// time in milliseconds.
func (k *kimi) record(o object, out *output) bool {
	out.at = o.time("time", "created_at")
	kind := o.text("type")
	if kind != "context.append_loop_event" {
		k.text.flush(out)
	}
	switch kind {
	case "metadata":
		if !o.has("protocol_version") {
			return false
		}
		if o.has("created_at") { // Kimi CLI's wire has none, and says what it is later
			out.begin(Origin{Agent: "Kimi Code"})
		}
	case "context.append_message":
		return k.appended(o.object("message"), out)
	case "context.append_loop_event":
		return k.step(o.object("event"), out)
	case "turn.prompt", "turn.steer":
		// What a person says is appended to the context, too: it is told once.
		text, parts := contentText(o.value("input"))
		if origin := o.object("origin").text("kind"); origin == "" || origin == "user" {
			out.user(eventlog.Human, text, parts)
			told, _ := k.prompts.get(text)
			k.prompts.put(text, told+1)
		}
		out.working()
	case "turn.ended":
		k.ended(o, out)
	case "turn.cancel":
		out.status("Canceled")
		out.canceled("canceled by a person")
	case "prompt.aborted":
		out.canceled(cmp.Or(o.text("reason"), "aborted"))
	case "turn.step.retrying":
		k.retry(o, out)
	case "turn.step.interrupted":
		out.reach(eventlog.Interrupted, cmp.Or(o.text("message"), o.text("reason"), "a step was interrupted"))
	case "usage.record":
		model := cmp.Or(o.text("model"), out.origin.Model)
		// A record has no id. Its time, and its place among those of the same time, is one.
		moment := o.text("agentId") + "/" + string(o.value("time"))
		n, _ := k.moments.get(moment)
		k.moments.put(moment, n+1)
		out.member(idOf("kimi", moment, fmt.Sprint(n)), "", model, kimiUsage(o.object("usage")))
	case "llm.request", "config.update", "profile.bind", "runtime.set_binding":
		if model := o.text("modelAlias", "model"); model != "" {
			out.begin(Origin{Agent: "Kimi Code", Model: model})
		}
	case "context.apply_compaction", "full_compaction.complete":
		out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).some("summary", o.text("summary")))
	case "context.undo":
		out.status(fmt.Sprintf("The last %g turns were taken back", max(1, o.amount("count"))))
	case "context.clear":
		out.status("The conversation was cleared")
	case "interaction.request":
		request := cmpRaw(o.value("request"), o.value("payload"))
		p := parseObject(request)
		asked := questionsOf(p.list("questions"))
		if asked == nil {
			asked = []question{{text: p.text("question", "message", "description", "title")}}
		}
		for _, q := range asked {
			q.id, q.call, q.more = cmp.Or(o.text("id", "requestId"), p.text("id")), p.text("toolCallId", "tool_call_id"), data(nil).raw("request", request)
			out.asks(q)
		}
	case "interaction.resolved":
		out.answered(o.text("id", "requestId"))
	case "permission.record_approval_result":
		out.decided(o.text("toolCallId"), cmp.Or(o.text("decision", "response"), o.object("result").text("decision", "response")), data(nil).some("call_id", o.text("toolCallId")))
	case "goal.create", "goal.update":
		out.note(eventlog.TypeStatus, "Goal: "+cmp.Or(o.text("objective", "goal", "description"), o.object("goal").text("objective", "description")), nil)
	case "plan.revision":
		out.note(eventlog.TypeStatus, strings.TrimSpace("Plan\n\n"+o.text("content", "plan")), nil)
	default:
		return isKimiBookkeeping(kind)
	}
	return true
}

// isKimiBookkeeping: what the program needs to go on, and the counts of its context.
func isKimiBookkeeping(kind string) bool {
	switch area, _, _ := strings.Cut(kind, "."); area {
	case "token_counting", "tools", "mcp", "cron", "file_history", "staleGuard", "micro_compaction", "plugin", "permission",
		"plan_mode", "swarm_mode", "tower_mode", "full_compaction", "goal", "forked":
		return true
	}
	switch kind {
	case "llm.tools_snapshot", "context.update_token_count", "prompt.accepted", "prompt.completed", "prompt.steered",
		"interruptionReminder.recorded", "task.started", "task.terminated", "task.waitDelivered":
		return true
	}
	return false
}

// appended converts a message that was put into the context as a whole.
func (k *kimi) appended(m object, out *output) bool {
	out.begin(Origin{Agent: cmp.Or(out.origin.Agent, "Kimi Code")})
	if m.text("role") != "user" {
		return m.has("role") && k.message(m.text("role"), m, out)
	}
	text, parts := contentText(m.value("content"))
	origin := m.object("origin").text("kind")
	told, _ := k.prompts.get(text)
	switch {
	case origin != "" && origin != "user":
		out.user(eventlog.System, text, parts)
	case told > 0:
		k.prompts.put(text, told-1)
	default:
		out.user(eventlog.Human, text, parts)
	}
	return true
}

// step converts an event of the agent's loop.
func (k *kimi) step(e object, out *output) bool {
	if at := e.time("time"); !at.IsZero() {
		out.at = at
	}
	switch e.text("type") {
	case "content.part":
		k.piece(e.value("part"), e.object("part"), out)
	case "tool.call":
		k.text.flush(out)
		k.call(e.only("name").with("id", quote(e.text("toolCallId", "uuid"))).with("arguments", e.value("args")), out)
	case "tool.result":
		k.text.flush(out)
		value := e.object("result")
		if value == nil {
			value = object{}.with("output", e.value("result"))
		}
		k.returned(e.text("toolCallId", "uuid"), value, out)
	case "step.begin":
		out.working()
	case "step.end":
		k.text.flush(out)
		switch e.text("finishReason") {
		case "end_turn", "stop", "completed":
			out.rested()
		case "error":
			message := cmp.Or(e.text("error"), e.object("error").text("message"), "a step failed")
			out.error(message, "error")
			out.failed(message)
		}
	default:
		return false
	}
	return true
}

func (k *kimi) ended(o object, out *output) {
	message := cmp.Or(o.text("error"), o.object("error").text("message"), o.text("message"))
	switch reason := o.text("reason"); reason {
	case "completed", "":
		out.done()
	case "cancelled", "canceled", "aborted":
		out.canceled(cmp.Or(message, reason))
	default:
		out.error(cmp.Or(message, "the turn ended: "+reason), reason)
		out.failed(cmp.Or(message, reason))
	}
}
