package transcript

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"jrweb/eventlog"
)

func isCopilot(o object) bool {
	kind := o.text("type")
	switch area, _, dotted := strings.Cut(kind, "."); area {
	case "session", "assistant", "tool", "user", "subagent", "system", "hook", "abort":
		return dotted && o.object("data") != nil
	}
	return false
}

// copilot converts the JSON lines of Copilot CLI, and its events.jsonl.
type copilot struct {
	called, done recent[struct{}]
	messages     recent[struct{}]
	partial      partials
	thought      string // the latest, which a message may repeat
	resumed      bool
	// Three kinds of lines tell of the same tokens. For each model the most that
	// one of them tells counts.
	said, used, shut map[string]usage
}

func (c *copilot) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	d := o.object("data")
	out.parent = d.text("parentToolCallId")
	switch kind := o.text("type"); kind {
	case "session.start", "session.resume":
		c.resumed = c.resumed || kind == "session.resume"
		out.begin(Origin{
			Agent: "Copilot CLI", Version: d.text("copilotVersion"), Model: d.text("selectedModel"), Session: d.text("sessionId"),
			Dir: d.object("context").text("cwd"), Branch: d.object("context").text("branch"),
		})
	case "session.model_change":
		out.begin(Origin{Model: d.text("newModel")})
	case "session.error":
		out.error(d.text("message"), cmp.Or(d.text("errorType"), "session_error"))
		out.failed(cmp.Or(d.text("message"), "the session told of an error"))
	case "session.warning":
		out.error(d.text("message"), "warning")
	case "session.tools_updated":
		if model := d.text("model"); model != "" {
			out.begin(Origin{Agent: "Copilot CLI", Model: model})
		}
	case "session.task_complete":
		out.status(strings.TrimSpace("Task complete. " + d.text("summary")))
	case "session.info":
		if text := d.text("message"); text != "" {
			out.status(text)
		}
	case "session.shutdown":
		c.shutdown(d, out)
	case "user.message":
		out.user(eventlog.Human, d.text("content"), nil)
	case "system.message":
		out.user(eventlog.System, d.text("content"), nil)
	case "assistant.message_delta":
		c.partial.add(d.text("messageId"), eventlog.TypeAssistant, out.parent, d.text("deltaContent"))
	case "assistant.reasoning_delta":
		c.partial.add(d.text("reasoningId"), eventlog.TypeThought, out.parent, d.text("deltaContent"))
	case "assistant.reasoning":
		c.thinks(d.text("reasoningId"), d.text("content"), out)
	case "assistant.message":
		c.message(d, out)
	case "assistant.usage":
		c.count(&c.used, d.text("model"), usage{
			input:  max(0, d.amount("inputTokens")-d.amount("cacheReadTokens")-d.amount("cacheWriteTokens")),
			output: d.amount("outputTokens"), cacheRead: d.amount("cacheReadTokens"), cacheWrite: d.amount("cacheWriteTokens"),
		}, out)
	case "tool.execution_start":
		c.call(d.text("toolCallId"), d.text("toolName"), d, out)
	case "tool.execution_complete":
		c.result(d, out)
	case "subagent.started", "subagent.completed", "subagent.failed":
		out.inside(d.text("toolCallId"), func() {
			out.status(strings.TrimSpace(d.text("agentDisplayName", "agentName") + " " + strings.TrimPrefix(kind, "subagent.")))
		})
	case "abort":
		out.status("Aborted: " + d.text("reason"))
	case "result":
		return c.exit(o, out)
	default:
		return isCopilotSilent(kind)
	}
	return true
}

// isCopilotSilent: bookkeeping, and pieces of what comes as a whole.
func isCopilotSilent(kind string) bool {
	switch kind {
	case "assistant.turn_start", "assistant.turn_end", "assistant.intent", "assistant.streaming_delta", "assistant.message_start", "assistant.idle",
		"session.idle", "session.usage_info", "session.truncation", "session.compaction_start", "session.compaction_complete",
		"session.title_changed", "session.mode_changed", "session.background_tasks_changed",
		"session.skills_loaded", "session.mcp_servers_loaded", "session.mcp_server_status_changed", "session.context_changed",
		"tool.execution_progress", "tool.execution_partial_result", "tool.user_requested", "hook.start", "hook.end",
		"pending_messages.modified", "user_input.requested", "user_input.completed":
		return true
	}
	return false
}

func (c *copilot) message(d object, out *output) {
	id := d.text("messageId")
	c.partial.whole(id, eventlog.TypeAssistant, out.parent)
	if !first(&c.messages, id) {
		return
	}
	if model := d.text("model"); model != "" && out.parent == "" {
		out.begin(Origin{Agent: "Copilot CLI", Model: model})
	}
	if text := d.text("reasoningText"); text != c.thought {
		c.thinks("", text, out)
	}
	c.thought = ""
	out.says(eventlog.TypeAssistant, d.text("content"))
	for _, raw := range d.list("toolRequests") {
		request := parseObject(raw)
		c.call(request.text("toolCallId"), request.text("name"), request, out)
	}
	c.count(&c.said, cmp.Or(d.text("model"), out.origin.Model), usage{output: d.amount("outputTokens")}, out)
}

func (c *copilot) thinks(id, text string, out *output) {
	c.partial.whole(id, eventlog.TypeThought, out.parent)
	out.says(eventlog.TypeThought, text)
	c.thought = text
}

// call tells a call once: it is requested, and then started.
func (c *copilot) call(id, tool string, o object, out *output) {
	if first(&c.called, id) {
		out.call(id, tool, o["arguments"])
	}
}

func (c *copilot) result(d object, out *output) {
	id := d.text("toolCallId")
	if !first(&c.done, id) {
		return
	}
	answer, failure := d.object("result"), d.object("error")
	text, parts := contentText(answer["content"])
	text = cmp.Or(text, answer.text("detailedContent"), textOf(d["result"]), failure.text("message"), d.text("error"))
	out.result(result{
		id: id, tool: d.text("toolName"), success: d.isTrue("success"), output: text,
		more: data(nil).some("code", failure.text("code")).raw("parts", parts),
	})
}

// count adds to what one kind of line tells of a model, and tells the total.
func (c *copilot) count(kind *map[string]usage, model string, u usage, out *output) {
	if *kind == nil {
		*kind = map[string]usage{}
	}
	if _, known := (*kind)[model]; !known && len(*kind) == 100 {
		return
	}
	before := c.total(model)
	(*kind)[model] = (*kind)[model].plus(u.clamped())
	if after := c.total(model); after != before {
		out.cost(model, cumulative, after, nil)
	}
}

func (c *copilot) total(model string) usage {
	return c.said[model].most(c.used[model]).most(c.shut[model])
}

// shutdown takes the totals of the session, unless it was resumed: then they are
// of earlier runs, too.
func (c *copilot) shutdown(d object, out *output) {
	metrics := d.object("modelMetrics")
	if c.resumed {
		return
	}
	for _, model := range slices.Sorted(maps.Keys(metrics)) {
		u := metrics.object(model).object("usage")
		c.count(&c.shut, model, usage{
			input:  max(0, u.amount("inputTokens")-u.amount("cacheReadTokens")-u.amount("cacheWriteTokens")),
			output: u.amount("outputTokens"), cacheRead: u.amount("cacheReadTokens"), cacheWrite: u.amount("cacheWriteTokens"),
		}, out)
	}
}

// exit converts the last line, which has no envelope in some versions.
func (c *copilot) exit(o object, out *output) bool {
	d := o.object("data")
	if d == nil {
		d = o
	}
	code, told := d.number("exitCode")
	if !told {
		return false
	}
	if code == 0 {
		out.done()
	} else {
		message := "the agent reports exit code " + string(d["exitCode"])
		out.error(message, "exit_code")
		out.failed(cmp.Or(out.progress.reason, message))
	}
	if id := d.text("sessionId"); id != "" {
		out.begin(Origin{Agent: "Copilot CLI", Session: id})
	}
	if d.has("usage") {
		out.note(eventlog.TypeStatus, "Finished", data(nil).raw("usage", d["usage"]))
	}
	return true
}

func (*copilot) flush(*output) {}

func (c *copilot) end(out *output) { c.partial.rest(out) }
