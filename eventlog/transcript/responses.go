package transcript

import (
	"cmp"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// isResponses: the events of a response have names of their own, and numbers.
func isResponses(o object) bool {
	return strings.HasPrefix(o.text("type"), "response.") &&
		(o.has("sequence_number") || o.object("response") != nil || o.object("item") != nil || o.has("item_id")) ||
		o.text("object") == "response" && o.has("output")
}

// responses converts the stream of OpenAI's Responses API, and a response as a whole.
// Results of tools are not in it: they go to the model with the next request.
type responses struct {
	text  pieces
	items recent[struct{}] // told
	open  bool             // a call waits for its result
}

func (r *responses) object(o object, out *output) bool {
	if o.text("object") == "response" && o.text("type") == "" {
		return r.whole(o, out)
	}
	kind := o.text("type")
	switch kind {
	case "response.created", "response.in_progress", "response.queued":
		if kind == "response.created" {
			r.open = false
		}
		r.begin(o.object("response"), out)
		out.working()
	case "response.output_text.delta", "response.refusal.delta":
		r.text.add(eventlog.TypeAssistant, o.text("item_id"), o.text("delta"), out)
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		r.text.add(eventlog.TypeThought, o.text("item_id")+string(o.value("summary_index")), o.text("delta"), out)
	case "response.output_item.done":
		return r.item(o.object("item"), out)
	case "response.completed", "response.incomplete", "response.failed", "response.cancelled":
		r.ended(o.object("response"), strings.TrimPrefix(kind, "response."), out)
	case "error", "response.error":
		e := o.object("error")
		message := cmp.Or(o.text("message"), e.text("message"), "the response failed")
		r.text.cut(out)
		out.error(message, cmp.Or(o.text("code"), e.text("code", "type")))
		out.failed(message)
	default:
		return isResponsesPiece(kind)
	}
	return true
}

// isResponsesPiece: pieces and states of what is told when it is done.
func isResponsesPiece(kind string) bool {
	if !strings.HasPrefix(kind, "response.") {
		return kind == "keepalive" || kind == "ping"
	}
	for _, end := range []string{".added", ".delta", ".done", ".in_progress", ".searching", ".completed", ".interpreting", ".generating", ".partial_image", ".failed"} {
		if strings.HasSuffix(kind, end) {
			return true
		}
	}
	return false
}

func (r *responses) begin(o object, out *output) {
	out.begin(Origin{Agent: "OpenAI Responses", Model: o.text("model"), Session: cmp.Or(textOf(o.value("conversation")), o.object("conversation").text("id"))})
}

// item converts what the model made, as a whole.
func (r *responses) item(item object, out *output) bool {
	if item == nil {
		return false
	}
	id := item.text("id")
	if id != "" && !first(&r.items, id) {
		r.text.drop()
		return true
	}
	r.out(item.text("type"), id, item, out)
	return true
}

func (r *responses) out(kind, id string, item object, out *output) {
	call := item.text("call_id")
	switch kind {
	case "message":
		r.text.drop()
		if item.text("role") == "user" {
			text, parts := contentText(item.value("content"))
			out.user(eventlog.Human, text, parts)
			return
		}
		for _, raw := range item.list("content") {
			if refusal := parseObject(raw).text("refusal"); refusal != "" {
				out.says(eventlog.TypeAssistant, refusal)
				continue
			}
			text, parts := contentText(raw)
			out.saysWith(eventlog.TypeAssistant, text, parts)
		}
	case "reasoning":
		r.text.drop()
		text, _ := contentText(item.value("summary"))
		if content, _ := contentText(item.value("content")); content != "" {
			text = content
		}
		out.says(eventlog.TypeThought, text)
	case "function_call", "custom_tool_call":
		r.text.flush(out)
		out.call(cmp.Or(call, id), item.text("name"), cmpRaw(item.value("arguments"), item.value("input")))
		r.open = true
	case "local_shell_call", "shell_call", "apply_patch_call", "computer_call":
		r.text.flush(out)
		out.call(cmp.Or(call, id), strings.TrimSuffix(kind, "_call"), cmpRaw(item.value("action"), cmpRaw(item.value("operation"), item.value("arguments"))))
		r.open = true
	case "function_call_output", "custom_tool_call_output", "local_shell_call_output", "shell_call_output", "apply_patch_call_output", "computer_call_output":
		text, parts, failed := toolOutput(item.value("output"))
		out.result(result{id: call, success: !failed && item.text("status") != "failed", output: text, more: data(nil).raw("parts", parts)})
	case "mcp_call":
		r.text.flush(out)
		out.call(id, item.text("name"), item.value("arguments"))
		failure := cmp.Or(item.text("error"), item.object("error").text("message"))
		out.result(result{id: id, success: failure == "" && item.text("status") != "failed", output: cmp.Or(item.text("output"), failure)})
	case "web_search_call", "file_search_call", "code_interpreter_call":
		r.text.flush(out)
		args := item.value("action")
		if len(args) == 0 {
			args = data(nil).raw("queries", item.value("queries")).some("code", item.text("code")).object()
		}
		out.call(id, strings.TrimSuffix(kind, "_call"), args)
		text, parts := contentText(cmpRaw(item.value("outputs"), item.value("results")))
		if text == "null" {
			text = ""
		}
		out.result(result{id: id, success: item.text("status") == "completed" || item.text("status") == "", output: text, more: data(nil).raw("parts", parts)})
	case "image_generation_call":
		r.text.flush(out)
		part := imagePart("image/"+cmp.Or(item.text("output_format"), "png"), item.text("result"))
		out.saysWith(eventlog.TypeAssistant, "[image]", partsOf([]json.RawMessage{part}))
	case "mcp_approval_request":
		out.asks(question{id: id, text: "Permission asked for " + item.text("name"), more: data(nil).raw("args", argsOf(item.value("arguments")))})
	case "mcp_list_tools", "compaction":
	default:
		out.raw(string(data(nil).text("type", kind).some("id", id).object()), "an item of no known type")
	}
}

// ended converts the end of a response, which has all of its items again.
func (r *responses) ended(o object, status string, out *output) {
	r.begin(o, out)
	for _, raw := range o.list("output") {
		if item := parseObject(raw); item.text("id") != "" { // without an id it was told
			r.item(item, out)
		}
	}
	r.text.cut(out)
	switch status {
	case "completed":
		if !r.open && !out.waits() {
			out.done()
		}
	case "cancelled":
		out.canceled("the response was canceled")
	default:
		message := cmp.Or(o.object("error").text("message"), o.object("incomplete_details").text("reason"), "the response is "+status)
		out.error(message, cmp.Or(o.object("error").text("code"), status))
		out.failed(message)
	}
	u := o.object("usage")
	in := u.object("input_tokens_details")
	read, written := in.amount("cached_tokens"), in.amount("cache_write_tokens", "cache_creation_tokens")
	out.member(o.text("id"), "", cmp.Or(o.text("model"), out.origin.Model), usage{
		input: max(0, u.amount("input_tokens")-read-written), output: u.amount("output_tokens"), cacheRead: read, cacheWrite: written,
	})
}

// whole converts a response that was not streamed.
func (r *responses) whole(o object, out *output) bool {
	out.at = seconds(o.amount("created_at"))
	r.begin(o, out)
	r.open = false
	for _, raw := range o.list("output") {
		r.item(parseObject(raw), out)
	}
	r.ended(o.only("id", "model", "usage", "error", "incomplete_details"), o.text("status"), out)
	return true
}

func (*responses) flush(*output) {}

func (r *responses) end(out *output) { r.text.cut(out) }
