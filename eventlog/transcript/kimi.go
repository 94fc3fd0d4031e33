package transcript

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"jrweb/eventlog"
)

// isKimi: messages with calls or results of tools and no type, which is what Kimi
// prints; its marks between them; and the wire that it keeps, in both of its forms.
func isKimi(o object) bool {
	if isKimiLegacyWire(o) || isKimiWire(o) {
		return true
	}
	if o.has("type") && o.text("role") != "meta" || o.has("ts") || o.has("created") || o.has("message") || o.has("parts") {
		return false
	}
	switch o.text("role") {
	case "assistant":
		return len(o.list("tool_calls")) > 0
	case "tool":
		return o.has("tool_call_id") && o.has("content")
	case "meta":
		return o.has("session_id") || strings.Contains(o.text("type"), ".")
	case "_system_prompt", "_checkpoint", "_usage":
		return true
	}
	return false
}

func isKimiLegacyWire(o object) bool {
	return !o.has("type") && o.has("timestamp") && o.object("message").has("type") && o.object("message").object("payload") != nil
}

func isKimiWire(o object) bool {
	switch o.text("type") {
	case "metadata":
		return o.has("protocol_version")
	case "context.append_message":
		return o.object("message") != nil
	case "context.append_loop_event":
		return o.object("event") != nil
	case "usage.record":
		return o.object("usage") != nil
	case "turn.prompt", "turn.steer":
		return o.has("input")
	}
	return false
}

// kimi converts what Kimi CLI prints with --output-format stream-json, and the files
// of its sessions: context.jsonl, and wire.jsonl as Kimi CLI and Kimi Code keep it.
type kimi struct {
	text         pieces
	called, done recent[struct{}]
	prompts      recent[int] // how often a text was told as a prompt, and not yet as a message
	moments      recent[int] // how many usage records have a time
	wire         kimiWire
}

func (k *kimi) object(o object, out *output) bool {
	if message := o.object("params"); o.text("method") == "event" || o.text("method") == "request" {
		return k.legacy(message, out) // kimi --wire
	}
	if isKimiLegacyWire(o) {
		out.at = seconds(o.amount("timestamp"))
		return k.legacy(o.object("message"), out)
	}
	if strings.Contains(o.text("type"), ".") && o.text("role") == "" || o.text("type") == "metadata" || o.text("type") == "forked" {
		return k.record(o, out)
	}
	role := o.text("role")
	if role == "" || o.has("type") && role != "meta" {
		return false
	}
	k.text.flush(out)
	return k.message(role, o, out)
}

// message converts a message as chat completions have it.
func (k *kimi) message(role string, o object, out *output) bool {
	agent := cmp.Or(out.origin.Agent, "Kimi CLI")
	if role == "meta" { // which Kimi CLI does not print
		agent = "Kimi Code"
	}
	out.begin(Origin{Agent: agent})
	switch role {
	case "assistant":
		k.assistant(o, out)
	case "tool":
		text, parts := contentText(o.value("content"))
		k.result(result{id: o.text("tool_call_id"), success: !isKimiError(text), output: text, more: data(nil).raw("parts", parts)}, out)
	case "user":
		text, parts := contentText(o.value("content"))
		actor := eventlog.Human
		if strings.HasPrefix(strings.TrimSpace(text), "<system") {
			actor = eventlog.System
		}
		out.user(actor, text, parts)
	case "system", "_system_prompt":
		text, _ := contentText(o.value("content"))
		out.user(eventlog.System, text, nil)
	case "meta":
		return k.meta(o, out)
	case "_checkpoint", "_usage":
		// Marks of the program; the tokens are those that the context has.
	default:
		return false
	}
	return true
}

func (k *kimi) assistant(o object, out *output) {
	out.says(eventlog.TypeThought, o.text("reasoning_content"))
	blocks := o.list("content")
	if blocks == nil {
		out.says(eventlog.TypeAssistant, o.text("content"))
	}
	for _, raw := range blocks {
		k.part(raw, out)
	}
	calls := o.list("tool_calls")
	if calls == nil {
		calls = o.list("toolCalls")
	}
	for _, raw := range calls {
		k.call(parseObject(raw), out)
	}
	if len(calls) == 0 {
		out.rested()
	}
}

// part converts a part of a message that is whole.
func (k *kimi) part(raw json.RawMessage, out *output) {
	part := parseObject(raw)
	if part.text("type") == "think" {
		out.says(eventlog.TypeThought, part.text("think"))
		return
	}
	out.saysBlock(raw)
}

// call tells a call once.
func (k *kimi) call(o object, out *output) {
	f := o.object("function")
	if f == nil {
		f = o
	}
	if id := o.text("id", "toolCallId"); first(&k.called, out.parent+"/"+id) || id == "" {
		out.call(id, f.text("name"), cmpRaw(f.value("arguments"), f.value("args")))
	}
}

func (k *kimi) result(r result, out *output) {
	if first(&k.done, out.parent+"/"+r.id) || r.id == "" {
		out.exit(&r)
		out.result(r)
	}
}

// isKimiError: a result has no field for it. Kimi writes errors as such.
func isKimiError(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "<system>ERROR") || strings.HasPrefix(text, "Error:")
}

func (k *kimi) meta(o object, out *output) bool {
	switch o.text("type") {
	case "session.resume_hint":
		out.begin(Origin{Session: o.text("session_id")})
		out.done()
	case "system.version":
		out.begin(Origin{Version: o.text("version")})
	case "turn.step.retrying":
		k.retry(o, out)
	default:
		return false
	}
	return true
}

func (k *kimi) retry(o object, out *output) {
	out.error(fmt.Sprintf("The request failed (%s), try %g of %g", cmp.Or(o.text("error_message", "errorMessage"), o.text("error_name", "errorName"), "no reason told"),
		o.amount("next_attempt", "nextAttempt"), o.amount("max_attempts", "maxAttempts")), "retry")
}

// legacy converts a message of Kimi CLI's wire: {type, payload}.
func (k *kimi) legacy(o object, out *output) bool {
	kind, p := o.text("type"), o.object("payload")
	if p == nil {
		return false
	}
	if kind != "ContentPart" && kind != "ToolCallPart" && kind != "SubagentEvent" {
		k.text.flush(out)
	}
	out.begin(Origin{Agent: "Kimi CLI"})
	switch kind {
	case "TurnBegin", "SteerInput":
		text, parts := contentText(p.value("user_input"))
		out.user(eventlog.Human, text, parts)
	case "TurnEnd":
		out.done()
	case "StepInterrupted":
		out.reach(eventlog.Interrupted, "a step was interrupted")
	case "ContentPart":
		k.piece(o.value("payload"), p, out)
	case "ToolCall", "ToolCallRequest":
		k.wire.open(k, p, out)
		return true
	case "ToolCallPart":
		k.wire.more(p)
		return true
	case "ToolResult":
		k.wire.tell(k, out)
		value := p.object("return_value")
		if value == nil {
			value = p.object("result")
		}
		k.returned(p.text("tool_call_id"), value, out)
	case "StatusUpdate":
		id := cmp.Or(p.text("message_id"), idOf("kimi", fmt.Sprint(out.at.UnixMilli())))
		out.member(id, "", out.origin.Model, kimiUsage(p.object("token_usage")))
	case "SubagentEvent":
		k.wire.tell(k, out)
		known := true
		out.inside(p.text("parent_tool_call_id", "task_tool_call_id"), func() { known = k.legacy(p.object("event"), out) })
		return known
	case "ApprovalRequest":
		out.asks(question{
			id: p.text("id"), call: p.text("tool_call_id"), text: "Permission asked: " + p.text("description", "action"),
			more: data(nil).some("action", p.text("action")).some("request_id", p.text("id")),
		})
	case "ApprovalResponse", "ApprovalRequestResolved":
		out.decided(p.text("request_id"), p.text("response"), data(nil).some("request_id", p.text("request_id")).some("feedback", p.text("feedback")))
	case "QuestionRequest":
		for _, q := range questionsOf(p.list("questions")) {
			q.id, q.call = p.text("id"), p.text("tool_call_id")
			out.asks(q)
		}
	case "QuestionResponse":
		out.answered(p.text("request_id"))
	case "CompactionEnd":
		out.status("The conversation was compacted")
	case "Notification":
		out.note(eventlog.TypeStatus, strings.TrimSpace(p.text("title")+"\n"+p.text("body")), nil)
	case "PlanDisplay":
		out.note(eventlog.TypeStatus, "Plan\n\n"+p.text("content"), nil)
	case "HookResolved":
		if p.text("action") == "block" {
			out.note(eventlog.TypeGuardrail, "A hook blocked: "+p.text("target"), data(nil).some("reason", p.text("reason")))
		}
	case "StepBegin", "CompactionBegin", "HookTriggered", "MCPLoadingBegin", "MCPLoadingEnd":
	default:
		return false
	}
	return true
}

// piece takes a part of a message, which may be a piece of a text or all of it.
func (k *kimi) piece(raw json.RawMessage, part object, out *output) {
	k.wire.tell(k, out)
	switch part.text("type") {
	case "text":
		k.text.add(eventlog.TypeAssistant, "", part.text("text"), out)
	case "think":
		k.text.add(eventlog.TypeThought, "", part.text("think"), out)
	default:
		k.text.flush(out)
		k.part(raw, out)
	}
}

// returned converts the result of a tool: {is_error, output, message}.
func (k *kimi) returned(id string, value object, out *output) {
	text, parts := contentText(cmpRaw(value.value("output"), value.value("content")))
	if message := value.text("message"); message != "" && !strings.Contains(text, message) {
		text = strings.TrimSpace(text + "\n" + message)
	}
	k.result(result{
		id: id, success: !value.isTrue("is_error") && !value.isTrue("isError"), output: text, more: data(nil).raw("parts", parts),
	}, out)
}

func kimiUsage(u object) usage {
	return usage{
		input: u.amount("input_other", "inputOther"), output: u.amount("output"),
		cacheRead: u.amount("input_cache_read", "inputCacheRead"), cacheWrite: u.amount("input_cache_creation", "inputCacheCreation"),
	}
}

// kimiWire holds a call whose arguments come in pieces.
type kimiWire struct {
	id, name, args, parent string
	at                     time.Time
}

func (w *kimiWire) open(k *kimi, o object, out *output) {
	w.tell(k, out)
	f := o.object("function")
	if f == nil {
		f = o
	}
	*w = kimiWire{id: o.text("id"), name: f.text("name"), args: f.text("arguments"), parent: out.parent, at: out.at}
	if w.id == "" || json.Valid([]byte(w.args)) && w.args != "" {
		w.tell(k, out)
	}
}

func (w *kimiWire) more(o object) {
	if len(w.args) < mostPartial {
		w.args += o.text("arguments_part")
	}
}

func (w *kimiWire) tell(k *kimi, out *output) {
	if w.name == "" {
		return
	}
	call := *w
	*w = kimiWire{}
	k.text.flush(out)
	at, parent := out.at, out.parent
	out.at, out.parent = call.at, call.parent
	k.call(object{}.with("id", quote(call.id)).with("name", quote(call.name)).with("arguments", quote(call.args)), out)
	out.at, out.parent = at, parent
}

func (k *kimi) flush(out *output) { k.text.flush(out) }

func (k *kimi) end(out *output) {
	k.wire.tell(k, out)
	k.text.flush(out)
}

// seconds returns the time of a number of seconds since 1970.
func seconds(s float64) time.Time { return millis(math.Round(s * 1000)) }
