package transcript

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"

	"jrweb/eventlog"
)

func isPi(o object) bool {
	switch o.text("type") {
	case "session":
		return o.has("version") && o.has("cwd")
	case "agent_start", "turn_start", "agent_end", "turn_end":
		return true
	case "message":
		return o.object("message").has("role") && !isDroid(o) && !isGoose(o)
	case "message_start", "message_update", "message_end":
		return o.object("message").has("role") || o.object("assistantMessageEvent") != nil
	case "tool_execution_start", "tool_execution_end":
		return o.has("toolCallId")
	}
	return false
}

// pi converts the output of pi --mode json, and its session files.
type pi struct {
	called, done recent[struct{}]
	partial      partials
	message      int // in hand, for its pieces
}

func (p *pi) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	switch o.text("type") {
	case "session":
		out.begin(Origin{Agent: "pi", Session: o.text("id"), Dir: o.text("cwd")})
	case "message_end", "message":
		return p.whole(o.object("message"), out)
	case "message_start":
		p.message++
	case "message_update":
		p.piece(o.object("assistantMessageEvent"), out)
	case "tool_execution_start":
		p.call(o.text("toolCallId"), o.text("toolName"), o["args"], out)
	case "tool_execution_end":
		text, parts := piContent(o["result"])
		p.result(result{
			id: o.text("toolCallId"), tool: o.text("toolName"), success: !o.isTrue("isError") && !o.object("result").isTrue("isError"),
			output: cmp.Or(text, o.text("error")), took: o.amount("durationMs"), more: data(nil).raw("parts", parts),
		}, out)
	case "model_change":
		out.begin(Origin{Agent: "pi", Model: o.text("modelId", "model")})
	case "auto_retry_start":
		out.error(fmt.Sprintf("retry %g of %g: %s", o.amount("attempt"), o.amount("maxAttempts"), o.text("errorMessage")), "retry")
	case "auto_retry_end":
		if ok, told := o.truth("success"); told && !ok {
			out.error(o.text("finalError"), "retry")
		}
	case "compaction", "compaction_end", "auto_compaction_end":
		d := data(nil).some("summary", cmp.Or(o.text("summary"), o.object("result").text("summary"))).some("error", o.text("errorMessage"))
		out.note(eventlog.TypeStatus, "The conversation was compacted", d)
	case "agent_start", "agent_end", "turn_start", "turn_end", "tool_execution_update", "auto_compaction_start", "compaction_start",
		"thinking_level_change", "label", "session_info", "queue_update",
		"entry_appended", "session_info_changed", "thinking_level_changed":
		// The ends repeat messages that came before.
	default:
		return false
	}
	return true
}

// piece keeps a part of a message, which comes as a whole later. Calls and results
// are told at once.
func (p *pi) piece(e object, out *output) {
	id := strconv.Itoa(p.message) + "/" + strconv.Itoa(int(e.amount("contentIndex")))
	call := e.object("toolCall")
	switch e.text("type") {
	case "text_delta":
		p.partial.add(id, eventlog.TypeAssistant, "", e.text("delta"))
	case "thinking_delta":
		p.partial.add(id, eventlog.TypeThought, "", e.text("delta"))
	case "tool_result":
		text, parts := piContent(cmpRaw(call["output"], call["result"]))
		failed := call.isTrue("isError") || e.isTrue("isError")
		p.call(call.text("id"), call.text("name"), cmpRaw(call["input"], call["arguments"]), out)
		p.result(result{id: call.text("id"), tool: call.text("name"), success: !failed, output: text, more: data(nil).raw("parts", parts)}, out)
	}
}

// piContent returns the text of a tool's result: {content: [blocks], details}, or
// plain text.
func piContent(raw json.RawMessage) (text string, parts json.RawMessage) {
	if o := parseObject(raw); o.has("content") {
		return contentText(o["content"])
	}
	return contentText(raw)
}

func (p *pi) whole(m object, out *output) bool {
	if t := m.time("timestamp"); !t.IsZero() {
		out.at = t
	}
	text, parts := contentText(m["content"])
	switch m.text("role") {
	case "user":
		out.user(eventlog.Human, text, parts)
	case "assistant":
		p.assistant(m, out)
	case "toolResult":
		p.result(result{id: m.text("toolCallId"), tool: m.text("toolName"), success: !m.isTrue("isError"), output: text, more: data(nil).raw("parts", parts)}, out)
	case "bashExecution":
		code, known := m.number("exitCode")
		out.call("", "bash", data(nil).text("command", m.text("command")).object())
		out.result(result{tool: "bash", success: known && code == 0, output: m.text("output")})
	case "custom", "hookMessage", "branchSummary", "compactionSummary":
		out.user(eventlog.System, cmp.Or(text, m.text("summary")), nil)
	default:
		return false
	}
	return true
}

func (p *pi) assistant(m object, out *output) {
	if model := m.text("model"); model != "" {
		out.begin(Origin{Agent: "pi", Model: model})
	}
	blocks := m.list("content")
	if blocks == nil {
		out.says(eventlog.TypeAssistant, m.text("content"))
	}
	for _, raw := range blocks {
		block := parseObject(raw)
		switch block.text("type") {
		case "text":
			out.says(eventlog.TypeAssistant, block.text("text"))
		case "thinking":
			out.says(eventlog.TypeThought, block.text("thinking"))
		case "toolCall":
			p.call(block.text("id"), block.text("name"), cmpRaw(block["arguments"], block["input"]), out)
		default:
			out.raw(string(raw), "a part of a message of no known type")
		}
	}
	p.partial = partials{}
	p.message++
	out.done()
	switch m.text("stopReason") {
	case "error":
		message := cmp.Or(m.text("errorMessage"), "the model's answer failed")
		out.error(message, "error")
		out.failed(message)
	case "aborted":
		message := cmp.Or(m.text("errorMessage"), "aborted")
		out.status("Aborted: " + message)
		out.canceled(message)
	}
	u := m.object("usage")
	out.cost(m.text("model"), delta, usage{
		usd: u.object("cost").amount("total"), input: u.amount("input"), output: u.amount("output"),
		cacheRead: u.amount("cacheRead"), cacheWrite: u.amount("cacheWrite"),
	}, nil)
}

// call tells a call once: in its message, and when it is executed.
func (p *pi) call(id, tool string, args json.RawMessage, out *output) {
	if first(&p.called, id) {
		out.call(id, tool, args)
	}
}

func (p *pi) result(r result, out *output) {
	if first(&p.done, r.id) {
		out.result(r)
	}
}

func (*pi) flush(*output) {}

func (p *pi) end(out *output) { p.partial.rest(out) }
