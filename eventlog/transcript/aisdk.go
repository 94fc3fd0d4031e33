package transcript

import (
	"cmp"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// isAISDK: the parts of a message stream, each with the member that names what it is
// a part of.
func isAISDK(o object) bool {
	switch o.text("type") {
	case "text-start", "text-delta", "text-end", "reasoning-start", "reasoning-delta", "reasoning-end":
		return o.has("id") && !o.has("sessionID")
	case "tool-input-start", "tool-input-delta", "tool-input-available", "tool-input-error", "tool-output-available", "tool-output-error",
		"tool-output-denied", "tool-approval-request":
		return o.has("toolCallId")
	case "start":
		return o.has("messageId") && !o.has("sessionID")
	}
	return false
}

// aiSDK converts the UI message stream of Vercel's AI SDK (version 5 and later).
type aiSDK struct {
	text         pieces
	called, done recent[struct{}]
	message      string
	failed       bool
}

func (a *aiSDK) object(o object, out *output) bool {
	kind := o.text("type")
	switch kind {
	case "text-delta", "reasoning-delta":
	case "error", "abort":
		a.text.cut(out)
	default:
		a.text.flush(out)
	}
	id := o.text("toolCallId")
	switch kind {
	case "start":
		a.message, a.failed = o.text("messageId"), false
		out.begin(Origin{Agent: "AI SDK", Session: o.object("messageMetadata").text("sessionId", "threadId", "chatId"), Model: o.object("messageMetadata").text("model")})
		out.working()
	case "text-delta":
		a.text.add(eventlog.TypeAssistant, o.text("id"), o.text("delta", "textDelta"), out)
	case "reasoning-delta":
		a.text.add(eventlog.TypeThought, o.text("id"), o.text("delta", "textDelta"), out)
	case "tool-input-available":
		a.call(o, o.value("input"), out)
	case "tool-input-error":
		a.call(o, o.value("input"), out)
		a.result(result{id: id, tool: o.text("toolName"), output: o.text("errorText")}, out)
	case "tool-output-available":
		if o.isTrue("preliminary") {
			return true // the last one comes without it
		}
		text, parts, failed := toolOutput(o.value("output"))
		r := result{id: id, success: !failed, output: text}
		if code, told := o.object("output").number("exitCode"); told {
			r.success, r.more = r.success && code == 0, r.more.number("exit_code", code)
		}
		r.more = withMore(r.more, data(nil).raw("parts", parts))
		a.result(r, out)
	case "tool-output-error":
		a.result(result{id: id, output: o.text("errorText")}, out)
	case "tool-output-denied":
		out.note(eventlog.TypeGuardrail, "Denied", data(nil).some("denied_call_id", id))
		a.result(result{id: id, output: "denied"}, out)
	case "tool-approval-request":
		tool, _ := out.tools.get(id)
		out.asks(question{id: o.text("approvalId"), call: id, text: strings.TrimSpace("Permission asked for " + cmp.Or(tool, "a call"))})
	case "error":
		message := cmp.Or(o.text("errorText", "error"), "the stream told of an error")
		out.error(message, "")
		out.failed(message)
		a.failed = true
	case "abort":
		out.canceled(cmp.Or(o.text("reason"), "aborted"))
		a.failed = true
	case "finish":
		a.finish(o, out)
	case "file":
		if part, isImage := imageOf(o.only("url", "mediaType").with("type", json.RawMessage(`"image"`))); isImage {
			out.saysWith(eventlog.TypeAssistant, "[image]", partsOf([]json.RawMessage{part}))
		} else {
			out.note(eventlog.TypeStatus, "File: "+beginning(o.text("url"), 1<<10), data(nil).some("media_type", o.text("mediaType")))
		}
	case "source-url", "source-document":
		out.note(eventlog.TypeStatus, "Source: "+cmp.Or(o.text("url"), o.text("title")), data(nil).some("title", o.text("title")))
	case "message-metadata":
		out.begin(Origin{Model: o.object("messageMetadata").text("model")})
		a.usage(o.object("messageMetadata"), out)
	case "text-start", "text-end", "reasoning-start", "reasoning-end", "tool-input-start", "tool-input-delta", "start-step", "finish-step":
	default:
		if !strings.HasPrefix(kind, "data-") {
			return false
		}
		if !o.isTrue("transient") {
			out.note(eventlog.TypeStatus, "Data: "+strings.TrimPrefix(kind, "data-"), data(nil).raw("data", o.value("data")))
		}
	}
	return true
}

func (a *aiSDK) call(o object, args json.RawMessage, out *output) {
	if id := o.text("toolCallId"); first(&a.called, id) {
		out.call(id, o.text("toolName"), args)
	}
}

func (a *aiSDK) result(r result, out *output) {
	if first(&a.done, r.id) {
		out.result(r)
	}
}

func (a *aiSDK) finish(o object, out *output) {
	a.usage(o.object("messageMetadata"), out)
	switch reason := o.text("finishReason"); reason {
	case "error", "content-filter", "length":
		if !a.failed {
			out.error("the message ended: "+reason, reason)
			out.failed("the message ended: " + reason)
		}
	case "tool-calls":
		// The program goes on.
	default:
		if !a.failed && !out.waits() {
			out.done()
		}
	}
}

// usage counts a message, if the server says what it cost.
func (a *aiSDK) usage(meta object, out *output) {
	u := meta.object("totalUsage")
	if u == nil {
		u = meta.object("usage")
	}
	if u != nil && a.message != "" {
		read := u.amount("cachedInputTokens")
		out.member(a.message, "", cmp.Or(meta.text("model"), out.origin.Model), usage{input: max(0, u.amount("inputTokens")-read), output: u.amount("outputTokens"), cacheRead: read})
	}
}

func (*aiSDK) flush(*output) {}

func (a *aiSDK) end(out *output) { a.text.cut(out) }

// toolOutput returns what a tool gave back, which may be anything, and whether it says
// that it is an error.
func toolOutput(raw json.RawMessage) (text string, parts json.RawMessage, failed bool) {
	if o := parseObject(raw); o != nil {
		failed = o.isTrue("isError") || o.isTrue("is_error")
		if o.hasList("content") {
			text, parts = contentText(o.value("content"))
			return text, parts, failed
		}
		switch kind := o.text("type"); {
		case kind == "":
			return string(raw), nil, failed
		case o.has("value") && (kind == "content" || kind == "text" || kind == "error-text"): // as the model gets it
			text, parts = contentText(o.value("value"))
			return text, parts, failed || kind == "error-text"
		}
	}
	text, parts = contentText(raw)
	return text, parts, failed
}
