package transcript

import (
	"bytes"
	"strconv"
	"strings"

	"jrweb/eventlog"
)

// isClaude: what looks like Claude Code's and is of no program that took after it.
func isClaude(o object) bool {
	o = recorded(o)
	return isClaudeLike(o) && !isClaudeSession(o) && !isAmp(o) && !isCursor(o) && !isQwen(o) && !isQwenSession(o) && !isPlainMessage(o)
}

// isPlainMessage: a text that Cursor prints in the same way.
func isPlainMessage(o object) bool {
	nested := o.value("parent_tool_use_id") != nil
	m := o.object("message")
	return m != nil && !nested && !o.has("uuid") && !m.has("id") && !bytes.Contains(m.value("content"), []byte("tool_"))
}

func isClaudeLike(o object) bool {
	o = recorded(o)
	switch o.text("type") {
	case "system":
		return o.text("subtype") != "" && o.has("session_id") && !isDroid(o) && !o.has("qwen_code_version")
	case "assistant", "user":
		return o.object("message") != nil && (o.has("session_id") || o.has("uuid"))
	case "result":
		return o.has("session_id") && (o.has("subtype") || o.has("is_error")) && !isAuggie(o)
	case "stream_event":
		return o.object("event") != nil
	case "control_request", "control_response":
		return o.object("request") != nil || o.object("response") != nil
	case "rate_limit_event":
		return true
	}
	return false
}

// recorded returns the agent's line in a line of a program that records what it
// receives from the agent: {timestamp, direction, message}. Any other line is
// returned as it is.
func recorded(o object) object {
	line := o.object("message")
	if o.has("type") || !o.has("direction") || !line.has("type") {
		return o
	}
	if !line.has("timestamp") {
		line = line.with("timestamp", o.value("timestamp"))
	}
	return line
}

// claude converts Claude Code's stream-json, with and without partial messages, and
// what --output-format json prints, which are the same lines in an array, or the last
// of them. Amp's lines are the same on purpose.
type claude struct {
	agent    string
	messages claudeMessages
	notices  claudeNotices
	costs    claudeCosts
	current  recent[string]   // message id of a parent's stream events
	seen     recent[struct{}] // uuids of lines
}

func (c *claude) object(o object, out *output) bool {
	o = recorded(o)
	out.at, out.parent = o.time("timestamp"), o.text("parent_tool_use_id")
	session := o.text("session_id")
	switch kind := o.text("type"); kind {
	case "assistant", "user":
		c.meet(session, out)
		if uuid := o.text("uuid"); uuid != "" && !first(&c.seen, uuid) {
			return true // told again, as when a client asks for a replay
		}
		if kind == "user" {
			return c.messages.user(o, o.object("message"), out)
		}
		return c.assistant(o, session, out)
	case "stream_event":
		return c.stream(o.object("event"), session, out)
	case "result":
		c.meet(session, out)
		if uuid := o.text("uuid"); uuid == "" || first(&c.seen, uuid) {
			c.result(o, session, out)
		}
		return true
	case "system":
		return c.system(o, out)
	case "rate_limit_event":
		info := o.object("rate_limit_info")
		if status := info.text("status"); status != "" && status != "allowed" {
			out.note(eventlog.TypeStatus, "Rate limit: "+status, data(nil).raw("rate_limit", o.value("rate_limit_info")))
		}
		return true
	case "attachment":
		return c.messages.attachment(o, out)
	case "control_request":
		return c.asked(o, out)
	}
	return c.notices.line(o, &c.messages, out)
}

// meet names the session where no first line did: the transcript may begin later.
func (c *claude) meet(session string, out *output) {
	if session != "" && out.origin.Session == "" {
		out.begin(Origin{Agent: c.agent, Session: session})
	}
}

func (c *claude) assistant(o object, session string, out *output) bool {
	m := o.object("message")
	model := m.text("model")
	if model == syntheticModel {
		model = ""
	}
	if model != "" && model != out.origin.Model && out.parent == "" && claudeModel(model) != claudeModel(out.origin.Model) {
		out.begin(Origin{Agent: c.agent, Model: model})
	}
	out.working() // until a result says that the turn has ended
	known := c.messages.assistant(o, m, out)
	if model != "" || c.agent == amp {
		c.costs.message(c.agent, session, m, model, claudeUsage(m.object("usage")), out)
	}
	return known
}

// stream converts a piece of a message, which comes as a whole later.
func (c *claude) stream(event object, session string, out *output) bool {
	parent := out.parent
	index := strconv.Itoa(int(event.amount("index")))
	switch event.text("type") {
	case "message_start":
		m := event.object("message")
		c.messages.partial.restOf(parent, out) // of a message that was broken off
		c.current.put(parent, m.text("id"))
		c.costs.message(c.agent, session, m, m.text("model"), claudeUsage(m.object("usage")), out)
	case "content_block_delta":
		id, _ := c.current.get(parent)
		d := event.object("delta")
		if text := d.text("text"); text != "" {
			c.messages.partial.add(id+"/"+index, eventlog.TypeAssistant, parent, text)
		}
		if text := d.text("thinking"); text != "" {
			c.messages.partial.add(id+"/"+index, eventlog.TypeThought, parent, text)
		}
	case "message_delta":
		if id, known := c.current.get(parent); known {
			c.costs.grow(id, claudeUsage(event.object("usage")), out)
		}
	case "content_block_start", "content_block_stop", "message_stop", "ping":
	default:
		return false
	}
	return true
}

func (c *claude) system(o object, out *output) bool {
	if o.text("subtype") != "init" {
		return c.notices.system(o, &c.messages, out)
	}
	out.begin(Origin{
		Agent: c.agent, Version: o.text("claude_code_version", "amp_version", "version"),
		Model: o.text("model"), Session: o.text("session_id"), Dir: o.text("cwd"),
	})
	out.working()
	return true
}

// asked converts what the agent asks the program around it.
func (c *claude) asked(o object, out *output) bool {
	request := o.object("request")
	sub := request.text("subtype")
	switch sub {
	case "can_use_tool":
		askedForTool(request, o.text("request_id"), out)
		return true
	case "elicitation":
		out.asks(question{
			id: o.text("request_id"), text: "An MCP server asks: " + request.text("message"),
			more: data(nil).some("server", request.text("mcp_server_name")).some("request_id", o.text("request_id")),
		})
		return true
	case "initialize", "interrupt", "hook_callback", "stop_task", "end_session", "rewind_files", "apply_flag_settings":
		return true
	}
	verb, _, _ := strings.Cut(sub, "_")
	switch verb {
	case "set", "get", "list", "mcp", "reload", "update", "cancel":
		return true // the program sets the agent up, or looks at it
	}
	return false
}

// askedForTool tells that a person must allow a call. A call that asks something itself
// has been told.
func askedForTool(request object, id string, out *output) {
	call := request.text("tool_use_id")
	for _, q := range out.progress.asked {
		if call != "" && q.call == call {
			return
		}
	}
	out.asks(question{
		id: id, call: call, text: "Permission asked for " + request.text("tool_name"),
		more: data(nil).some("tool", request.text("tool_name")).raw("args", request.value("input")).some("request_id", id),
	})
}

func (*claude) flush(*output) {}

func (c *claude) end(out *output) { c.messages.partial.rest(out) }
