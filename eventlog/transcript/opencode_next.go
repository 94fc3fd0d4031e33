package transcript

import (
	"cmp"
	"strings"

	"jrweb/eventlog"
)

// next converts the newer events of opencode's server, session.next.KIND: each tells
// the beginning, a piece, or the whole of a thing.
func (c *openCodeServer) next(kind, session string, p object, out *output) bool {
	message := p.text("assistantMessageID", "messageID")
	if !isOpenCodeNext(kind) {
		return false
	}
	if !c.by(wayNext, message) {
		return true
	}
	text := p.text("text")
	switch kind {
	case "prompted", "prompt.admitted":
		if prompt := p.object("prompt"); first(&c.done, "prompt "+message) {
			_, files := contentText(prompt.value("files"))
			out.user(eventlog.Human, prompt.text("text"), files)
		}
	case "synthetic", "context.updated":
		out.user(eventlog.System, text, nil)
	case "step.started":
		if model := p.object("model").text("id"); out.parent == "" {
			out.begin(Origin{Agent: "opencode", Model: model, Session: session})
		}
		c.models.put(message, p.object("model").text("id"))
		out.working()
	case "step.ended":
		model, _ := c.models.get(message)
		c.steps.finish(p, session, cmp.Or(model, out.origin.Model), out)
		openCodeFinish(p.text("finish"), out)
	case "step.failed":
		c.failed(session, p.object("error"), out)
	case "text.delta":
		c.partial.add(p.text("textID"), eventlog.TypeAssistant, out.parent, p.text("delta"))
	case "text.ended":
		c.ended(eventlog.TypeAssistant, p.text("textID"), message, text, out)
	case "reasoning.delta":
		c.partial.add(p.text("reasoningID"), eventlog.TypeThought, out.parent, p.text("delta"))
	case "reasoning.ended":
		c.ended(eventlog.TypeThought, p.text("reasoningID"), message, text, out)
	case "tool.called":
		name, _ := openCodeTool(p.only("tool").with("state", data(nil).raw("input", p.value("input")).object()))
		if first(&c.called, p.text("callID")) {
			out.call(p.text("callID"), name, p.value("input"))
		}
	case "tool.success", "tool.failed":
		c.nextResult(p, kind == "tool.success", out)
	case "shell.started":
		out.call(p.text("callID"), "bash", data(nil).text("command", p.text("command")).object())
	case "shell.ended":
		out.result(result{id: p.text("callID"), tool: "bash", success: true, output: p.text("output")})
	case "retried":
		out.error(cmp.Or(p.object("error").text("message"), "the request is tried again"), "retry")
	case "compaction.ended":
		out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).some("summary", text))
	case "model.switched":
		if out.parent == "" {
			out.begin(Origin{Model: p.object("model").text("id")})
		}
	case "moved":
		if out.parent == "" {
			out.begin(Origin{Dir: p.object("location").text("directory")})
		}
	case "revert.committed":
		out.status("The conversation went back: what came after that point is not a part of it any more")
	}
	return true
}

// isOpenCodeNext: some kinds only tell that something begins or goes on.
func isOpenCodeNext(kind string) bool {
	switch kind {
	case "prompted", "prompt.admitted", "synthetic", "context.updated", "agent.switched", "model.switched", "moved",
		"step.started", "step.ended", "step.failed", "text.started", "text.delta", "text.ended",
		"reasoning.started", "reasoning.delta", "reasoning.ended",
		"tool.input.started", "tool.input.delta", "tool.input.ended", "tool.called", "tool.progress", "tool.success", "tool.failed",
		"shell.started", "shell.ended", "retried", "compaction.started", "compaction.delta", "compaction.ended",
		"revert.staged", "revert.cleared", "revert.committed":
		return true
	}
	return false
}

// ended tells a text as a whole, once.
func (c *openCodeServer) ended(kind, id, message, text string, out *output) {
	c.partial.whole(id, kind, out.parent)
	if first(&c.done, kind+" "+message+" "+id) {
		out.says(kind, text)
	}
}

func (c *openCodeServer) nextResult(p object, good bool, out *output) {
	id := p.text("callID")
	if !first(&c.done, "call "+id) {
		return
	}
	structured := p.object("structured")
	if child := structured.text("sessionId", "sessionID"); child != "" {
		c.children.put(child, id)
	}
	text, parts := contentText(p.value("content"))
	name, _ := out.tools.get(id)
	text = cmp.Or(strings.TrimSuffix(text, "\n"), p.object("error").text("message"), structured.text("output"))
	r := result{id: id, tool: name, success: good, output: text, more: data(nil).raw("parts", parts)}
	code, told := structured.number("exit")
	if !told {
		code, told = structured.number("exitCode")
	}
	out.result(r.withExitCode(code, told))
}
