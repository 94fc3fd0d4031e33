package transcript

import (
	"cmp"
	"strings"

	"jrweb/eventlog"
)

func isOpenCodeServer(o object) bool {
	if payload := o.object("payload"); payload != nil && o.has("directory") {
		o = payload
	}
	return strings.Contains(o.text("type"), ".") && o.object("properties") != nil
}

// openCodeServer converts the event stream of opencode's server, as JSON lines or
// as it comes over HTTP.
type openCodeServer struct {
	roles    recent[string]   // by message id
	models   recent[string]   // by message id
	done     recent[struct{}] // parts that were told
	called   recent[struct{}] // tool parts whose call was told
	thoughts recent[struct{}] // parts that are reasoning
	children recent[string]   // the call that a session works for
	partial  partials
}

func (c *openCodeServer) object(o object, out *output) bool {
	if payload := o.object("payload"); payload != nil && o.has("directory") {
		o = payload
	}
	p := o.object("properties")
	session := cmp.Or(p.text("sessionID"), p.object("part").text("sessionID"), p.object("info").text("sessionID"))
	out.parent, _ = c.children.get(session)
	out.at = p.time("time")
	switch kind := o.text("type"); kind {
	case "message.updated":
		c.message(p.object("info"), out)
	case "message.part.updated":
		return c.part(p.object("part"), out)
	case "message.part.delta":
		if p.text("field") == "text" {
			c.piece(p.text("partID"), p.text("messageID"), p.text("delta"), out)
		}
	case "session.error":
		if p.has("error") {
			openCodeError(p.object("error"), "", out)
		}
	case "session.idle":
		// A turn is over. It says nothing of how.
	case "session.status":
		status := p.object("status")
		if status.text("type") == "retry" {
			out.error(cmp.Or(status.text("message"), "the request is tried again"), "retry")
		}
	case "session.compacted":
		out.status("The conversation was compacted")
	case "permission.asked", "permission.updated":
		out.note(eventlog.TypeGuardrail, "Permission asked: "+p.text("title", "permission", "type"), data(nil).raw("request", permission(p)))
	case "permission.replied":
		out.note(eventlog.TypeGuardrail, "Permission: "+p.text("reply", "response"), nil)
	case "todo.updated":
		var lines []string
		for _, raw := range p.list("todos") {
			todo := parseObject(raw)
			mark := map[string]string{"completed": "[x] ", "in_progress": "[>] ", "cancelled": "[-] "}[todo.text("status")]
			lines = append(lines, cmp.Or(mark, "[ ] ")+todo.text("content"))
		}
		out.status("Plan:\n" + strings.Join(lines, "\n"))
	default:
		return isOpenCodeBookkeeping(kind)
	}
	return true
}

// isOpenCodeBookkeeping: what is known to tell nothing of the run that other events
// do not tell.
func isOpenCodeBookkeeping(kind string) bool {
	switch kind {
	case "server.connected", "server.heartbeat", "server.instance.disposed", "global.disposed",
		"session.created", "session.updated", "session.deleted", "session.diff",
		"message.removed", "message.part.removed",
		"file.edited", "file.watcher.updated", "lsp.updated", "lsp.client.diagnostics",
		"installation.updated", "installation.update-available", "project.updated", "vcs.branch.updated",
		"pty.created", "pty.updated", "pty.exited", "pty.deleted",
		"tui.prompt.append", "tui.command.execute", "tui.toast.show", "tui.session.select",
		"mcp.tools.changed", "command.executed":
		return true
	}
	return false
}

// permission is what a request for one tells.
func permission(o object) []byte {
	var d data
	for _, name := range []string{"id", "permission", "type", "title", "patterns", "pattern", "metadata", "tool", "callID"} {
		d = d.raw(name, o[name])
	}
	return d.object()
}

func (c *openCodeServer) message(info object, out *output) {
	id := info.text("id")
	c.roles.put(id, info.text("role"))
	if model := info.text("modelID"); model != "" {
		c.models.put(id, model)
		if out.parent == "" {
			out.at = info.object("time").time("created")
			out.begin(Origin{Agent: "opencode", Model: model, Session: info.text("sessionID")})
		}
	}
	if e := info.object("error"); e != nil && first(&c.done, "error "+id) {
		out.at = info.object("time").time("completed", "created")
		openCodeError(e, "", out)
	}
}

// piece keeps a piece of a part, in case that the whole of it never comes.
func (c *openCodeServer) piece(id, message, piece string, out *output) {
	if role, _ := c.roles.get(message); role == "user" {
		return
	}
	kind := eventlog.TypeAssistant
	if _, isThought := c.thoughts.get(id); isThought {
		kind = eventlog.TypeThought
	}
	c.partial.add(id, kind, out.parent, piece)
}

func (c *openCodeServer) part(part object, out *output) bool {
	id, message := part.text("id"), part.text("messageID")
	role, _ := c.roles.get(message)
	switch kind := part.text("type"); kind {
	case "text":
		if role == "user" {
			actor := eventlog.Human
			if part.isTrue("synthetic") {
				actor = eventlog.System
			}
			if part.text("text") != "" && first(&c.done, id) {
				out.user(actor, part.text("text"), nil)
			}
			return true
		}
		c.whole(eventlog.TypeAssistant, id, part, out)
	case "reasoning":
		c.thoughts.put(id, struct{}{})
		c.whole(eventlog.TypeThought, id, part, out)
	case "tool":
		c.tool(part, out)
	case "step-finish":
		if first(&c.done, id) {
			model, _ := c.models.get(message)
			openCodeCost(part, cmp.Or(model, out.origin.Model), out)
			if part.text("reason") == "stop" && out.parent == "" {
				out.done()
			}
		}
	case "retry":
		if first(&c.done, id) {
			e := part.object("error")
			out.error(cmp.Or(e.object("data").text("message"), e.text("name"), "the request is tried again"), "retry")
		}
	case "step-start", "snapshot", "patch", "file", "agent", "subtask", "compaction":
	default:
		return false
	}
	return true
}

// whole tells a part when it has ended. Before that it comes with less text.
func (c *openCodeServer) whole(kind, id string, part object, out *output) {
	if part.object("time").time("end").IsZero() {
		return
	}
	c.partial.whole(id, kind, out.parent)
	if first(&c.done, id) {
		openCodeSays(kind, part, out)
	}
}

func (c *openCodeServer) tool(part object, out *output) {
	id, state := part.text("callID"), part.object("state")
	status := state.text("status")
	if child := state.object("metadata").text("sessionId", "sessionID"); child != "" {
		c.children.put(child, id)
	}
	if status == "pending" {
		return // its input is not known yet
	}
	at := out.at
	if start := state.object("time").time("start"); !start.IsZero() {
		out.at = start
	}
	if first(&c.called, part.text("id")) {
		out.call(id, part.text("tool"), state["input"])
	}
	out.at = at
	if (status == "completed" || status == "error") && first(&c.done, part.text("id")) {
		openCodeResult(part, out)
	}
}

func (*openCodeServer) flush(*output) {}

func (c *openCodeServer) end(out *output) { c.partial.rest(out) }
