package transcript

import (
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// attachment converts what Claude Code puts beside the messages.
func (m *claudeMessages) attachment(o object, out *output) bool {
	a := o.object("attachment")
	kind := a.text("type")
	switch kind {
	case "queued_command":
		m.absorbed(o, a, out)
	case "hook_blocking_error", "hook_non_blocking_error", "hook_error_during_execution":
		text := a.text("stderr", "content", "stdout")
		if text == "" {
			text = a.object("blockingError").text("blockingError", "message")
		}
		out.note(eventlog.TypeStatus, "A hook failed: "+a.text("hookName", "hookEvent"), data(nil).some("output", text))
	case "hook_stopped_continuation":
		out.status(strings.TrimSpace("A hook stopped the agent: " + a.text("message")))
	case "hook_additional_context", "hook_system_message", "async_hook_response":
		text, _ := contentText(a.value("content"))
		out.user(eventlog.System, text, nil)
	case "max_turns_reached":
		text := "the most turns are reached"
		out.error(text, kind)
		out.failed(text)
	case "file", "already_read_file", "compact_file_reference", "pdf_reference", "edited_text_file", "edited_image_file", "directory":
		m.file(kind, a, out)
	case "plan_file_reference", "nested_memory":
		out.status(strings.TrimSpace("Attached " + a.text("displayPath", "planFilePath", "path")))
	case "structured_output":
		out.note(eventlog.TypeStatus, "Structured output", data(nil).raw("structured_output", a.value("data")))
	default:
		if _, silent := silentAttachments[kind]; !silent {
			out.note(eventlog.TypeStatus, strings.TrimSpace("Attachment "+kind), data(nil).raw("attachment", o.value("attachment")))
		}
	}
	return true
}

// silentAttachments are what Claude Code tells the model at each turn: its prompt, its
// tools, the day.
var silentAttachments = setOf("environment", "model", "date", "date_change", "session_context", "prompt_snapshot", "skill_listing",
	"deferred_tools_delta", "deferred_tools_record", "agent_listing_delta", "mcp_instructions_delta", "total_tokens_reminder",
	"remote_session_change", "todo_reminder", "task_reminder", "output_style", "critical_system_reminder", "token_usage", "budget_usd",
	"compaction_reminder", "context_efficiency", "command_permissions", "companion_intro", "ultrathink_effort", "verify_plan_reminder",
	"output_token_usage", "auto_mode", "auto_mode_exit", "plan_mode", "plan_mode_reentry", "plan_mode_exit", "dynamic_skill", "invoked_skills")

// absorbed converts what was typed while the agent worked, and was given to it at once.
func (m *claudeMessages) absorbed(line, a object, out *output) {
	if !first(&m.blocks, "attachment/"+line.text("uuid")) {
		return
	}
	s := claudeSaid{actor: actorOf(a), at: out.at}
	if mode := a.text("commandMode"); mode != "" && mode != "prompt" && mode != "bash" {
		s.actor = eventlog.System
	}
	text, parts := contentText(a.value("prompt"))
	if images := a.list("imageContents"); len(images) > 0 {
		_, parts = contentText(a.value("imageContents"))
	}
	m.says(s, text, parts, out)
	m.queue.ran()
}

// file reports a file that a person named, or that changed while the agent worked. Its text is
// not repeated, its image is.
func (m *claudeMessages) file(kind string, a object, out *output) {
	name := a.text("displayPath", "filename", "path")
	verb := "Attached "
	if strings.HasPrefix(kind, "edited") {
		verb = "Changed meanwhile: "
	}
	var parts json.RawMessage
	if image := a.object("content").object("file"); image.text("base64") != "" {
		parts = partsOf([]json.RawMessage{imagePart(image.text("type"), image.text("base64"))})
	}
	out.note(eventlog.TypeStatus, verb+name, data(nil).raw("parts", parts))
}
