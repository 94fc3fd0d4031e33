package transcript

import (
	"bytes"
	"strings"

	"jrweb/eventlog"
)

func isClaudeSession(o object) bool {
	if isQwenSession(o) || isCopilot(o) {
		return false
	}
	kind := o.text("type")
	switch kind {
	case "user", "assistant":
		return o.object("message") != nil && (o.has("parentUuid") || o.has("isSidechain") || o.has("sessionId"))
	case "summary":
		return o.has("leafUuid")
	case "file-history-snapshot", "queue-operation", "custom-title", "ai-title", "agent-name", "last-prompt", "pr-link":
		return true
	case "system", "progress", "attachment", "mode", "permission-mode", "cost-state":
		return o.has("sessionId")
	}
	_, known := claudeBookkeeping[kind]
	return known && o.has("sessionId")
}

// claudeBookkeeping are lines that tell nothing of the run: what the program restores
// when the session is opened again.
var claudeBookkeeping = setOf("file-history-snapshot", "file-history-delta", "mode", "permission-mode", "last-prompt", "tag", "agent-color",
	"agent-setting", "worktree-state", "bridge-session", "relocated", "atis-latch", "tools-used", "api-request", "api-request-shape", "api-request-blob",
	"api-request-resumed", "content-replacement", "isolation-latch", "hybrid-organization", "host-row", "history-suppression",
	"frame-link", "dev-mods", "derived-from", "data-flow-records", "data-flow-incomplete", "artifact-comment-monitor",
	"artifact-autoreact-ledger", "resume-head-vouch", "continued-in", "ended-by-model", "speculation-accept", "attribution-snapshot",
	"marble-origami-commit", "marble-origami-snapshot", "task-summary", "started", "result")

// claudeSession converts the files that Claude Code keeps of its sessions, and of
// their subagents. Lines form a tree by parentUuid; they are taken in the order of the
// file, which is the order in which things happened.
type claudeSession struct {
	messages claudeMessages
	notices  claudeNotices
	costs    claudeCosts
	prompts  recent[string] // the call that started a subagent with this prompt
	chains   recent[string] // the call that a line's subagent works for, by uuid
	agents   recent[string] // the call that a subagent works for, by the agent's id
	seen     recent[struct{}]
	own      string // the subagent whose file it is, "" for a session's
	met      bool   // a message has come
	forked   bool   // it begins with a copy of another session
}

func (c *claudeSession) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	switch kind := o.text("type"); kind {
	case "user", "assistant":
		return c.line(o, out)
	case "progress":
		return c.progress(o, out)
	case "system":
		c.messages.titles.line(o.text("uuid"), out)
		if !first(&c.seen, o.text("uuid")) {
			return true
		}
		return c.inside(o, out, func() bool { return c.notices.system(o, &c.messages, out) })
	case "attachment":
		if !first(&c.seen, o.text("uuid")) {
			return true
		}
		return c.inside(o, out, func() bool { return c.messages.attachment(o, out) })
	case "queue-operation":
		c.messages.queue.operation(o, out)
	case "cost-state":
		if !c.forked { // its sums would be those of the other session, too
			c.costs.state(o.text("sessionId"), o, out)
		}
	case "summary":
		c.messages.titles.summary(o.text("summary"), o.text("leafUuid"), out)
	case "custom-title":
		c.messages.titles.offer(titleCustom, o.text("customTitle"), out)
	case "ai-title":
		c.messages.titles.offer(titleAgent, o.text("aiTitle"), out)
	case "agent-name":
		c.messages.titles.offer(titleName, o.text("agentName"), out)
	case "pr-link":
		out.note(eventlog.TypeStatus, "Pull request "+o.text("prUrl", "url"), nil)
	default:
		_, known := claudeBookkeeping[kind]
		return known
	}
	return true
}

// inside converts a line of a subagent as that, and one of the agent itself as it is.
func (c *claudeSession) inside(o object, out *output, convert func() bool) (known bool) {
	call := c.parent(o)
	if call == "" {
		return convert()
	}
	if out.apart != nil && out.apart(o.text("agentId")) {
		return true
	}
	out.inside(call, func() { known = convert() })
	return known
}

// line converts a message of the agent or of a subagent.
func (c *claudeSession) line(o object, out *output) bool {
	if agent := o.text("agentId"); !c.met && agent != "" && o.isTrue("isSidechain") {
		c.own = agent
	}
	c.met = true
	c.meet(o, out)
	for agent, call := range claudeSubagents(o) {
		if _, known := c.agents.get(agent); !known {
			c.agents.put(agent, call)
		}
	}
	c.messages.titles.line(o.text("uuid"), out)
	if !first(&c.seen, o.text("uuid")) {
		return true // a resumed session begins with a copy of the one before
	}
	return c.inside(o, out, func() bool { return c.message(o, out) })
}

// meet tells what a line says of the run. A subagent's file that is read alone is a run
// of its own.
func (c *claudeSession) meet(o object, out *output) {
	id := o.text("sessionId")
	if id == "" {
		return
	}
	origin := Origin{Agent: "Claude Code", Version: o.text("version"), Session: id, Dir: o.text("cwd"), Branch: o.text("gitBranch")}
	switch {
	case c.own != "" && o.text("agentId") == c.own:
		origin.Session, origin.Parent = c.own, id
	case o.isTrue("isSidechain"):
		return
	}
	if from := c.copiedFrom(o); from != "" && !out.nested() && c.own == "" {
		origin.Parent, c.forked = from, true
	}
	out.begin(origin)
}

// copiedFrom returns the session that a line was copied from, "" for none: a fork begins
// with the lines of its parent.
func (c *claudeSession) copiedFrom(o object) string {
	from := o.text("requestSessionId")
	if from == "" {
		from = o.object("forkedFrom").text("sessionId")
	}
	if from == o.text("sessionId") {
		return ""
	}
	return from
}

// progress converts what a subagent does, which may stand in its caller's file.
func (c *claudeSession) progress(o object, out *output) bool {
	told := o.object("data")
	switch told.text("type") {
	case "agent_progress", "skill_progress":
		line, call := told.object("message"), o.text("parentToolUseID")
		if agent := told.text("agentId"); out.apart != nil && agent != "" && out.apart(agent) {
			return true
		}
		if line.object("message") == nil || call == "" || !first(&c.seen, line.text("uuid")) {
			return true
		}
		line = line.with("sessionId", o.value("sessionId"))
		known := true
		out.inside(call, func() { known = c.message(line, out) })
		return known
	case "bash_progress", "powershell_progress", "hook_progress", "mcp_progress", "query_update", "search_results_received", "waiting_for_task", "repl_tool_call":
		return true // the result has all of it
	}
	return false
}

func (c *claudeSession) message(o object, out *output) (known bool) {
	m := o.object("message")
	if o.text("type") == "user" {
		if !isPrompt(o, m) {
			c.messages.queue.tell(&c.messages, out)
		}
		return c.told(o, m, out)
	}
	c.messages.queue.tell(&c.messages, out)
	model := m.text("model")
	if model == syntheticModel {
		model = ""
	}
	if model != "" && model != out.origin.Model && !out.nested() && claudeModel(model) != claudeModel(out.origin.Model) {
		out.begin(Origin{Agent: "Claude Code", Model: model})
	}
	known = c.messages.assistant(o, m, out)
	for call, prompt := range promptsOf(m) {
		c.prompts.put(prompt, call)
	}
	if m.text("stop_reason") == "" && olderThan21(out.origin.Version) && saysOnly(m) {
		out.rested() // these wrote lines before they knew why the message stops
	}
	if known && model != "" {
		session := o.text("sessionId")
		if from := c.copiedFrom(o); from != "" {
			session = from
		}
		c.costs.message("", session, m, model, claudeUsage(m.object("usage")), out)
	}
	return known
}

// isPrompt reports whether a line is a prompt, which may have waited in the queue.
func isPrompt(o, m object) bool {
	return actorOf(o) == eventlog.Human && !o.isTrue("isSidechain") && !bytes.Contains(m.value("content"), []byte(`"tool_result"`))
}

// told converts what the agent is told. What begins the file of a subagent is the
// prompt that its call gave.
func (c *claudeSession) told(o, m object, out *output) bool {
	if c.own == "" || out.nested() || o.text("agentId") != c.own {
		return c.messages.user(o, m, out)
	}
	before := len(out.events)
	known := c.messages.user(o, m, out)
	for i := range out.events[before:] {
		if e := &out.events[before+i]; e.Type == eventlog.TypeUser && e.Actor == eventlog.Human {
			e.Actor = eventlog.Agent
		}
	}
	return known
}

// saysOnly reports whether a message is text.
func saysOnly(m object) bool {
	blocks := m.list("content")
	return len(blocks) > 0 && parseObject(blocks[len(blocks)-1]).text("type") == "text"
}

// olderThan21 reports whether a version is 0.x, 1.x or 2.0.x.
func olderThan21(version string) bool {
	return strings.HasPrefix(version, "0.") || strings.HasPrefix(version, "1.") || strings.HasPrefix(version, "2.0.")
}

// parent returns the call whose subagent a line belongs to. Its agentId tells it, or the
// chain of lines that it is in: that begins with the prompt that the call gave. Where
// nothing tells it, what belongs together has a name of its own.
func (c *claudeSession) parent(o object) string {
	agent := o.text("agentId")
	if !o.isTrue("isSidechain") || c.own != "" && agent == c.own {
		return ""
	}
	call, known := c.agents.get(agent)
	if !known {
		call, known = c.chains.get(o.text("parentUuid"))
	}
	if !known {
		text, _ := contentText(o.object("message").value("content"))
		if call, known = c.prompts.get(text); !known {
			call = agent
			if call == "" {
				call = "sidechain-" + o.text("uuid")
			}
		}
		if agent != "" && known {
			c.agents.put(agent, call)
		}
	}
	c.chains.put(o.text("uuid"), call)
	return call
}

func (*claudeSession) flush(*output) {}

func (c *claudeSession) end(out *output) { c.messages.queue.tell(&c.messages, out) }
