package transcript

import (
	"cmp"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// isDroid: the lines of Droid's stream name a session and what they are beside each
// other; the messages of its files have nothing around them that pi's have, which tell
// their own time.
func isDroid(o object) bool {
	switch o.text("type") {
	case "session_start":
		return o.has("id") && o.has("cwd") && (o.has("sessionTitle") || o.has("owner") || o.has("title"))
	case "message":
		if m := o.object("message"); m != nil {
			role := m.text("role")
			return (role == "user" || role == "assistant") && o.has("id") && o.has("timestamp") && m.has("content") &&
				!m.has("timestamp") && !m.has("usage") && !m.has("stopReason")
		}
		return o.has("session_id") && o.has("role") && o.has("text")
	case "tool_call":
		return o.has("toolName") && o.has("parameters")
	case "tool_result":
		return o.has("toolId") && o.has("value")
	case "reasoning":
		return o.has("session_id") && o.has("text")
	case "completion":
		return o.has("finalText")
	case "system":
		return o.text("subtype") == "init" && o.has("session_id") && o.has("tools") && !strings.HasPrefix(o.text("session_id"), "T-") &&
			!o.has("uuid") && !o.has("permissionMode") && !o.has("permission_mode") && !o.has("mcp_servers") && !o.has("apiKeySource") && !o.has("claude_code_version")
	}
	return false
}

// droid converts Factory Droid's stream-json, and the files that it keeps of its
// sessions.
type droid struct {
	holdsNothing
	messages     recent[struct{}]
	called, done recent[struct{}]
	said         string // the agent's last text, which the completion says again
}

func (d *droid) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	switch o.text("type") {
	case "session_start":
		out.begin(Origin{Agent: "Factory Droid", Session: o.text("id"), Dir: o.text("cwd"), Parent: o.text("parent", "parentSessionId", "parentId")})
		out.title(o.text("sessionTitle", "title"))
	case "system":
		if o.text("subtype") != "init" {
			return false
		}
		out.begin(Origin{Agent: "Factory Droid", Version: o.text("version"), Model: o.text("model"), Session: o.text("session_id"), Dir: o.text("cwd")})
		out.working()
	case "message":
		if m := o.object("message"); m != nil {
			return d.message(o, m, out)
		}
		return d.line(o, out)
	case "reasoning":
		if first(&d.messages, "reasoning "+o.text("id")) || o.text("id") == "" {
			out.says(eventlog.TypeThought, o.text("text"))
		}
	case "tool_call":
		d.call(o.text("id"), o.text("toolName", "toolId"), o.value("parameters"), out)
	case "tool_result":
		text, parts := contentText(cmpRaw(o.value("value"), o.value("error")))
		d.result(result{id: o.text("id"), tool: o.text("toolName", "toolId"), success: !o.isTrue("isError"), output: text, more: data(nil).raw("parts", parts)}, out)
	case "error":
		message := cmp.Or(o.text("message"), o.object("error").text("message"), o.text("error"), "the run failed")
		out.error(message, o.text("code", "source"))
		out.failed(message)
	case "completion":
		d.completion(o, out)
	case "todo_state":
		out.note(eventlog.TypeStatus, "Todo list", data(nil).raw("todos", cmpRaw(o.value("todos"), o.value("state"))))
	case "compaction_state", "session_compaction":
		out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).some("summary", o.text("summaryText", "summary")))
	case "session_end", "session_settings":
	default:
		return false
	}
	return true
}

// line converts a message of the stream.
func (d *droid) line(o object, out *output) bool {
	text, parts := contentText(cmpRaw(o.value("text"), o.value("content")))
	switch o.text("role") {
	case "user":
		out.user(droidActor(text), text, parts)
	case "assistant":
		if first(&d.messages, o.text("id")) {
			out.saysWith(eventlog.TypeAssistant, text, parts)
			out.rested()
			d.said = text
		}
	case "system":
		out.user(eventlog.System, text, nil)
	default:
		return false
	}
	return true
}

// message converts a message of a session's file.
func (d *droid) message(o, m object, out *output) bool {
	role := m.text("role")
	if role != "user" && role != "assistant" {
		return false
	}
	if !first(&d.messages, o.text("id")) {
		return true
	}
	if model := m.text("model", "modelId"); model != "" && role == "assistant" {
		out.begin(Origin{Agent: "Factory Droid", Model: model})
	}
	hidden := o.text("visibility") == "llm_only" || m.text("visibility") == "llm_only"
	blocks := m.list("content")
	if blocks == nil {
		blocks = []json.RawMessage{m.value("content")}
	}
	var called bool
	for _, raw := range blocks {
		called = d.block(role, hidden, raw, out) || called
	}
	if role == "assistant" && !called {
		out.rested()
	}
	return true
}

// block converts a part of a message, and reports whether it is a call.
func (d *droid) block(role string, hidden bool, raw json.RawMessage, out *output) bool {
	block := parseObject(raw)
	switch kind := block.text("type"); {
	case kind == "tool_use":
		d.call(block.text("id"), block.text("name"), block.value("input"), out)
		return true
	case kind == "tool_result":
		text, parts := contentText(block.value("content"))
		r := result{id: block.text("tool_use_id"), success: !block.isTrue("is_error"), output: text}
		r.more = r.more.raw("parts", parts)
		d.result(r, out)
	case kind == "thinking":
		out.says(eventlog.TypeThought, block.text("thinking"))
	case kind == "redacted_thinking":
	case role == "assistant":
		out.saysBlock(raw)
	default:
		text, parts := contentText(raw)
		actor := droidActor(text)
		if hidden {
			actor = eventlog.System
		}
		out.user(actor, text, parts)
	}
	return false
}

// droidActor: reminders of the program stand beside what a person says.
func droidActor(text string) eventlog.Actor {
	if strings.HasPrefix(strings.TrimSpace(text), "<system-reminder>") {
		return eventlog.System
	}
	return eventlog.Human
}

// call tells a call once: a stream tells it as it is asked for and as it is run.
func (d *droid) call(id, tool string, args json.RawMessage, out *output) {
	if first(&d.called, id) {
		out.call(id, tool, args)
	}
}

func (d *droid) result(r result, out *output) {
	if first(&d.done, r.id) {
		out.exit(&r)
		out.result(r)
	}
}

func (d *droid) completion(o object, out *output) {
	if text := o.text("finalText"); strings.TrimSpace(text) != strings.TrimSpace(d.said) {
		out.says(eventlog.TypeAssistant, text)
	}
	if failed := o.isTrue("isError") || o.isTrue("is_error") || o.has("error"); failed {
		message := cmp.Or(o.object("error").text("message"), o.text("error", "finalText"), "the run failed")
		out.error(message, "")
		out.failed(message)
	} else {
		out.done()
	}
	// Usage is of the process, which a completion ends.
	session := cmp.Or(o.text("session_id"), out.origin.Session)
	out.member(idOf("droid", session, string(o.value("timestamp"))), idOf(session, out.origin.Model), out.origin.Model, claudeUsage(o.object("usage")))
}
