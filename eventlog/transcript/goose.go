package transcript

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"jrweb/eventlog"
)

// isGoose: messages tell their time in seconds as "created"; the first line of a
// session's file counts them.
func isGoose(o object) bool {
	switch o.text("type") {
	case "":
		_, counts := o.number("message_count")
		return isGooseMessage(o) || counts && (o.has("working_dir") || o.has("description")) ||
			(o.has("conversation") && o.has("working_dir")) || len(o.list("messages")) > 0 && isGooseMessage(parseObject(o.list("messages")[0]))
	case "message":
		return isGooseMessage(o.object("message")) && !o.has("timestamp")
	case "notification":
		return o.has("extension_id")
	case "complete":
		told := o.value("total_tokens") != nil
		return told
	}
	return false
}

func isGooseMessage(m object) bool {
	_, told := m.number("created")
	return told && m.has("role") && m.hasList("content") && !m.has("object")
}

// goose converts the files that Goose keeps of its sessions (JSON lines), what
// session export makes of them (one document), and run --output-format stream-json,
// whose messages come in pieces.
type goose struct {
	text pieces
}

func (g *goose) object(o object, out *output) bool {
	switch o.text("type") {
	case "message":
		return g.message(o.object("message"), true, out)
	case "notification":
		if text := o.text("message"); text != "" {
			g.text.flush(out)
			out.note(eventlog.TypeStatus, text, data(nil).some("extension", o.text("extension_id")))
		}
	case "error":
		g.text.cut(out)
		message := cmp.Or(o.text("error"), o.object("error").text("message"), o.text("message"), "the run failed")
		out.error(message, "")
		out.failed(message)
	case "complete":
		g.text.flush(out)
		g.usage(o, out)
		if out.progress.status != eventlog.Failed { // it is printed after an error, too
			out.done()
		}
	case "model_change":
		out.begin(Origin{Agent: "Goose", Model: o.text("model")})
	case "":
		if isGooseMessage(o) {
			return g.message(o, false, out)
		}
		return g.session(o, out)
	default:
		return false
	}
	return true
}

// session converts the first line of a session's file, or a document that is all of it.
func (g *goose) session(o object, out *output) bool {
	if !o.has("message_count") && !o.has("conversation") && !o.has("messages") {
		return false
	}
	out.begin(Origin{
		Agent: "Goose", Session: o.text("id"), Parent: o.text("parent_session_id"), Dir: o.text("working_dir"),
		Model: cmp.Or(o.object("model_config").text("model_name"), o.text("model")),
	})
	out.title(o.text("name", "description"))
	messages := o.list("conversation")
	if messages == nil {
		messages = o.list("messages")
	}
	for _, raw := range messages {
		if m := parseObject(raw); !isGooseMessage(m) || !g.message(m, false, out) {
			out.raw(string(raw), "a message of no known kind")
		}
	}
	u := usage{input: o.amount("accumulated_input_tokens"), output: o.amount("accumulated_output_tokens"), usd: o.amount("accumulated_cost")}
	if id := o.text("id"); id != "" {
		out.cumulates(id, out.origin.Model, u)
	} else {
		out.cost(out.origin.Model, cumulative, u, nil)
	}
	if m := o.object("metadata"); m.has("total_tokens") || m.has("status") {
		g.usage(m, out)
		if m.text("status") == "completed" {
			out.done()
		}
	}
	return true
}

// usage converts the totals of a run; what was cached is a part of its input. A run
// that tries again tells its totals so far again.
func (g *goose) usage(o object, out *output) {
	read, written := o.amount("cache_read_input_tokens"), o.amount("cache_write_input_tokens")
	out.cost(out.origin.Model, cumulative, usage{
		usd: o.amount("cost_usd", "total_cost_usd"), input: max(0, o.amount("input_tokens")-read-written),
		output: o.amount("output_tokens"), cacheRead: read, cacheWrite: written,
	}, nil)
}

func (g *goose) message(m object, inPieces bool, out *output) bool {
	if m == nil || !m.has("role") {
		return false
	}
	out.at = seconds(m.amount("created"))
	out.begin(Origin{Agent: "Goose", Model: m.object("metadata").object("inference").text("resolvedModel", "requestedModel")})
	person := m.text("role") == "user"
	shown, told := m.object("metadata").truth("userVisible")
	hidden := told && !shown
	called := false
	for _, raw := range m.list("content") {
		block := parseObject(raw)
		kind := block.text("type")
		if kind != "text" && kind != "thinking" {
			g.text.flush(out)
		}
		switch {
		case kind == "text" && !person && inPieces:
			g.text.add(eventlog.TypeAssistant, m.text("id"), block.text("text"), out)
		case kind == "thinking" && inPieces:
			g.text.add(eventlog.TypeThought, m.text("id"), block.text("thinking"), out)
		case kind == "thinking":
			out.says(eventlog.TypeThought, block.text("thinking"))
		case (kind == "text" || kind == "image") && person:
			text, parts := contentText(raw)
			actor := eventlog.Human
			if hidden {
				actor = eventlog.System
			}
			out.user(actor, text, parts)
		case kind == "text" || kind == "image":
			text, parts := contentText(raw)
			out.saysWith(eventlog.TypeAssistant, text, parts)
		default:
			if !g.block(kind, block, raw, out) {
				out.raw(string(raw), "a part of a message of no known type")
			}
		}
		called = called || strings.HasSuffix(kind, "oolRequest")
	}
	if !person && !called && !inPieces {
		out.rested()
	}
	return true
}

// block converts a part of a message that is not text.
func (g *goose) block(kind string, block object, raw json.RawMessage, out *output) bool {
	id := block.text("id")
	switch kind {
	case "toolRequest", "frontendToolRequest":
		call := block.object("toolCall")
		value := call.object("value")
		name := cmp.Or(value.text("name"), call.text("name"), "tool")
		out.call(id, name, cmpRaw(value.value("arguments"), call.value("arguments")))
		if message := call.text("error"); message != "" || call.text("status") == "error" {
			out.result(result{id: id, tool: name, output: message})
		}
	case "toolResponse":
		g.result(id, block.object("toolResult"), out)
	case "toolConfirmationRequest":
		out.asks(question{
			id: id, text: cmp.Or(block.text("prompt"), "Permission asked for "+block.text("toolName")),
			more: data(nil).some("tool", block.text("toolName")).raw("args", block.value("arguments")),
		})
	case "actionRequired":
		d := block.object("data")
		if d.text("actionType") == "elicitationResponse" {
			out.answered(d.text("id"))
			break
		}
		text := d.text("message", "prompt")
		if tool := d.text("toolName"); tool != "" {
			text = "Permission asked for " + tool
		}
		out.asks(question{id: d.text("id"), text: text, more: data(nil).raw("request", block.value("data"))})
	case "systemNotification":
		out.note(eventlog.TypeStatus, block.text("msg"), nil)
	case "redactedThinking", "conversationCompacted", "contextLengthExceeded", "summarizationRequested":
	default:
		return false
	}
	return true
}

// result converts what a tool gave back: {status: success, value: [blocks]}, where the
// value may be {content, isError}, or {status: error, error}.
func (g *goose) result(id string, answer object, out *output) {
	value := answer.value("value")
	failed := answer.text("status") == "error" || answer.isTrue("isError")
	if v := answer.object("value"); v != nil {
		failed = failed || v.isTrue("isError") || v.isTrue("is_error")
		value = cmpRaw(v.value("content"), value)
	}
	text, parts := contentText(gooseShown(value))
	text = cmp.Or(text, answer.text("error"))
	r := result{id: id, success: !failed, output: text, more: data(nil).raw("parts", parts)}
	out.exit(&r)
	out.result(r)
}

// gooseShown leaves out the copies of a result that are for the model or the person
// alone, when there is one for each of them.
func gooseShown(raw json.RawMessage) json.RawMessage {
	var shown []json.RawMessage
	blocks := listOf(raw)
	seen := map[string]bool{}
	for _, block := range blocks {
		o := parseObject(block)
		if text := o.text("text"); text != "" && seen[text] {
			continue
		} else if text != "" {
			seen[text] = true
		}
		shown = append(shown, block)
	}
	if len(shown) == len(blocks) {
		return raw
	}
	return partsOf(shown)
}

func (g *goose) flush(out *output) {
	g.text.flush(out)
	out.at = time.Time{}
}

func (*goose) end(*output) {}
