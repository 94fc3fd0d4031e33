package transcript

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

func isOpenHands(o object) bool {
	return o.text("kind") != "" && o.text("source") != "" || isOpenHandsState(o)
}

// isOpenHandsState: the state of a conversation, which stands in a file beside its
// events.
func isOpenHandsState(o object) bool {
	return o.has("id") && o.object("agent") != nil && o.text("execution_status", "agent_status") != "" && !o.has("kind")
}

// openHands converts the events of OpenHands' agent SDK: of a stream, of the files of
// a conversation, or as its command prints them. After a reconnection the last ones
// come again.
type openHands struct {
	seen    recent[struct{}]
	begun   string // the id of the first event
	account string // the conversation's id, or what stands for it: it does not change
	state   object // of the file beside the events, which may be older or newer
}

// framing reports whether a line only announces an event.
func (*openHands) framing(line []byte) bool { return string(bytes.TrimSpace(line)) == "--JSON Event--" }

func (h *openHands) object(o object, out *output) bool {
	kind := o.text("kind")
	if isOpenHandsState(o) {
		h.state = o
		h.known(o, out)
		h.cost(o.object("stats").object("usage_to_metrics"), out)
		return true
	}
	if kind == "" {
		return false
	}
	if !first(&h.seen, o.text("id")) {
		return true
	}
	h.begun = cmp.Or(h.begun, o.text("id"))
	out.at = o.time("timestamp")
	call := o.text("tool_call_id")
	switch kind {
	case "SystemPromptEvent":
		out.begin(Origin{Agent: "OpenHands"})
		text, _ := contentText(o.value("system_prompt"))
		out.user(eventlog.System, text, nil)
	case "MessageEvent":
		m := o.object("llm_message")
		text, parts := openHandsContent(m.value("content"))
		switch o.text("source") {
		case "agent":
			out.says(eventlog.TypeThought, m.text("reasoning_content"))
			out.says(eventlog.TypeAssistant, text)
			out.rested()
		case "user":
			out.user(eventlog.Human, text, parts)
		default:
			out.user(eventlog.System, text, parts)
		}
	case "ActionEvent":
		out.says(eventlog.TypeThought, o.text("reasoning_content"))
		text, _ := contentText(o.value("thought"))
		out.says(eventlog.TypeAssistant, text)
		tool := o.object("tool_call")
		args := cmpRaw(tool.value("arguments"), tool.object("function").value("arguments"))
		if len(args) == 0 {
			args = o.value("action")
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
		h.changed(o, out)
	case "PauseEvent":
		out.status("Paused")
		out.canceled("paused")
	case "InterruptEvent", "UserInterruptEvent":
		out.status("Interrupted")
		out.canceled("interrupted")
	case "ServerErrorEvent":
		out.error(cmp.Or(o.text("detail"), o.text("code")), o.text("code"))
	case "ACPToolCallEvent":
		h.delegated(call, o, out)
	case "HookExecutionEvent":
		if o.isTrue("blocked") {
			out.note(eventlog.TypeGuardrail, "A hook blocked: "+cmp.Or(o.text("reason"), o.text("hook_event_type")), nil)
		}
	case "Condensation", "CondensationSummaryEvent":
		out.note(eventlog.TypeStatus, "The conversation was condensed", data(nil).some("summary", o.text("summary")))
	case "CondensationRequest", "TokenEvent", "LLMCompletionLogEvent", "StreamingDeltaEvent":
	default:
		return false
	}
	return true
}

func (h *openHands) observation(call string, o object, out *output) {
	seen := o.object("observation")
	text, parts := openHandsContent(seen.value("content"))
	text = cmp.Or(text, seen.text("output", "message", "error"))
	r := result{id: call, tool: o.text("tool_name"), success: !seen.isTrue("is_error") && !seen.has("error"), output: text}
	code, told := seen.number("exit_code")
	if !told {
		code, told = seen.object("metadata").number("exit_code")
	}
	r = r.withExitCode(code, told)
	r.more = r.more.raw("parts", parts)
	out.result(r)
	if o.text("tool_name") == "finish" && r.success {
		out.done()
	}
}

// delegated converts a call of an agent that OpenHands runs in its turn.
func (*openHands) delegated(call string, o object, out *output) {
	name := cmp.Or(o.text("title"), o.text("tool_kind"), "tool")
	if _, known := out.tools.get(call); !known {
		out.call(call, name, o.value("raw_input"))
	}
	switch status := o.text("status"); status {
	case "completed", "failed":
		text, parts := contentText(cmpRaw(o.value("content"), o.value("raw_output")))
		out.result(result{id: call, tool: name, success: status == "completed" && !o.isTrue("is_error"), output: text, more: data(nil).raw("parts", parts)})
	}
}

// openHandsContent returns the text and the parts of a content, whose images stand in
// lists.
func openHandsContent(raw json.RawMessage) (text string, parts json.RawMessage) {
	var blocks []json.RawMessage
	for _, block := range listOf(raw) {
		urls := parseObject(block).list("image_urls")
		for _, url := range urls {
			blocks = append(blocks, data(nil).text("type", "image_url").raw("image_url", url).object())
		}
		if len(urls) == 0 {
			blocks = append(blocks, block)
		}
	}
	if len(blocks) == 0 {
		return contentText(raw)
	}
	return contentText(partsOf(blocks))
}

// known takes what a state tells of the run.
func (*openHands) known(fields object, out *output) {
	out.begin(Origin{
		Agent: "OpenHands", Session: fields.text("id"), Model: fields.object("agent").object("llm").text("model"),
		Dir: fields.object("workspace").text("working_dir"),
	})
	out.title(fields.text("title"))
}

// changed converts a change of the conversation: one field of it, or all of them.
func (h *openHands) changed(o object, out *output) {
	fields := object{}.with(o.text("key"), o.value("value"))
	if o.text("key") == "full_state" {
		fields = o.object("value")
	}
	h.known(fields, out)
	if status := fields.text("execution_status", "agent_status"); status != "" {
		out.status("The conversation is " + strings.ReplaceAll(status, "_", " "))
		h.reached(status, out)
	}
	h.cost(fields.object("stats").object("usage_to_metrics"), out)
}

func (*openHands) reached(status string, out *output) {
	switch status {
	case "running":
		out.working()
	case "error", "stuck":
		out.failed(cmp.Or(out.progress.reason, "the conversation is "+status))
	case "finished":
		out.done()
	case "paused":
		out.canceled("paused")
	}
}

func (*openHands) flush(*output) {}

// end: the state in the file is the state at the end, if the events tell none.
func (h *openHands) end(out *output) {
	if out.progress.status == "" {
		h.reached(h.state.text("execution_status", "agent_status"), out)
	}
}

// cost converts the totals so far, of each use of a model: the agent, the condenser.
func (h *openHands) cost(uses object, out *output) {
	if h.account == "" {
		h.account = cmp.Or(out.origin.Session, h.begun)
	}
	for _, use := range uses.sorted() {
		metrics := parseObject(use.value)
		t := metrics.object("accumulated_token_usage")
		u := usage{
			usd: metrics.amount("accumulated_cost"), output: t.amount("completion_tokens"),
			cacheRead: t.amount("cache_read_tokens"), cacheWrite: t.amount("cache_write_tokens"),
		}
		u.input = max(0, t.amount("prompt_tokens")-u.cacheRead-u.cacheWrite)
		out.cumulates(h.account+"/"+string(use.name), cmp.Or(t.text("model"), metrics.text("model_name")), u)
	}
}
