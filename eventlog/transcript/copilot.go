package transcript

import (
	"cmp"
	"encoding/json"
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
	agents       recent[string] // the call that started a subagent, by its id
	partial      partials
	thought      string           // the latest, which a message may repeat
	used         map[string]usage // what lines about requests tell, by model
}

func (c *copilot) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	d := o.object("data")
	kind := o.text("type")
	out.parent = c.caller(o.text("agentId"), kind, d)
	switch area, _, _ := strings.Cut(kind, "."); area {
	case "session":
		return c.session(kind, d, out)
	case "assistant":
		return c.assistant(kind, d, out)
	case "permission", "user_input", "elicitation", "exit_plan_mode":
		return c.asked(kind, d, out)
	}
	switch kind {
	case "user.message":
		c.user(d, out)
	case "system.message", "system.notification":
		out.user(eventlog.System, d.text("content"), nil)
	case "skill.invoked":
		out.note(eventlog.TypeStatus, "Skill: "+d.text("name"), data(nil).some("message", d.text("content")))
	case "tool.execution_start":
		c.call(d.text("toolCallId"), d.text("toolName"), d, out)
	case "tool.execution_complete":
		c.result(d, out)
	case "subagent.started", "subagent.completed", "subagent.failed":
		out.inside(d.text("toolCallId"), func() {
			text := strings.TrimSpace(d.text("agentDisplayName", "agentName") + " " + strings.TrimPrefix(kind, "subagent."))
			if why := d.text("error"); why != "" {
				text += ": " + why
			}
			out.status(text)
		})
	case "model.call_failure":
		message := cmp.Or(d.text("errorMessage"), "a request to the model failed")
		out.error(message, cmp.Or(d.text("errorCode", "errorType", "failureKind"), "call_failure"))
		out.failed(message)
	case "abort":
		out.status("Aborted: " + d.text("reason"))
		out.canceled(d.text("reason"))
	case "result":
		return c.exit(o, out)
	default:
		return isCopilotSilent(kind)
	}
	return true
}

// caller returns the call whose subagent a line is of. Older versions name the call,
// newer ones the subagent.
func (c *copilot) caller(agent, kind string, d object) string {
	if kind == "subagent.started" && agent != "" {
		c.agents.put(agent, d.text("toolCallId"))
	}
	if call := d.text("parentToolCallId"); call != "" || agent == "" {
		return call
	}
	if call, known := c.agents.get(agent); known {
		return call
	}
	return agent // so that what it does stays together
}

func (c *copilot) session(kind string, d object, out *output) bool {
	switch kind {
	case "session.start", "session.resume":
		out.progress.over = false
		where := d.object("context")
		out.begin(Origin{
			Agent: "Copilot CLI", Version: d.text("copilotVersion"), Model: d.text("selectedModel"), Session: d.text("sessionId"),
			Dir: where.text("cwd"), Branch: where.text("branch"),
		})
	case "session.model_change":
		out.begin(Origin{Model: d.text("newModel")})
	case "session.context_changed":
		out.begin(Origin{Dir: d.text("cwd"), Branch: d.text("branch")})
	case "session.title_changed":
		out.title(d.text("title"))
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
		c.complete(d, out)
	case "session.info":
		if text := d.text("message"); text != "" {
			out.status(text)
		}
	case "session.idle":
		switch {
		case d.isTrue("aborted"):
			out.canceled("aborted")
		case out.progress.status == "":
			out.rested()
		}
	case "session.compaction_complete":
		if ok, told := d.truth("success"); told && !ok {
			out.error("compacting failed: "+d.text("error"), "compaction")
			break
		}
		out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).some("summary", d.text("summaryContent")))
	case "session.snapshot_rewind":
		out.status("The conversation went back: what came after that point is not a part of it any more")
	case "session.context_cleared":
		out.status("The conversation was cleared")
	case "session.handoff":
		out.status(strings.TrimSpace("Handed off. " + d.text("summary")))
	case "session.binary_asset":
		if picture, is := imageOf(d); is {
			out.user(eventlog.System, "[image]", partsOf([]json.RawMessage{picture}))
		}
	case "session.shutdown":
		c.shutdown(d, out)
	default:
		return isCopilotSilent(kind)
	}
	return true
}

func (*copilot) complete(d object, out *output) {
	out.status(strings.TrimSpace("Task complete. " + d.text("summary")))
	if good, told := d.truth("success"); told && !good {
		out.failed(cmp.Or(d.text("reason", "summary"), "the task did not succeed"))
		return
	}
	if outcome := d.text("outcome"); outcome != "continue" && outcome != "blocked" {
		out.done()
	}
}

// user tells what the agent is told: by a person, by another agent, or by skills and
// commands in a person's name.
func (*copilot) user(d object, out *output) {
	actor := eventlog.Human
	switch source := d.text("source"); {
	case strings.HasPrefix(source, "agent"), d.has("parentAgentTaskId"):
		actor = eventlog.Agent
	case source != "" && source != "user" || d.isTrue("isAutopilotContinuation"):
		actor = eventlog.System
	}
	var pictures []json.RawMessage
	text := d.text("content")
	for _, raw := range d.list("attachments") {
		if picture, is := imageOf(parseObject(raw)); is {
			pictures = append(pictures, picture)
			text = strings.TrimSpace(text + "\n[image]")
		}
	}
	out.user(actor, text, partsOf(pictures))
	if actor != eventlog.Human {
		out.working()
	}
}

// asked tells what a person was asked, and what they said.
func (*copilot) asked(kind string, d object, out *output) bool {
	switch kind {
	case "user_input.requested":
		out.asks(question{id: d.text("requestId"), call: d.text("toolCallId"), text: d.text("question"), options: optionsOf(d.list("choices"))})
	case "user_input.completed":
		out.answered(d.text("requestId"))
		out.user(eventlog.Human, d.text("answer"), nil)
	case "elicitation.requested":
		out.asks(question{id: d.text("requestId"), call: d.text("toolCallId"), text: d.text("message")})
	case "exit_plan_mode.requested":
		out.asks(question{
			id: d.text("requestId"), text: "The plan is ready. May it be carried out?", options: optionsOf(d.list("actions")),
			more: data(nil).some("plan", d.text("planContent", "summary")),
		})
	case "exit_plan_mode.completed":
		out.answered(d.text("requestId"))
		out.user(eventlog.Human, d.text("feedback"), nil)
	case "permission.requested":
		if request := d.object("permissionRequest"); d.has("promptRequest") {
			out.asks(question{
				id: d.text("requestId"), call: request.text("toolCallId"), text: "Permission asked: " + request.text("intention", "toolName", "kind"),
				more: data(nil).raw("request", d.value("permissionRequest")),
			})
		}
	case "permission.completed":
		if result := d.object("result").text("kind"); strings.HasPrefix(result, "denied") {
			out.decided(d.text("requestId"), result, nil)
		} else {
			out.answered(d.text("requestId"))
		}
	case "elicitation.completed":
		out.answered(d.text("requestId"))
	default:
		return false
	}
	return true
}

// isCopilotSilent: bookkeeping, and pieces of what comes as a whole.
func isCopilotSilent(kind string) bool {
	switch kind {
	case "assistant.turn_start", "assistant.turn_end", "assistant.intent", "assistant.streaming_delta", "assistant.message_start",
		"assistant.tool_call_delta", "assistant.server_tool_progress",
		"session.usage_info", "session.usage_checkpoint", "session.truncation", "session.compaction_start", "session.completion_receipt",
		"session.mode_changed", "session.mode_notice_delivered", "session.background_tasks_changed", "session.plan_changed", "session.todos_changed",
		"session.skills_loaded", "session.mcp_servers_loaded", "session.mcp_server_status_changed", "session.mcp_server_removed",
		"session.extensions_loaded", "session.custom_agents_updated", "session.permissions_changed", "session.remote_steerable_changed",
		"session.managed_settings_resolved", "session.managed_settings_enforced", "session.session_limits_changed",
		"session.workspace_file_changed", "session.auto_mode_resolved", "session.auto_tier_recommendation",
		"subagent.configured", "subagent.selected", "subagent.deselected", "model.call_finished",
		"tool.execution_progress", "tool.execution_partial_result", "tool.user_requested", "tool_search.activated", "hook.start", "hook.progress", "hook.end",
		"command.queued", "command.execute", "command.completed", "commands.changed", "capabilities.changed",
		"mcp.tools.list_changed", "mcp.prompts.list_changed", "mcp.resources.list_changed",
		"pending_messages.modified":
		return true
	}
	return false
}

func (c *copilot) assistant(kind string, d object, out *output) bool {
	switch kind {
	case "assistant.message_delta":
		c.partial.add(d.text("messageId"), eventlog.TypeAssistant, out.parent, d.text("deltaContent"))
	case "assistant.reasoning_delta":
		c.partial.add(d.text("reasoningId"), eventlog.TypeThought, out.parent, d.text("deltaContent"))
	case "assistant.reasoning":
		c.thinks(d.text("reasoningId"), d.text("content"), out)
	case "assistant.message":
		c.message(d, out)
	case "assistant.idle":
		if d.isTrue("aborted") {
			out.canceled("aborted")
		}
	case "assistant.usage":
		model := d.text("model")
		if _, known := c.used[model]; !known && len(c.used) == 100 {
			break
		}
		if c.used == nil {
			c.used = map[string]usage{}
		}
		c.used[model] = c.used[model].plus(copilotUsage(d).clamped())
		c.total(model, c.used[model], out)
	default:
		return isCopilotSilent(kind)
	}
	return true
}

func (c *copilot) message(d object, out *output) {
	id := d.text("messageId")
	c.partial.whole(id, eventlog.TypeAssistant, out.parent)
	if !first(&c.messages, id) {
		return
	}
	model := d.text("model")
	if model != "" && out.parent == "" {
		out.begin(Origin{Agent: "Copilot CLI", Model: model})
	}
	if text := d.text("reasoningText"); text != c.thought {
		c.thinks("", text, out)
	}
	c.thought = ""
	out.says(eventlog.TypeAssistant, d.text("content"))
	requests := d.list("toolRequests")
	for _, raw := range requests {
		request := parseObject(raw)
		c.call(request.text("toolCallId"), request.text("name"), request, out)
	}
	model = cmp.Or(model, out.origin.Model)
	out.member(id, c.account(model, out), model, usage{output: d.amount("outputTokens")})
	if phase := d.text("phase"); len(requests) == 0 && d.text("content") != "" && (phase == "" || strings.HasPrefix(phase, "final")) {
		out.rested()
	}
}

// account is what a session spends on a model. Three kinds of lines tell of the same
// tokens: messages of their output, requests of all of them, and the end of the totals
// of the session, with those of before it was resumed.
func (*copilot) account(model string, out *output) string {
	if out.origin.Session == "" {
		return ""
	}
	return out.origin.Session + "/" + model
}

func (c *copilot) total(model string, u usage, out *output) {
	id := c.account(model, out)
	if id == "" {
		out.cost(model, cumulative, u, nil)
		return
	}
	out.cumulates(id, model, u)
}

func copilotUsage(o object) usage {
	read, written := o.amount("cacheReadTokens"), o.amount("cacheWriteTokens")
	return usage{
		input:  max(0, o.amount("inputTokens")-read-written),
		output: o.amount("outputTokens"), cacheRead: read, cacheWrite: written,
	}
}

func (c *copilot) thinks(id, text string, out *output) {
	c.partial.whole(id, eventlog.TypeThought, out.parent)
	out.says(eventlog.TypeThought, text)
	c.thought = text
}

// call tells a call once: it is requested, and then started.
func (c *copilot) call(id, tool string, o object, out *output) {
	if first(&c.called, id) {
		out.call(id, tool, o.value("arguments"))
	}
}

func (c *copilot) result(d object, out *output) {
	id := d.text("toolCallId")
	if !first(&c.done, id) {
		return
	}
	answer, failure := d.object("result"), d.object("error")
	text, parts := contentText(answer.value("content"))
	text = cmp.Or(text, answer.text("detailedContent"), textOf(d.value("result")), failure.text("message"), d.text("error"))
	var pictures []json.RawMessage
	for _, raw := range append(answer.list("binaryResultsForLlm"), answer.list("contents")...) {
		if picture, is := imageOf(parseObject(raw)); is && len(pictures) < 100 {
			pictures = append(pictures, picture)
		}
	}
	r := result{
		id: id, tool: d.text("toolName"), success: d.isTrue("success"), output: text,
		more: data(nil).some("code", failure.text("code")).raw("parts", cmpRaw(parts, partsOf(pictures))),
	}
	for _, raw := range answer.list("contents") {
		block := parseObject(raw)
		if code, told := block.number("exitCode"); told {
			r = r.withExitCode(code, true)
			break
		}
	}
	out.result(r)
}

// shutdown converts the end of the program, which is not the end of a turn.
func (c *copilot) shutdown(d object, out *output) {
	metrics := d.object("modelMetrics")
	for _, model := range metrics.sorted() {
		c.total(string(model.name), copilotUsage(parseObject(model.value).object("usage")), out)
	}
	switch {
	case d.text("shutdownType") == "error":
		reason := cmp.Or(d.text("errorReason"), "the program ended with an error")
		out.error(reason, "shutdown")
		out.failed(reason)
	case out.progress.status == "":
		out.rested()
	}
	out.progress.over = true
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
		message := "the agent reports exit code " + string(d.value("exitCode"))
		out.error(message, "exit_code")
		out.failed(cmp.Or(out.progress.reason, message))
	}
	if id := d.text("sessionId"); id != "" {
		out.begin(Origin{Agent: "Copilot CLI", Session: id})
	}
	if d.has("usage") {
		out.note(eventlog.TypeStatus, "Finished", data(nil).raw("usage", d.value("usage")))
	}
	return true
}

func (*copilot) flush(*output) {}

func (c *copilot) end(out *output) { c.partial.rest(out) }
