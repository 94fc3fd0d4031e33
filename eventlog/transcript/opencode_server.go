package transcript

import (
	"cmp"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

func isOpenCodeServer(o object) bool {
	o = openCodeEvent(o)
	return strings.Contains(o.text("type"), ".") && o.object("properties") != nil || o.text("type") == "sync" && o.has("syncEvent")
}

// openCodeEvent returns the event in one of the three envelopes: {type, properties},
// the same as the payload of a directory's, and {type, data} with ids of its own.
func openCodeEvent(o object) object {
	if payload := o.object("payload"); payload.has("type") && !o.has("type") {
		o = payload
	}
	if d := o.object("data"); d != nil && !o.has("properties") &&
		(o.has("durable") || o.has("location") || strings.HasPrefix(o.text("type"), "session.next.") || o.text("type") == "server.connected") {
		o = o.only("type").with("properties", o.value("data"))
	}
	return o
}

// openCodeServer converts the event stream of opencode's server, as JSON lines or
// as it comes over HTTP.
type openCodeServer struct {
	roles    recent[string]   // by message id
	models   recent[string]   // by message id
	ways     recent[string]   // the kind of events that brings a message, by its id
	done     recent[struct{}] // parts that were told
	called   recent[struct{}] // tool parts whose call was told
	thoughts recent[struct{}] // parts that are reasoning
	children recent[string]   // the call that a session works for
	main     string           // the session that is not another one's
	prompted bool             // somebody has said something
	steps    openCodeSteps
	partial  partials
}

// The two kinds of events that bring messages. The server may send both.
const (
	wayParts = "parts" // message.updated, message.part.updated
	wayNext  = "next"  // session.next.text.ended
)

// by reports whether a kind of events is the one that brings a message: the first that did.
func (c *openCodeServer) by(way, message string) bool {
	if message == "" {
		return true
	}
	known, ok := c.ways.get(message)
	if !ok {
		c.ways.put(message, way)
	}
	return !ok || known == way
}

func (c *openCodeServer) object(o object, out *output) bool {
	o = openCodeEvent(o)
	p := o.object("properties")
	kind := o.text("type")
	session := cmp.Or(p.text("sessionID"), p.object("part").text("sessionID"), p.object("info").text("sessionID"))
	if session == "" && strings.HasPrefix(kind, "session.") {
		session = p.object("info").text("id")
	}
	out.parent = c.caller(session, p.object("info"))
	out.at = p.time("time", "timestamp")
	if next, is := strings.CutPrefix(kind, "session.next."); is {
		return c.next(next, session, p, out)
	}
	switch kind {
	case "message.updated":
		c.message(p.object("info"), out)
	case "message.part.updated":
		part := p.object("part")
		if !c.by(wayParts, part.text("messageID")) {
			return true
		}
		return c.part(part, out)
	case "message.part.delta":
		if p.text("field") == "text" && c.by(wayParts, p.text("messageID")) {
			c.piece(p.text("partID"), p.text("messageID"), p.text("delta"), out)
		}
	case "session.created", "session.updated":
		if info := p.object("info"); out.parent == "" && info.has("id") {
			out.at = info.object("time").time("updated", "created")
			openCodeOrigin(info, out)
		}
	case "session.error":
		if p.has("error") {
			c.failed(session, p.object("error"), out)
		}
	case "session.idle":
		c.idle(out)
	case "session.status":
		status := p.object("status")
		switch status.text("type") {
		case "retry":
			out.error(cmp.Or(status.text("message"), "the request is tried again"), "retry")
		case "busy":
			if out.progress.status != eventlog.Succeeded {
				out.working()
			}
		case "idle":
			c.idle(out)
		}
	case "session.compacted":
		out.status("The conversation was compacted")
	case "permission.asked", "permission.updated", "permission.v2.asked":
		out.asks(question{
			id: p.text("id"), call: cmp.Or(p.object("tool").text("callID"), p.text("callID")),
			text: "Permission asked: " + p.text("title", "permission", "action", "type"), more: data(nil).raw("request", permission(p)),
		})
	case "permission.replied", "permission.v2.replied":
		out.decided(p.text("requestID", "permissionID"), p.text("reply", "response"), nil)
	case "question.asked", "question.v2.asked", "question.replied", "question.v2.replied", "question.rejected", "question.v2.rejected":
		openCodeQuestion(p, strings.HasSuffix(kind, ".rejected"), out)
	case "todo.updated":
		var lines []string
		for _, raw := range p.list("todos") {
			todo := parseObject(raw)
			mark := map[string]string{"completed": "[x] ", "in_progress": "[>] ", "cancelled": "[-] "}[todo.text("status")]
			lines = append(lines, cmp.Or(mark, "[ ] ")+todo.text("content"))
		}
		out.status("Plan:\n" + strings.Join(lines, "\n"))
	case "vcs.branch.updated":
		out.begin(Origin{Branch: p.text("branch")})
	default:
		return isOpenCodeBookkeeping(kind)
	}
	return true
}

// caller returns the call that a session works for, "" for the session that the
// stream is about. A subagent's session names the session that it belongs to; which
// call it was, the call's own part tells.
func (c *openCodeServer) caller(session string, info object) string {
	if call, known := c.children.get(session); known {
		return call
	}
	if session == "" || session == c.main {
		return ""
	}
	if info.text("id") == session && info.has("parentID") {
		c.children.put(session, session)
		return session
	}
	if c.main == "" {
		c.main = session
	}
	return ""
}

// idle: a turn is over. It does not say how.
func (*openCodeServer) idle(out *output) {
	if out.progress.status == "" {
		out.rested()
	}
}

// failed tells an error once: the session tells it, and the message that it ended.
func (c *openCodeServer) failed(session string, e object, out *output) {
	message := cmp.Or(e.object("data").text("message"), e.text("message"), e.text("name"))
	if first(&c.done, "error "+session+" "+message) {
		openCodeError(e, "", out)
	}
}

// openCodeQuestion tells what a person was asked, and what they answered.
func openCodeQuestion(p object, rejected bool, out *output) {
	asked := questionsOf(p.list("questions"))
	var answers []string
	for _, raw := range p.list("answers") {
		var chosen []string
		for _, one := range listOf(raw) {
			chosen = append(chosen, textOf(one))
		}
		answers = append(answers, cmp.Or(strings.Join(chosen, ", "), textOf(raw)))
	}
	switch {
	case rejected:
		out.answered(p.text("requestID"))
		out.note(eventlog.TypeGuardrail, "The question was not answered", nil)
	case len(asked) > 0:
		for _, q := range asked {
			q.id, q.call = p.text("id"), p.object("tool").text("callID")
			out.asks(q)
		}
	default:
		out.answered(p.text("requestID"))
		out.user(eventlog.Human, strings.Join(answers, "\n"), nil)
	}
}

// isOpenCodeBookkeeping: what is known to tell nothing of the run that other events
// do not tell.
func isOpenCodeBookkeeping(kind string) bool {
	switch kind {
	case "sync", // the same events once more
		"server.connected", "server.heartbeat", "server.instance.disposed", "global.disposed",
		"session.deleted", "session.diff",
		"message.removed", "message.part.removed",
		"file.edited", "file.watcher.updated", "lsp.updated", "lsp.client.diagnostics",
		"installation.updated", "installation.update-available", "project.updated", "project.directories.updated",
		"plugin.added", "catalog.updated", "reference.updated", "models-dev.refreshed", "integration.updated", "integration.connection.updated",
		"workspace.ready", "workspace.failed", "workspace.status", "worktree.ready", "worktree.failed",
		"pty.created", "pty.updated", "pty.exited", "pty.deleted",
		"tui.prompt.append", "tui.command.execute", "tui.toast.show", "tui.session.select",
		"mcp.tools.changed", "mcp.browser.open.failed", "command.executed":
		return true
	}
	return false
}

// permission is what a request for one tells.
func permission(o object) []byte {
	var d data
	for _, name := range []string{"id", "permission", "type", "title", "patterns", "pattern", "action", "resources", "metadata", "tool", "callID"} {
		d = d.raw(name, o.value(name))
	}
	return d.object()
}

func (c *openCodeServer) message(info object, out *output) {
	id := info.text("id")
	c.roles.put(id, info.text("role"))
	at := info.object("time").time("created")
	if model := info.text("modelID"); model != "" {
		c.models.put(id, model)
		if out.parent == "" {
			out.at = at
			out.begin(Origin{Agent: "opencode", Model: model, Session: info.text("sessionID"), Dir: info.object("path").text("cwd")})
		}
	}
	if e := info.object("error"); e != nil {
		out.at = info.object("time").time("completed", "created")
		c.failed(info.text("sessionID"), e, out)
	}
}

// piece keeps a piece of a part, in case that the whole of it never comes. Pieces may
// come before it is known what they are of.
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
	if t := part.object("time").time("start", "created"); !t.IsZero() {
		out.at = t
	}
	if kind := part.text("type"); kind == "tool" || kind == "text" && role != "user" {
		c.steps.part(part)
	}
	switch kind := part.text("type"); kind {
	case "text":
		if role == "user" {
			actor := eventlog.Human
			switch {
			case part.isTrue("synthetic"):
				actor = eventlog.System
			case out.parent != "" || out.origin.Parent != "" && !c.prompted:
				actor = eventlog.Agent // the prompt of a subagent
			}
			if part.text("text") != "" && first(&c.done, id) {
				c.prompted = true
				out.user(actor, part.text("text"), nil)
			}
			return true
		}
		c.whole(eventlog.TypeAssistant, id, part, out)
	case "reasoning":
		c.thoughts.put(id, struct{}{})
		c.partial.rename(id, eventlog.TypeThought, out.parent)
		c.whole(eventlog.TypeThought, id, part, out)
	case "tool":
		c.tool(part, out)
	case "file":
		c.file(role, id, part, out)
	case "step-start":
		if out.parent == "" && first(&c.done, id) {
			out.working()
		}
	case "step-finish":
		model, _ := c.models.get(message)
		isNew := first(&c.done, id)
		c.steps.finish(part, part.text("sessionID"), cmp.Or(model, out.origin.Model), out)
		if isNew {
			openCodeFinish(part.text("reason"), out)
		}
	case "retry":
		if first(&c.done, id) {
			e := part.object("error")
			out.error(cmp.Or(e.object("data").text("message"), e.text("name"), "the request is tried again"), "retry")
		}
	case "subtask":
		if first(&c.done, id) {
			out.user(eventlog.Human, part.text("prompt"), nil)
		}
	case "compaction":
		if first(&c.done, id) {
			out.status("The conversation is compacted")
		}
	case "snapshot", "patch", "agent":
	default:
		return false
	}
	return true
}

// file tells an image that stands in a message. Other files are read by the agent, as
// texts that come with the message.
func (c *openCodeServer) file(role, id string, part object, out *output) {
	if !strings.HasPrefix(part.text("mime"), "image/") || !strings.HasPrefix(part.text("url"), "data:") || !first(&c.done, id) {
		return
	}
	picture, _ := imageOf(part)
	text, parts := "[image]", partsOf([]json.RawMessage{picture})
	if role == "user" {
		out.user(eventlog.Human, text, parts)
		return
	}
	out.saysParts(googleParts{text: text, images: parts})
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
		name, _ := openCodeTool(part)
		out.call(id, name, state.value("input"))
	}
	out.at = at
	if (status == "completed" || status == "error") && first(&c.done, part.text("id")) {
		openCodeResult(part, out)
	}
}

func (*openCodeServer) flush(*output) {}

func (c *openCodeServer) end(out *output) { c.partial.rest(out) }
