package transcript

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"jrweb/eventlog"
)

// shown converts what a program around the agent was to show: the other log in a
// rollout. In the files of paginated threads its items are a third.
func (c *codexRollout) shown(p object, out *output) bool {
	switch p.text("type") {
	case "item_started", "item_updated", "item_completed":
		return c.item(p, p.text("type") == "item_completed", out)
	case "user_message":
		c.user(logShown, codexPieces(shownContent(p), nil), out)
	case "agent_message":
		c.assistant(logShown, p.text("message"), p.text("phase"), out)
	case "agent_reasoning", "agent_reasoning_raw_content":
		c.say(logShown, eventlog.TypeThought, p.text("text"), out)
	case "raw_response_item":
		return c.wire(p.object("item"), out)
	case "token_count":
		c.tokenCount(p.object("info"), out)
	case "token_usage_record", "usage_record":
		c.usageRecord(p, out)
	case "exec_command_end", "patch_apply_end", "mcp_tool_call_end":
		c.toolEnd(p, out)
	default:
		return c.turn(p, out) || c.notice(p, out) || isCodexBookkeeping[p.text("type")]
	}
	return true
}

// turn converts beginnings and ends of turns.
func (c *codexRollout) turn(p object, out *output) bool {
	switch p.text("type") {
	case "task_started", "turn_started":
		c.begins(out)
		c.turnOpen, c.failure, c.spoke = true, "", false
		out.working()
	case "task_complete", "turn_complete":
		if failure := p.object("error"); failure != nil {
			message := codexError(failure.text("message"))
			if message != c.failure || message == "" {
				out.error(message, codexErrorCode(failure))
			}
			c.failure = cmp.Or(message, "the turn failed")
		} else if last := p.text("last_agent_message"); last != "" {
			c.failure = ""
			if !c.spoke { // else it is what was said last, or a review in another form
				out.says(eventlog.TypeAssistant, last)
			}
		}
		c.turnEnded()
		if c.failure != "" {
			out.failed(c.failure)
		} else {
			out.done()
		}
	case "turn_aborted":
		reason := p.text("reason")
		text := "the turn was aborted: " + cmp.Or(reason, "no reason told")
		c.turnEnded()
		switch reason {
		case "review_ended":
			out.done()
			return true
		case "budget_limited":
			out.error(text, reason)
			out.failed(text)
		default:
			out.status(text)
			out.canceled(text)
		}
	case "error":
		message := codexError(p.text("message"))
		out.error(message, codexErrorCode(p))
		if code := codexErrorCode(p); !isCodexRetry(message) && code != "thread_rollback_failed" && code != "active_turn_not_steerable" {
			c.failure = message
			out.failed(message)
		}
	case "stream_error", "warning", "guardian_warning":
		out.error(codexError(p.text("message")), strings.TrimPrefix(p.text("type"), "guardian_"))
	default:
		return false
	}
	return true
}

// codexErrorCode returns the kind of an error: a word, or an object of one member.
func codexErrorCode(p object) string {
	if kind := p.text("codex_error_info"); kind != "" && kind != "other" {
		return kind
	}
	for _, kind := range p.object("codex_error_info") {
		return beginning(string(kind.name), 100)
	}
	return ""
}

// notice converts what a person may want to know beside the messages and the tools.
func (c *codexRollout) notice(p object, out *output) bool {
	switch p.text("type") {
	case "thread_name_updated":
		if id := p.text("thread_id"); id == "" || id == c.spent.thread {
			out.title(p.text("thread_name", "name"))
		}
	case "guardian_assessment":
		guardianNote(p, out)
	case "exec_approval_request":
		codexPermission(p, shellCommand(stringsOf(p.list("command"))), out)
	case "apply_patch_approval_request":
		codexPermission(p, "to change files:\n"+codexChanges(p), out)
	case "request_permissions", "elicitation_request":
		out.asks(question{
			id: p.text("request_id", "id"), call: p.text("call_id"), text: "Permission asked: " + p.text("reason", "message", "server_name"),
			more: data(nil).raw("permissions", p.value("permissions")),
		})
	case "request_user_input":
		if !c.items.told(p.text("call_id")) { // else its call has the questions
			codexAsks(p, out)
		}
	case "entered_review_mode":
		out.status(strings.TrimSpace("Review: " + codexHint(p)))
	case "exited_review_mode":
		c.review(p.object("review_output"), out)
	case "plan_update":
		if text := codexTodo(p.list("plan"), "step"); !c.mirrors(logShown, "todo", text) {
			c.items.todoList(text, out)
		}
	case "thread_goal_updated":
		out.status(strings.TrimSpace("Goal: " + p.object("goal").text("objective") + " " + bracketed(snake(p.object("goal").text("status")))))
	case "thread_rolled_back":
		out.note(eventlog.TypeStatus, "The last turns were taken back", data(nil).raw("turns", p.value("num_turns")))
	case "model_reroute":
		out.status("The model is another: " + p.text("reason"))
		out.begin(Origin{Agent: "Codex", Model: p.text("to_model")})
	case "background_event", "deprecation_notice", "undo_completed":
		out.status(p.text("message", "summary"))
	case "mcp_startup_complete":
		for _, raw := range p.list("failed") {
			out.error("The MCP server "+parseObject(raw).text("server")+" did not start: "+parseObject(raw).text("error"), "mcp")
		}
	case "hook_completed":
		if run := p.object("run"); snake(run.text("status")) != "completed" {
			out.status("Hook " + run.text("event_name", "eventName") + ": " + snake(run.text("status")) + hookTexts(run))
		}
	case "sub_agent_activity":
		item := withType(p, "subagentactivity")
		if first(&c.items.results, p.text("event_id", "id")) {
			c.items.note(item, true, out)
		}
	case "image_generation_end":
		c.items.tool(p.text("call_id"), withType(p, "imagegeneration"), true, out)
	default:
		return false
	}
	return true
}

// isCodexBookkeeping are the events that say nothing that others do not.
var isCodexBookkeeping = map[string]bool{
	"context_compacted": true, "agent_reasoning_section_break": true, "exec_command_begin": true, "exec_command_output_delta": true,
	"terminal_interaction": true, "patch_apply_begin": true, "patch_apply_updated": true, "mcp_tool_call_begin": true,
	"web_search_begin": true, "web_search_end": true, "view_image_tool_call": true, "image_generation_begin": true,
	"turn_diff": true, "session_configured": true, "thread_settings_applied": true, "thread_goal_cleared": true,
	"model_verification": true, "safety_buffering": true, "turn_moderation_metadata": true, "context_usage": true,
	"undo_started": true, "mcp_startup_update": true, "hook_started": true, "shutdown_complete": true,
	"dynamic_tool_call_request": true, "dynamic_tool_call_response": true, "skills_update_available": true,
	"agent_message_delta": true, "agent_message_content_delta": true, "agent_reasoning_delta": true,
	"reasoning_content_delta": true, "reasoning_raw_content_delta": true, "plan_delta": true,
	"collab_agent_spawn_begin": true, "collab_agent_spawn_end": true, "collab_agent_interaction_begin": true,
	"collab_agent_interaction_end": true, "collab_waiting_begin": true, "collab_waiting_end": true,
	"collab_close_begin": true, "collab_close_end": true, "collab_resume_begin": true, "collab_resume_end": true,
	"realtime_conversation_started": true, "realtime_conversation_sdp": true, "realtime_conversation_realtime": true,
	"realtime_conversation_closed": true,
}

func bracketed(text string) string {
	if text == "" {
		return ""
	}
	return "(" + text + ")"
}

func hookTexts(run object) string {
	var b strings.Builder
	for _, raw := range run.list("entries") {
		b.WriteString("\n" + parseObject(raw).text("text"))
	}
	return b.String()
}

// guardianNote tells what the guardian, an agent that decides for the person, decided.
func guardianNote(p object, out *output) {
	status := snake(p.text("status"))
	word, known := map[string]string{"denied": "Denied", "approved": "Allowed", "timed_out": "Not decided in time", "aborted": "Not decided"}[status]
	if !known {
		if status == "in_progress" {
			return
		}
		word = "Guardian: " + status
	}
	action := p.object("action")
	what := cmp.Or(action.text("command"), shellCommand(stringsOf(action.list("command"))), action.text("tool_name", "tool", "host", "reason", "type"))
	text := word + ": " + what
	if why := p.text("rationale"); why != "" {
		text += " (" + why + ")"
	}
	out.note(eventlog.TypeGuardrail, text, data(nil).some("status", status).some("risk_level", p.text("risk_level")).raw("action", p.value("action")))
}

// review tells what a review has found. The agent may write it again as a message.
func (c *codexRollout) review(found object, out *output) {
	c.spoke = true
	if found == nil {
		out.status("The review ended without a result")
		return
	}
	c.reviewed = squash(found.text("overall_explanation"))
	out.says(eventlog.TypeAssistant, codexReview(found))
}

// shownContent makes blocks of a message as it was shown: its text, images, and
// paths of images.
func shownContent(p object) json.RawMessage {
	blocks := []json.RawMessage{data(nil).text("type", "text").text("text", p.text("message")).object()}
	for _, url := range stringsOf(p.list("images")) {
		blocks = append(blocks, data(nil).text("type", "image").text("image_url", url).object())
	}
	for _, path := range stringsOf(p.list("local_images")) {
		blocks = append(blocks, data(nil).text("type", "local_image").text("path", path).object())
	}
	return partsOf(blocks)
}

// toolEnd keeps what is shown of a call's end. The other log has the output that the
// model got, but not always whether it was a success. What a script called is not in
// the other log: this is its item, where files have no items.
func (c *codexRollout) toolEnd(p object, out *output) {
	end := codexEnd{took: codexDuration(p)}
	item := withType(p, "commandexecution")
	switch p.text("type") {
	case "exec_command_end":
		end.code, end.coded = p.number("exit_code")
		end.success = end.coded && end.code == 0
	case "patch_apply_end":
		item = withType(p, "filechange")
		end.success = p.isTrue("success")
	case "mcp_tool_call_end":
		item = withType(p.object("invocation"), "mcptoolcall")
		given := p.object("result")
		item = item.with("duration", p.value("duration")).with("result", given.value("Ok")).with("error", given.value("Err"))
		ok := given.object("Ok")
		end.success = given.has("Ok") && !ok.isTrue("is_error") && !ok.isTrue("isError")
	}
	id := p.text("call_id")
	if id != "" && len(c.scripts) > 0 && !c.items.told(id) {
		status := "failed"
		if end.success {
			status = "completed"
		}
		c.toolItem(p, item.with("id", quote(id)).with("status", quote(status)), true, out)
		return
	}
	c.ends.put(id, end)
}

// item converts an item of a paginated thread.
func (c *codexRollout) item(p object, done bool, out *output) bool {
	item := p.object("item")
	id := item.text("id")
	if c.spent.thread == "" {
		c.spent.thread = p.text("thread_id")
	}
	switch codexKind(item) {
	case "usermessage":
		if done {
			c.user(logItem, codexPieces(item.value("content"), nil), out)
		}
	case "agentmessage":
		if done {
			text, _ := contentText(itemTexts(item.value("content")))
			c.assistant(logItem, text, item.text("phase"), out)
		}
	case "reasoning":
		for _, text := range append(stringsOf(item.list("summary_text")), stringsOf(item.list("raw_content"))...) {
			if done {
				c.say(logItem, eventlog.TypeThought, text, out)
			}
		}
	case "plan":
		if done && !c.mirrors(logItem, "plan", item.text("text")) {
			out.status("Plan:\n" + strings.TrimSpace(item.text("text")))
		}
	case "hookprompt":
		for _, raw := range item.list("fragments") {
			if text := parseObject(raw).text("text"); done && !c.mirrors(logItem, "context", text) {
				out.user(eventlog.System, text, nil)
			}
		}
	case "contextcompaction": // a line of its own tells it
	case "exitedreviewmode":
		if done {
			c.review(item.object("review_output"), out)
		}
	case "websearch":
		if done && !c.items.told(id) && c.mirrors(logItem, "search", codexQuery(item)) {
			return true
		}
		return c.toolItem(p, item, done, out)
	default:
		return c.toolItem(p, item, done, out) || c.items.note(item, done, out)
	}
	return true
}

// itemTexts gives the blocks of an item the spelling that others have.
func itemTexts(content json.RawMessage) json.RawMessage {
	var blocks []json.RawMessage
	for _, raw := range listOf(content) {
		blocks = append(blocks, data(nil).text("type", "text").text("text", parseObject(raw).text("text")).object())
	}
	if blocks == nil {
		return content
	}
	return partsOf(blocks)
}

// toolItem tells an item that is the use of a tool: of one that the model called
// itself, whose call was told, or of one that a script called.
func (c *codexRollout) toolItem(p, item object, done bool, out *output) (known bool) {
	id := item.text("id")
	c.late(out, func() {
		if s := c.scriptOf(item); s != nil {
			known = c.scriptItem(s, p, item, done, out)
			return
		}
		if codexKind(item) == "imageview" && c.items.told(id) {
			known = true // the image comes with the output
			return
		}
		known = c.itemCall(p, item, out) && c.items.tool(id, item, done, out)
	})
	return known
}

// itemCall tells the call of an item, at the time when it began.
func (c *codexRollout) itemCall(p, item object, out *output) bool {
	defer func(at time.Time) { out.at = at }(out.at)
	if since := p.time("started_at_ms"); !since.IsZero() {
		out.at = since
	}
	return c.items.tool(item.text("id"), item, false, out)
}

// codexPermission tells that a person must allow a command or a change.
func codexPermission(p object, what string, out *output) {
	out.asks(question{
		id: p.text("approval_id"), call: p.text("call_id"), text: "Permission asked: " + what,
		options: optionsOf(p.list("available_decisions")), more: data(nil).some("reason", p.text("reason")),
	})
}
