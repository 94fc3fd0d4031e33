package transcript

import (
	"strings"

	"jrweb/eventlog"
)

func isClaudeSession(o object) bool {
	switch o.text("type") {
	case "user", "assistant":
		return o.object("message") != nil && (o.has("parentUuid") || o.has("isSidechain") || o.has("sessionId"))
	case "summary":
		return o.has("leafUuid")
	case "file-history-snapshot", "queue-operation", "custom-title", "ai-title", "agent-name", "last-prompt", "pr-link":
		return true
	case "system", "progress", "attachment", "mode", "permission-mode":
		return o.has("sessionId")
	}
	return false
}

// claudeSession converts the files that Claude Code keeps of its sessions. Lines
// form a tree by parentUuid; they are taken in the order of the file, which is the
// order in which things happened.
type claudeSession struct {
	holdsNothing
	messages claudeMessages
	counted  recent[usage]  // by message id
	prompts  recent[string] // the call that started a subagent with this prompt
	chains   recent[string] // the call that a line's subagent works for, by uuid
	seen     recent[struct{}]
}

func (c *claudeSession) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	switch o.text("type") {
	case "user", "assistant":
		if id := o.text("sessionId"); id != "" {
			out.begin(Origin{Agent: "Claude Code", Version: o.text("version"), Session: id, Dir: o.text("cwd"), Branch: o.text("gitBranch")})
		}
		if !first(&c.seen, o.text("uuid")) {
			return true // a resumed session begins with a copy of the one before
		}
		return c.message(o, c.parent(o), out)
	case "progress":
		// What a subagent does may stand in its caller's file.
		switch o.object("data").text("type") {
		case "agent_progress":
			line, call := o.object("data").object("message"), o.text("parentToolUseID")
			if line.object("message") == nil || call == "" || !first(&c.seen, line.text("uuid")) {
				return true
			}
			return c.message(line, call, out)
		case "bash_progress", "hook_progress", "mcp_progress", "query_update", "search_results_received", "waiting_for_task":
			return true // the result has all of it
		}
	case "system":
		return c.system(o, out)
	case "attachment":
		kind := o.object("attachment").text("type")
		out.note(eventlog.TypeStatus, strings.TrimSpace("Attachment "+kind), data(nil).raw("attachment", o["attachment"]))
		return true
	case "pr-link":
		out.note(eventlog.TypeStatus, "Pull request "+o.text("prUrl", "url"), nil)
		return true
	case "summary", "custom-title", "ai-title", "agent-name", "agent-color", "file-history-snapshot",
		"queue-operation", "mode", "permission-mode", "last-prompt", "tag":
		return true
	}
	return false
}

func (c *claudeSession) message(o object, call string, out *output) (known bool) {
	m := o.object("message")
	model := m.text("model")
	if model == "<synthetic>" {
		model = ""
	}
	if model != "" && call == "" {
		out.begin(Origin{Agent: "Claude Code", Model: model})
	}
	out.inside(call, func() {
		if o.text("type") == "user" {
			known = c.messages.user(o, m, out)
			return
		}
		known = c.messages.assistant(o, m, out)
		for _, raw := range m.list("content") {
			block := parseObject(raw)
			if prompt := block.object("input").text("prompt"); prompt != "" {
				c.prompts.put(prompt, block.text("id"))
			}
		}
	})
	if known && model != "" {
		c.cost(m.text("id"), model, claudeUsage(m.object("usage")), out)
	}
	return known
}

// cost counts a message once, although all of its lines repeat its usage, some
// before it is known in full.
func (c *claudeSession) cost(id, model string, u usage, out *output) {
	u = u.clamped()
	was, _ := c.counted.get(id)
	if id != "" {
		c.counted.put(id, was.most(u))
	}
	out.cost(model, delta, u.since(was), nil)
}

// parent returns the call whose subagent a line of a side chain belongs to: such a
// chain begins with the prompt that the call gave.
func (c *claudeSession) parent(o object) string {
	if !o.isTrue("isSidechain") {
		return ""
	}
	call, known := c.chains.get(o.text("parentUuid"))
	if !known {
		text, _ := contentText(o.object("message")["content"])
		call, _ = c.prompts.get(text)
	}
	c.chains.put(o.text("uuid"), call)
	return call
}

func (c *claudeSession) system(o object, out *output) bool {
	switch o.text("subtype") {
	case "turn_duration", "stop_hook_summary", "away_summary":
	case "api_error":
		out.error(apiError(o), "api_error")
	case "compact_boundary", "microcompact_boundary":
		out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).raw("compaction", o["compactMetadata"]))
	default:
		text := o.text("content")
		if text == "" {
			return false
		}
		out.status(text)
	}
	return true
}

func apiError(o object) string {
	e := o.object("error")
	for range 4 { // errors are wrapped in errors
		if text := e.text("message"); text != "" {
			return text
		}
		e = e.object("error")
	}
	if text := o.text("content"); text != "" {
		return text
	}
	return string(o["error"])
}
