package transcript

import (
	"cmp"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// isQwenSession: the lines are laid out as Claude Code's, with messages in the shape
// of Google's API in them.
func isQwenSession(o object) bool {
	if !o.has("sessionId") || !o.has("uuid") {
		return false
	}
	switch o.text("type") {
	case "user", "assistant", "tool_result":
		return o.object("message").hasList("parts")
	case "system":
		return o.has("subtype") && o.object("systemPayload") != nil
	}
	return false
}

// qwenSession converts the files that Qwen Code keeps of its chats, and those of its
// subagents. What responses cost stands in lines of telemetry, subagents included; in
// files without them, it stands with the messages.
type qwenSession struct {
	holdsNothing
	seen    recent[struct{}]
	main    bool // there were lines of the agent itself
	metered bool // there were lines of telemetry
	named   bool // a person gave the title
	sum     usage
}

func (q *qwenSession) object(o object, out *output) bool {
	kind, sub := o.text("type"), o.text("subtype")
	switch kind {
	case "user", "assistant", "tool_result", "system":
	default:
		return false
	}
	if !o.has("sessionId") || kind == "system" && !isQwenSystem(sub) {
		return false
	}
	if !first(&q.seen, o.text("uuid")) {
		return true
	}
	out.at = o.time("timestamp")
	q.begin(o, out)
	m, payload := o.object("message"), o.object("systemPayload")
	switch kind {
	case "user":
		q.user(sub, m, payload, out)
	case "assistant":
		p := partsOfGoogle(m.value("parts"))
		out.saysParts(p)
		for _, call := range p.calls {
			name, args := qwenTool(call.text("name"), call.value("args"))
			out.call(call.text("id"), name, args)
		}
		q.answered(o, out)
		if len(p.calls) == 0 {
			out.rested()
		}
	case "tool_result":
		p := partsOfGoogle(m.value("parts"))
		for _, response := range p.responses {
			q.result(response, o.object("toolCallResult"), p.images, out)
		}
		out.user(eventlog.System, p.text, nil)
	case "system":
		q.system(sub, o, payload, out)
	}
	return true
}

func isQwenSystem(sub string) bool {
	switch sub {
	case "ui_telemetry", "custom_title", "session_model", "parent_session", "chat_compression", "rewind", "slash_command", "turn_result",
		// These tell nothing of the run that other lines do not tell.
		"attribution_snapshot", "file_history_snapshot", "at_command", "user_text_elements", "omni_recall",
		"session_source", "session_sources_snapshot", "session_artifact_snapshot", "session_artifact_event",
		"background_task_completed", "branch_checkpoint", "goal_state", "goal_runtime", "goal_turn_end", "supported_commands":
		return true
	}
	return false
}

// begin tells whose line it is. A subagent's file is a part of the session that its
// lines name; in the agent's own file, or behind it, it is nested.
func (q *qwenSession) begin(o object, out *output) {
	origin := Origin{
		Agent: "Qwen Code", Version: o.text("version"), Dir: o.text("cwd"), Branch: o.text("gitBranch"),
		Session: o.text("sessionId"), Model: o.text("model"), Parent: o.object("forkedFrom").text("sessionId"),
	}
	agent := o.text("agentId")
	switch {
	case agent == "" || !o.isTrue("isSidechain"):
		q.main = true
		out.begin(origin)
	case q.main:
		out.parent = qwenCall(agent, o.text("agentName"))
	default:
		origin.Session, origin.Parent = agent, origin.Session
		out.begin(origin)
	}
}

// qwenCall returns the call that started a subagent, which is a part of its id.
func qwenCall(agent, name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(agent, name), "-")
}

func (q *qwenSession) user(sub string, m, payload object, out *output) {
	p := partsOfGoogle(m.value("parts"))
	switch {
	case sub == "notification":
		call := between(p.text, "<tool-use-id>", "</tool-use-id>")
		out.inside(call, func() {
			out.note(eventlog.TypeStatus, cmp.Or(payload.text("displayText"), p.text), data(nil).text("message", p.text))
		})
	case sub == "mid_turn_user_message", sub == "" && (q.main || out.origin.Parent == ""):
		out.user(eventlog.Human, p.text, p.images)
	case sub == "":
		out.user(eventlog.Agent, p.text, p.images) // the prompt of a subagent
		out.working()
	default:
		out.user(eventlog.System, p.text, p.images)
	}
}

// between returns the text between two marks, "" if one is not there.
func between(text, start, end string) string {
	_, rest, found := strings.Cut(text, start)
	inner, _, closed := strings.Cut(rest, end)
	if !found || !closed {
		return ""
	}
	return inner
}

func (q *qwenSession) result(response, told object, images json.RawMessage, out *output) {
	text, parts := responseText(response)
	display := told.object("resultDisplay")
	r := result{
		id: response.text("id"), output: text,
		success: !response.object("response").has("error") && told.text("status") != "error" && told.text("status") != "cancelled",
		took:    told.amount("durationMs"), more: data(nil).some("code", told.text("errorType")).raw("parts", cmpRaw(parts, images)),
	}
	if code, known := display.number("exitCode"); known {
		r = r.withExitCode(code, true)
	} else {
		r = r.withExitCode(exitCodeOf(text))
	}
	if _, known := out.tools.get(r.id); !known {
		r.tool = response.text("name")
	}
	out.result(r)
}

// answered counts a message of the agent, where no telemetry does. What a subagent's
// file tells is a part of what the session's own file tells.
func (q *qwenSession) answered(o object, out *output) {
	u := o.object("usageMetadata")
	if q.metered || u == nil {
		return
	}
	now := promptUsage(u.amount("promptTokenCount"), u.amount("cachedContentTokenCount"), u.amount("toolUsePromptTokenCount"),
		u.amount("candidatesTokenCount"), u.amount("thoughtsTokenCount"), u.amount("totalTokenCount"))
	model := cmp.Or(o.text("model"), out.origin.Model)
	if o.isTrue("isSidechain") {
		q.sum = q.sum.plus(now.clamped())
		out.cumulates(o.text("sessionId"), model, q.sum)
		return
	}
	out.member(o.text("uuid"), account(o), model, now)
}

// account is the session that a line was written in first.
func account(o object) string {
	return cmp.Or(o.object("forkedFrom").text("sessionId"), o.text("sessionId"))
}

func (q *qwenSession) system(sub string, o, payload object, out *output) {
	switch sub {
	case "ui_telemetry":
		q.telemetry(o, payload.object("uiEvent"), out)
	case "custom_title":
		byHand := payload.text("titleSource") != "auto"
		if byHand || !q.named {
			q.named = q.named || byHand
			out.title(payload.text("customTitle"))
		}
	case "session_model":
		if model := payload.text("model", "modelId"); model != "" {
			out.begin(Origin{Model: model})
		}
	case "parent_session":
		out.begin(Origin{Parent: payload.text("parentSessionId")})
	case "chat_compression":
		out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).raw("compaction", payload.value("info")))
	case "rewind":
		out.status("The conversation went back: what came after that point is not a part of it any more")
	case "slash_command":
		q.command(payload, out)
	case "turn_result":
		switch payload.text("state") {
		case "completed":
			out.done()
		case "cancelled":
			out.canceled("the turn was cancelled")
		case "error":
			message := payload.text("resultText")
			out.error(message, payload.text("resultCode"))
			out.failed(message)
		}
	}
}

// command reports a command to Qwen Code itself, and what it answered.
func (*qwenSession) command(payload object, out *output) {
	if payload.text("phase") != "result" {
		out.status("Command: " + payload.text("rawCommand"))
	}
	for _, raw := range payload.list("outputHistoryItems") {
		if text := parseObject(raw).text("text"); text != "" {
			out.status(text)
		}
	}
}

// telemetry converts what Qwen Code measured: of each response, and of each request
// that failed, which it tries again.
func (q *qwenSession) telemetry(o, event object, out *output) {
	call := ""
	if agent := event.text("subagent_id"); agent != "" {
		call = qwenCall(agent, event.text("subagent_name"))
	}
	out.inside(call, func() {
		switch event.text("event.name") {
		case "qwen-code.api_response":
			q.metered = true
			now := promptUsage(event.amount("input_token_count"), event.amount("cached_content_token_count"), event.amount("tool_token_count"),
				event.amount("output_token_count"), event.amount("thoughts_token_count"), event.amount("total_token_count"))
			// Some providers give the same id to several responses.
			id := cmp.Or(event.text("response_id"), o.text("uuid")) + "/" + event.text("event.timestamp")
			out.member(id, account(o), event.text("model"), now)
		case "qwen-code.api_error":
			message := cmp.Or(event.text("error_message", "error"), "a request to the model failed")
			out.error(message, cmp.Or(event.text("error_type"), "api_error"))
			out.failed(message)
		}
	})
}
