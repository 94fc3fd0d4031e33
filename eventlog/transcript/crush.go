package transcript

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"jrweb/eventlog"
)

// isCrush: the document of crush session show --json has what is known of the session
// as "meta", and messages whose parts are beside each other.
func isCrush(o object) bool {
	return o.object("meta") != nil && o.has("messages") && (o.object("meta").has("uuid") || o.object("meta").has("id"))
}

// crush converts crush session show --json.
type crush struct{ holdsNothing }

func (c *crush) object(o object, out *output) bool {
	if !isCrush(o) {
		return false
	}
	meta := o.object("meta")
	id := meta.text("uuid", "id")
	out.at = crushTime(meta, "created", "created_at")
	out.begin(Origin{Agent: "Crush", Session: id, Parent: meta.text("parent_session_id"), Dir: meta.text("cwd", "working_dir")})
	out.title(meta.text("title"))
	c.messages(o.list("messages"), out)
	out.at = crushTime(meta, "modified", "updated_at")
	// The tokens that Crush keeps are those of the last request, not of the session.
	out.cumulates(id, "", usage{usd: meta.amount("cost")})
	return true
}

func (c *crush) messages(messages []json.RawMessage, out *output) {
	for _, raw := range messages {
		m := parseObject(raw)
		if !m.has("role") {
			out.raw(string(raw), "a message of no known kind")
			continue
		}
		out.at = crushTime(m, "created", "created_at")
		if model := m.text("model"); model != "" && out.parent == "" {
			out.begin(Origin{Agent: "Crush", Model: model})
		}
		finished := false
		for _, part := range m.list("parts") {
			finished = c.part(m, part, out) || finished
		}
		if m.text("role") == "assistant" && !finished {
			out.working() // it was broken off
		}
	}
}

// part converts a part of a message, and reports whether it is the end of it.
func (c *crush) part(m object, raw json.RawMessage, out *output) bool {
	part := parseObject(raw)
	if d := part.object("data"); d != nil { // as the database has it
		part = d.with("type", part.value("type"))
	}
	person := m.text("role") == "user"
	switch part.text("type") {
	case "text":
		if person {
			out.user(eventlog.Human, part.text("text"), nil)
		} else {
			out.says(eventlog.TypeAssistant, part.text("text"))
		}
	case "reasoning":
		out.says(eventlog.TypeThought, part.text("thinking", "text"))
	case "tool_call":
		id := part.text("tool_call_id", "id")
		out.call(id, part.text("name"), part.value("input"))
		c.subagents(id, part, out)
	case "tool_result":
		text, parts := contentText(part.value("content"))
		if image, isImage := imageOf(part); isImage && parts == nil {
			text, parts = withImages(text, []json.RawMessage{image}), partsOf([]json.RawMessage{image})
		}
		r := result{id: part.text("tool_call_id"), tool: part.text("name"), success: !part.isTrue("is_error"), output: text, more: data(nil).raw("parts", parts)}
		out.exit(&r)
		out.result(r)
	case "binary", "image_url":
		text, parts := contentText(crushImage(part, raw))
		if person {
			out.user(eventlog.Human, text, parts)
		} else {
			out.saysWith(eventlog.TypeAssistant, text, parts)
		}
	case "finish":
		c.finish(part, out)
		return true
	default:
		out.raw(string(raw), "a part of a message of no known type")
	}
	return false
}

// subagents converts the messages of the agents that a call started.
func (c *crush) subagents(id string, part object, out *output) {
	at := out.at
	out.inside(id, func() {
		c.messages(part.object("sub_agent").list("messages"), out)
		for _, raw := range part.list("workflow_agents") {
			c.messages(parseObject(raw).list("messages"), out)
		}
	})
	out.at = at
}

func (c *crush) finish(part object, out *output) {
	if at := part.amount("time"); at > 0 {
		out.at = seconds(at)
	}
	message := cmp.Or(part.text("message"), part.text("details"))
	switch reason := part.text("reason"); reason {
	case "end_turn":
		out.done()
	case "canceled", "cancelled", "permission_denied":
		out.canceled(cmp.Or(message, strings.ReplaceAll(reason, "_", " ")))
	case "error", "max_tokens":
		out.error(cmp.Or(message, "the turn ended: "+reason), reason)
		out.failed(cmp.Or(message, reason))
	}
}

// crushImage returns the block of a file that a message has. Crush writes its members
// with capitals.
func crushImage(part object, raw json.RawMessage) json.RawMessage {
	if encoded := part.text("Data"); encoded != "" {
		return data(nil).text("type", part.text("type")).text("mimeType", part.text("MIMEType")).text("data", encoded).object()
	}
	return raw
}

// crushTime reads a time that is a text, or a number of seconds.
func crushTime(o object, names ...string) time.Time {
	for _, name := range names {
		if s, told := o.number(name); told && s < 1e11 {
			return seconds(s)
		}
	}
	return o.time(names...)
}
