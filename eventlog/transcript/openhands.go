package transcript

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"jrweb/eventlog"
)

func isOpenHands(o object) bool { return o.text("kind") != "" && o.text("source") != "" }

// openHands converts the events of OpenHands' agent SDK. After a reconnection the
// last ones come again.
type openHands struct {
	holdsNothing
	seen recent[struct{}]
	uses map[string]spent // by the name of the use: the agent, the condenser
}

// spent is what one use of a model has cost so far.
type spent struct {
	model string
	usage usage
}

func (h *openHands) object(o object, out *output) bool {
	kind := o.text("kind")
	if kind == "" {
		return false
	}
	if !first(&h.seen, o.text("id")) {
		return true
	}
	out.at = o.time("timestamp")
	call := o.text("tool_call_id")
	switch kind {
	case "SystemPromptEvent":
		out.begin(Origin{Agent: "OpenHands"})
		text, _ := contentText(o["system_prompt"])
		out.user(eventlog.System, text, nil)
	case "MessageEvent":
		m := o.object("llm_message")
		text, _ := contentText(m["content"])
		switch o.text("source") {
		case "agent":
			out.says(eventlog.TypeThought, m.text("reasoning_content"))
			out.says(eventlog.TypeAssistant, text)
		case "user":
			out.user(eventlog.Human, text, nil)
		default:
			out.user(eventlog.System, text, nil)
		}
	case "ActionEvent":
		out.says(eventlog.TypeThought, o.text("reasoning_content"))
		text, _ := contentText(o["thought"])
		out.says(eventlog.TypeAssistant, text)
		tool := o.object("tool_call")
		args := cmpRaw(tool["arguments"], tool.object("function")["arguments"])
		if len(args) == 0 {
			args = o["action"]
		}
		out.call(call, o.text("tool_name"), args)
	case "ObservationEvent":
		h.observation(call, o, out)
	case "AgentErrorEvent":
		out.result(result{id: call, tool: o.text("tool_name"), output: o.text("error")})
	case "UserRejectObservation":
		reason := cmp.Or(o.text("rejection_reason"), "rejected")
		out.note(eventlog.TypeGuardrail, "Rejected: "+o.text("tool_name"), data(nil).some("tool", o.text("tool_name")))
		out.result(result{id: call, tool: o.text("tool_name"), output: reason})
	case "ConversationErrorEvent":
		message := cmp.Or(o.text("detail"), o.text("code"), "the conversation failed")
		out.error(message, o.text("code"))
		out.failed(message)
	case "ConversationStateUpdateEvent":
		h.state(o, out)
	case "PauseEvent":
		out.status("Paused")
	case "Condensation", "CondensationSummaryEvent":
		out.note(eventlog.TypeStatus, "The conversation was condensed", data(nil).some("summary", o.text("summary")))
	case "CondensationRequest", "TokenEvent", "LLMCompletionLogEvent":
	default:
		return false
	}
	return true
}

func (h *openHands) observation(call string, o object, out *output) {
	seen := o.object("observation")
	text, parts := contentText(seen["content"])
	text = cmp.Or(text, seen.text("output", "message", "error"))
	r := result{id: call, tool: o.text("tool_name"), success: !seen.isTrue("is_error") && !seen.has("error"), output: text}
	code, told := seen.number("exit_code")
	if !told {
		code, told = seen.object("metadata").number("exit_code")
	}
	if told {
		r.success = r.success && code == 0
		r.more = r.more.number("exit_code", code)
	}
	r.more = r.more.raw("parts", parts)
	out.result(r)
}

// state converts a change of the conversation: one field of it, or all of them.
func (h *openHands) state(o object, out *output) {
	fields := object{o.text("key"): o["value"]}
	if o.text("key") == "full_state" {
		fields = o.object("value")
	}
	if status := fields.text("execution_status", "agent_status"); status != "" {
		out.begin(Origin{Agent: "OpenHands", Session: fields.text("id")})
		out.status("The conversation is " + strings.ReplaceAll(status, "_", " "))
		switch status {
		case "error", "stuck":
			out.failed(cmp.Or(out.progress.reason, "the conversation is "+status))
		case "finished":
			out.done()
		}
	}
	h.cost(fields.object("stats").object("usage_to_metrics"), out)
}

// cost converts the totals so far. Several uses of one model are one to the log.
func (h *openHands) cost(uses object, out *output) {
	if h.uses == nil {
		h.uses = map[string]spent{}
	}
	for _, use := range slices.Sorted(maps.Keys(uses)) {
		metrics := uses.object(use)
		t := metrics.object("accumulated_token_usage")
		u := usage{
			usd: metrics.amount("accumulated_cost"), output: t.amount("completion_tokens"),
			cacheRead: t.amount("cache_read_tokens"), cacheWrite: t.amount("cache_write_tokens"),
		}
		u.input = max(0, t.amount("prompt_tokens")-u.cacheRead-u.cacheWrite)
		if _, known := h.uses[use]; known || len(h.uses) < 100 {
			h.uses[use] = spent{cmp.Or(t.text("model"), metrics.text("model_name")), u.clamped()}
		}
	}
	if len(uses) == 0 {
		return
	}
	sums := map[string]usage{}
	for _, use := range slices.Sorted(maps.Keys(h.uses)) { // sums of money depend on their order
		s := h.uses[use]
		sums[s.model] = sums[s.model].plus(s.usage)
	}
	for _, model := range slices.Sorted(maps.Keys(sums)) {
		out.cost(model, cumulative, sums[model], nil)
	}
}
