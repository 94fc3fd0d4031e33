package transcript

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"jrweb/eventlog"
)

// claudeNotices converts the lines that are not messages: what Claude Code says of itself. The
// stream and the files have the same, with names in the one or the other spelling.
type claudeNotices struct {
	tasks  recent[string]   // the call that a task works for
	denied recent[struct{}] // calls
	goal   string
}

// system converts a system line.
func (n *claudeNotices) system(o object, m *claudeMessages, out *output) bool {
	content := o.text("content", "text", "message")
	switch sub := o.text("subtype"); sub {
	case "status":
		switch status := o.text("status"); {
		case o.text("compact_error") != "":
			out.error("compacting failed: "+o.text("compact_error"), "compact_error")
		case status != "" && status != "requesting":
			out.status(cmp.Or(out.origin.Agent, "The agent") + " is " + status)
		}
	case "api_retry":
		out.error(fmt.Sprintf("API request failed (%s), retry %g of %g in %g ms",
			cmp.Or(o.text("error"), string(o.value("error_status")), "no reason told"), o.amount("attempt"), o.amount("max_retries"), o.amount("retry_delay_ms")), "api_retry")
	case "api_error":
		text := apiError(o)
		if o.has("retryAttempt") {
			text += fmt.Sprintf(", retry %g of %g in %g ms", o.amount("retryAttempt"), o.amount("maxRetries"), o.amount("retryInMs"))
		}
		out.error(text, "api_error")
	case "compact_boundary", "microcompact_boundary":
		compaction := o.value("compact_metadata")
		if compaction == nil {
			compaction = o.value("compactMetadata")
		}
		out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).raw("compaction", compaction))
	case "hook_response":
		if o.amount("exit_code") != 0 || o.text("outcome") == "error" {
			out.note(eventlog.TypeStatus, "A hook failed: "+o.text("hook_name", "hook_event"),
				data(nil).some("output", o.text("stderr", "output", "stdout")))
		}
	case "stop_hook_summary":
		n.stopHooks(o, out)
	case "task_started", "task_progress", "task_updated", "task_notification":
		n.task(sub, o, m, out)
	case "permission_denied":
		n.permissionDenied(o, out)
	case "informational", "notification", "scheduled_task_fire", "permission_retry":
		if content != "" {
			out.note(eventlog.TypeStatus, content, data(nil).some("level", o.text("level", "priority")))
		}
	case "model_refusal_fallback", "model_fallback", "model_consent_fallback":
		uuids := o.list("retracted_message_uuids")
		if uuids == nil {
			uuids = o.list("retractedMessageUuids")
		}
		m.withdraw(cmp.Or(content, "Another model answers"), uuids,
			data(nil).some("original_model", o.text("original_model", "originalModel")).some("fallback_model", o.text("fallback_model", "fallbackModel")), out)
	case "model_refusal_no_fallback":
		out.error(cmp.Or(content, "The model refuses to answer"), "refusal")
	case "session_title_changed":
		m.titles.offer(titleCustom, o.text("title"), out)
	case "local_command", "local_command_output":
		m.says(claudeSaid{actor: localActor(sub), at: out.at}, content, nil, out)
	case "session_state_changed":
		if o.text("state") == "running" {
			out.working()
		}
	case "plugin_install":
		if o.text("status") == "failed" {
			out.error("a plugin could not be installed: "+o.text("name", "error"), sub)
		}
	case "mirror_error", "session_writes_lost":
		out.error("Claude Code could not keep its session: "+cmp.Or(o.text("error", "error_code"), sub), sub)
	case "memory_saved":
		out.status("Saved to memory" + listed(o, "writtenPaths", "written_paths"))
	case "memory_recall":
		out.note(eventlog.TypeStatus, "Recalled from memory", data(nil).raw("memories", o.value("memories")))
	case "code_change_published":
		out.note(eventlog.TypeStatus, strings.TrimSpace("Published "+o.text("url")), data(nil).some("branch", o.text("branch")))
	case "agents_killed":
		out.status("The background tasks were stopped")
	case "worker_shutting_down":
		out.status("Claude Code shuts down: " + o.text("reason"))
	case "turn_duration":
		if out.progress.status == "" {
			out.rested() // older files have no reason why the last message stops
		}
	default:
		if _, silent := silentNotices[sub]; silent {
			return true
		}
		if content == "" || out.format != ClaudeSession {
			return false
		}
		out.status(content)
	}
	return true
}

// silentNotices say nothing of the run: how long things took, what the program around
// the agent shows, and what comes again in other lines.
var silentNotices = setOf("thinking_tokens", "hook_started", "hook_progress", "away_summary", "background_tasks_changed",
	"commands_changed", "post_turn_summary", "task_summary", "session_metadata", "files_persisted", "elicitation_complete",
	"instruction_size_warning", "turn_preempted", "turn_starting", "turn_began_before_init", "turn_handoff_available",
	"late_allow_not_run", "inherited_asks_settled", "peer_message_hold", "tool_host_result", "control_request_progress",
	"bridge_state", "bridge_status", "cloud_session_status", "cloud_session_delta", "checkpoint_done", "dev_intent",
	"feedback_draft_queued", "file_attachments_missing", "file_snapshot", "per_turn_effort_changed", "permission_check_status",
	"placed", "rewind_stand_in", "shell_cwd", "start_folder", "vcs_state_changed", "voice_call_talk", "init_milestone", "mcp_status",
	"ui_focus", "ui_invalidate", "ui_log", "ui_notify", "ui_notify_cancel", "ui_panes", "ui_placed", "ui_scroll", "ui_status", "ui_toast")

func setOf(names ...string) map[string]struct{} {
	set := make(map[string]struct{}, len(names))
	for _, name := range names {
		set[name] = struct{}{}
	}
	return set
}

func localActor(sub string) eventlog.Actor {
	if sub == "local_command" {
		return eventlog.Human // what a command prints stands in tags
	}
	return eventlog.System
}

// line converts a line of the stream that is neither a message nor a system line.
func (n *claudeNotices) line(o object, m *claudeMessages, out *output) bool {
	switch o.text("type") {
	case "tool_use_summary":
		if text := o.text("summary"); text != "" {
			out.status(text)
		}
	case "prompt_suggestion":
		if text := o.text("suggestion"); text != "" {
			out.status("Suggested: " + text)
		}
	case "tombstone":
		m.supersede([]json.RawMessage{o.object("message").value("uuid")}, out)
	case "conversation_reset":
		out.status("The conversation was cleared")
	case "auth_status":
		if text := o.text("error"); text != "" {
			out.error(text, "auth_status")
		}
	case "active_goal":
		n.active(o.object("value").text("condition"), out)
	case "control_response", "control_cancel_request", "keep_alive", "tool_progress", "command_lifecycle", "autocompact_state", "transcript_mirror":
	default:
		return false
	}
	return true
}

func (n *claudeNotices) active(goal string, out *output) {
	switch {
	case goal == n.goal:
	case goal == "":
		out.status("The goal is reached, or given up")
	default:
		out.status("Goal: " + goal)
	}
	n.goal = goal
}

// permissionDenied tells that a call was not allowed. The result of the turn says it
// again.
func (n *claudeNotices) permissionDenied(o object, out *output) {
	tool, call := o.text("tool_name"), o.text("tool_use_id")
	if !first(&n.denied, call) {
		return
	}
	reason := o.text("decision_reason", "message")
	text := "Denied: " + tool
	if reason != "" {
		text += ": " + reason
	}
	out.note(eventlog.TypeGuardrail, text, data(nil).some("tool", tool).some("denied_call_id", call).some("reason", reason))
}

// deniedAtEnd reports a denial in a result. Amp's is a string: "Bash(git push)".
func (n *claudeNotices) deniedAtEnd(raw json.RawMessage, out *output) {
	if text := textOf(raw); text != "" {
		tool, _, _ := strings.Cut(text, "(")
		out.note(eventlog.TypeGuardrail, "Denied: "+text, data(nil).some("tool", tool))
		return
	}
	denied := parseObject(raw)
	if !first(&n.denied, denied.text("tool_use_id")) {
		return
	}
	out.note(eventlog.TypeGuardrail, "Denied: "+denied.text("tool_name"),
		data(nil).some("tool", denied.text("tool_name")).raw("args", denied.value("tool_input")).some("denied_call_id", denied.text("tool_use_id")))
}

func (n *claudeNotices) stopHooks(o object, out *output) {
	var errors []string
	for _, raw := range o.list("hookErrors") {
		text, _ := contentText(raw)
		errors = append(errors, text)
	}
	if len(errors) > 0 {
		out.note(eventlog.TypeStatus, "A hook failed: Stop", data(nil).some("output", strings.Join(errors, "\n")))
	}
	if o.isTrue("preventedContinuation") {
		out.status(strings.TrimSpace("A hook stopped the agent: " + o.text("stopReason")))
	}
}

// task tells when a subagent or a background command starts and ends. The end may
// be told twice, or by either line alone.
func (n *claudeNotices) task(sub string, o object, m *claudeMessages, out *output) {
	id, call := o.text("task_id"), o.text("tool_use_id")
	if call == "" {
		call, _ = n.tasks.get(id)
	} else {
		n.tasks.put(id, call)
	}
	say := func(text string) {
		out.inside(call, func() { out.note(eventlog.TypeStatus, text, data(nil).some("task_id", id)) })
	}
	switch status := cmp.Or(o.text("status"), o.object("patch").text("status")); {
	case sub == "task_started":
		say(strings.TrimSpace("Started: " + o.text("description")))
	case sub == "task_progress" || status == "" || status == "running" || status == "pending":
		// Its own events tell it better.
	case first(&m.taskEnds, id):
		text := strings.ToUpper(status[:1]) + status[1:]
		if more := cmp.Or(o.text("summary", "error"), o.object("patch").text("error")); more != "" {
			text += ": " + more
		}
		say(text)
	}
}

// listed returns a list of texts behind a colon, or nothing.
func listed(o object, names ...string) string {
	var texts []string
	for _, name := range names {
		for _, raw := range o.list(name) {
			if text := textOf(raw); text != "" {
				texts = append(texts, text)
			}
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return ": " + strings.Join(texts, ", ")
}

func apiError(o object) string {
	e := o.object("error")
	if text := e.text("formatted"); text != "" {
		return text
	}
	for range 4 { // errors are wrapped in errors
		if text := e.text("message"); text != "" {
			return text
		}
		e = e.object("error")
	}
	if text := o.text("content"); text != "" {
		return text
	}
	return string(o.value("error"))
}
