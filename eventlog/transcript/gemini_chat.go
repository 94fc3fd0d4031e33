package transcript

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"jrweb/eventlog"
)

func isGeminiChat(o object) bool {
	switch {
	case o.has("sessionId") && o.has("projectHash"):
		return true
	case o.object("$set") != nil || o.text("$rewindTo") != "":
		return true
	}
	return o.text("type") == "gemini" && o.has("id") && o.has("timestamp") && o.has("content")
}

// geminiChat converts the chats that Gemini CLI keeps: one document in older versions,
// lines in newer ones. A message is written when the model has answered, and once
// more when its calls have ended; what a file repeats is told once.
type geminiChat struct {
	holdsNothing
	told         recent[struct{}] // messages
	called, done recent[struct{}]
	agents       recent[string] // the call that started a subagent
	spent        recent[usage]  // by message
	sum          usage
	session      string // whose tokens are counted
	nested       string // the call whose subagent wrote the lines in hand
	subagent     bool   // the file is a subagent's, and no other's
}

func (g *geminiChat) object(o object, out *output) bool {
	switch {
	case o.has("$set"):
		g.state(o.object("$set"), out)
	case o.has("$rewindTo"):
		out.status("The conversation went back: what came after that point is not a part of it any more")
	case o.has("sessionId"):
		g.begin(o, out)
		g.state(o, out)
	case o.has("id") && o.has("type"):
		return g.message(o, out)
	default:
		return false
	}
	return true
}

func (g *geminiChat) begin(o object, out *output) {
	id := o.text("sessionId")
	g.nested = ""
	if o.text("kind") == "subagent" && g.session != "" && id != g.session {
		call, known := g.agents.get(id)
		if !known {
			call = id
		}
		g.nested = call
		return
	}
	g.subagent = o.text("kind") == "subagent"
	g.session = id
	out.at = o.time("startTime")
	out.begin(Origin{Agent: "Gemini CLI", Session: id})
}

// state takes what a document or a change of it says of the chat as a whole.
func (g *geminiChat) state(o object, out *output) {
	if g.nested == "" {
		out.at = o.time("lastUpdated", "startTime")
		out.title(o.text("summary"))
	}
	for _, raw := range o.list("messages") {
		if m := parseObject(raw); m == nil || !g.message(m, out) {
			out.raw(string(raw), "a message of no known type")
		}
	}
}

func (g *geminiChat) message(m object, out *output) bool {
	out.at, out.parent = m.time("timestamp"), g.nested
	content := cmpRaw(m.value("displayContent"), m.value("content"))
	kind := m.text("type")
	switch kind {
	case "gemini", "user", "info", "warning", "error":
	default:
		return false
	}
	isNew := first(&g.told, m.text("id"))
	text, _ := contentText(content)
	switch {
	case kind == "gemini":
		g.answer(m, isNew, out)
	case !isNew:
	case kind == "user":
		g.user(partsOfGoogle(content), out)
	case kind == "error":
		out.error(text, "error")
		out.failed(text)
	case kind == "warning":
		out.error(text, "warning")
	case text != "":
		out.status(text)
		if strings.HasPrefix(text, "Request cancelled") {
			out.canceled(text)
		}
	}
	return true
}

// geminiDirectory is the first directory that the context of a session names. Nothing
// else in the file tells where the agent works.
var geminiDirectory = regexp.MustCompile(`(?m)^- \*\*Workspace Directories:\*\*\n +- (/.+)$`)

func (g *geminiChat) user(p googleParts, out *output) {
	for _, response := range p.responses {
		text, parts := responseText(response)
		g.result(response.text("id"), response.text("name"), text, text, object{}, cmpRaw(parts, p.images), response, out)
	}
	actor := eventlog.Human
	switch {
	case strings.HasPrefix(strings.TrimSpace(p.text), "<session_context>"):
		actor = eventlog.System
		if dir := geminiDirectory.FindStringSubmatch(p.text); dir != nil && !g.subagent {
			out.begin(Origin{Dir: dir[1]})
		}
	case g.subagent:
		actor = eventlog.Agent
		out.working()
	case len(p.responses) > 0:
		return // what is beside a response is a part of it
	}
	out.user(actor, p.text, p.images)
}

// answer converts a message of the model, whose calls come with their results. In
// some versions the text of a message is what was said after them.
func (g *geminiChat) answer(m object, isNew bool, out *output) {
	if model := m.text("model"); model != "" && g.nested == "" {
		out.begin(Origin{Agent: "Gemini CLI", Model: model})
	}
	at := out.at
	for _, raw := range m.list("thoughts") {
		thought := parseObject(raw)
		if t := thought.time("timestamp"); !t.IsZero() {
			out.at = t
		}
		if isNew {
			out.says(eventlog.TypeThought, strings.TrimSpace(thought.text("subject")+"\n\n"+thought.text("description")))
		}
	}
	out.at = at
	calls := m.list("toolCalls")
	callsFirst := false
	for _, raw := range calls {
		t := parseObject(raw).time("timestamp")
		callsFirst = callsFirst || !t.IsZero() && t.Before(at)
	}
	say := func() {
		if isNew {
			out.at = at
			out.saysParts(partsOfGoogle(m.value("content")))
		}
	}
	if !callsFirst {
		say()
	}
	for _, raw := range calls {
		g.call(parseObject(raw), at, out)
	}
	if callsFirst {
		say()
	}
	out.at = at
	if text, _ := contentText(m.value("content")); (len(calls) == 0 || callsFirst) && strings.TrimSpace(text) != "" {
		out.rested()
	}
	g.cost(m, out)
}

func (g *geminiChat) call(c object, at time.Time, out *output) {
	id, name := c.text("id"), c.text("name")
	ended := c.time("timestamp")
	if ended.IsZero() {
		ended = at
	}
	if out.at = at; ended.Before(at) {
		out.at = ended
	}
	if first(&g.called, id) {
		out.call(id, name, c.value("args"))
	}
	if agent := c.text("agentId"); agent != "" {
		g.agents.put(agent, id)
	}
	switch c.text("status") {
	case "success", "error", "cancelled":
	default:
		return // it has not ended
	}
	out.at = ended
	p := partsOfGoogle(c.value("result"))
	response, images := object{}, p.images
	if len(p.responses) > 0 {
		response = p.responses[0]
	}
	told, more := responseText(response)
	g.result(id, name, cmp.Or(c.text("resultDisplay"), told), told, c, cmpRaw(more, images), response, out)
}

// result tells how a call ended: what a person sees of it, and how the model was told.
func (g *geminiChat) result(id, name, seen, told string, call object, parts json.RawMessage, response object, out *output) {
	if !first(&g.done, id) {
		return
	}
	status := call.text("status")
	r := result{
		id: id, tool: name, output: cmp.Or(seen, told),
		success: (status == "" || status == "success") && !response.object("response").has("error"),
		more:    data(nil).raw("parts", parts),
	}
	if status == "cancelled" {
		r.more = r.more.text("code", status)
	}
	out.result(r.withExitCode(exitCodeOf(told)))
}

// cost tells what the chat has come to. A message may be written again. The chats of
// subagents are parts of what their caller's run cost, as what it printed says.
func (g *geminiChat) cost(m object, out *output) {
	t := m.object("tokens")
	if t == nil {
		return
	}
	id := m.text("id")
	was, _ := g.spent.get(id)
	now := promptUsage(t.amount("input"), t.amount("cached"), t.amount("tool"), t.amount("output"), t.amount("thoughts"), t.amount("total")).clamped().most(was)
	g.spent.put(id, now)
	if g.sum = g.sum.plus(now.since(was)); now == was {
		return
	}
	out.turn(cmp.Or(out.caller, g.session), g.session, cmp.Or(m.text("model"), out.origin.Model), g.sum)
}
