package transcript

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"jrweb/eventlog"
)

// ClaudeCode is how the agent is called whose hooks [ReadClaudeHook] reads.
const ClaudeCode = "Claude Code"

// HookVersion is the version of the agent in a session that hooks record, because hooks do
// not tell it. A program that reads the transcript of the session tells the real one: from then
// on hooks record nothing in it that the transcript tells, too.
const HookVersion = "hooks"

// ClaudeHook is what Claude Code tells a hook: one thing that happens in one of its
// sessions. Hooks tell prompts, calls with their results, questions and the last words of a
// turn as they happen. Other words, thoughts and costs stand only in the transcript.
type ClaudeHook struct {
	// Event is the name of what happens, such as PreToolUse.
	Event string
	// Session is the agent's own id of its session, Dir the working directory.
	Session string
	Dir     string
	// Title is an event that names the task by a person's words, if there are any.
	Title *eventlog.Event
	// Key is the same each time the same thing is told. It is empty if nothing in what is
	// told tells one time from another.
	Key string
	// Events are what there is to record. They have no time: they happen now.
	Events []eventlog.Event
	// Aside says that the transcript of the session does not tell these events.
	Aside bool
	// Ends says that the session of the agent has ended.
	Ends bool
}

// turnEnded is the status of a turn that ended without a word.
const turnEnded = "The turn is over"

// ReadClaudeHook reads what Claude Code posts to an HTTP hook. An event of no known name
// is nothing to record. It fails if the body is not an object that names its event and session.
func ReadClaudeHook(body []byte) (*ClaudeHook, error) {
	o := parseObject(body)
	if o == nil {
		return nil, errors.New("must be a JSON object")
	}
	h := &ClaudeHook{Event: o.text("hook_event_name"), Session: o.text("session_id"), Dir: o.text("cwd")}
	if h.Event == "" || h.Session == "" {
		return nil, errors.New("must name hook_event_name and session_id")
	}
	if len(h.Session) > mostName {
		return nil, fmt.Errorf("the session_id must have at most %d bytes", mostName)
	}
	out := &output{limit: 4 << 20, parent: o.text("agent_id")}
	h.tell(o, out)
	for _, e := range out.events {
		if e.Type == TypeSession {
			h.Title = &e
		} else {
			h.Events = append(h.Events, e)
		}
	}
	h.Key = h.key(o, body)
	return h, nil
}

// key tells what happens from everything else that happens in the session.
func (h *ClaudeHook) key(o object, body []byte) string {
	name := h.Event + "\x00" + o.text("tool_use_id")
	if h.Event == "PostToolUseFailure" || h.Event == "PermissionDenied" {
		name = "PostToolUse\x00" + o.text("tool_use_id") // a call has one result
	}
	if !o.has("tool_use_id") {
		if !o.has("prompt_id") {
			return ""
		}
		name = h.Event + "\x00" + string(body)
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// tell makes the events.
func (h *ClaudeHook) tell(o object, out *output) {
	call, tool := o.text("tool_use_id"), o.text("tool_name")
	switch h.Event {
	case "UserPromptSubmit":
		said := claudeSaid{actor: eventlog.Human}
		if source := o.text("source"); source != "" && source != "user" && source != "sdk" {
			said.actor = eventlog.System // a timer, say
		}
		messages := claudeMessages{}
		messages.says(said, o.text("prompt"), nil, out)
	case "PreToolUse":
		out.call(call, tool, o.value("tool_input"))
	case "PostToolUse":
		r := hookResult(o.value("tool_response"))
		r.id, r.tool, r.took = call, tool, o.amount("duration_ms")
		out.result(r)
	case "PostToolUseFailure":
		text := o.text("error")
		r := result{id: call, tool: tool, output: text, took: o.amount("duration_ms")}
		if code, told := claudeExit(text); told {
			r.more = r.more.number("exit_code", code)
		}
		out.result(r)
	case "PermissionDenied":
		out.result(result{id: call, tool: tool, output: cmp.Or(o.text("reason"), "The permission was denied")})
	case "PermissionRequest":
		h.Aside = true
		out.asks(question{
			call: call, text: "Permission asked for " + tool,
			more: data(nil).some("tool", tool).raw("args", o.value("tool_input")),
		})
	case "Notification":
		h.Aside = true
		if o.text("notification_type") != "permission_prompt" && o.has("message") { // which is a PermissionRequest as well
			out.status(o.text("message"))
		}
	case "Stop":
		if out.says(eventlog.TypeAssistant, o.text("last_assistant_message")); len(out.events) == 0 {
			h.Aside = true
			out.status(turnEnded)
		}
	case "StopFailure":
		out.error(o.text("last_assistant_message", "error_details"), o.text("error"))
	case "SessionEnd":
		h.Ends = true
	}
}

// hookResult reads the result of a tool, of which hooks tell what the tool itself returns:
// the agent is shown a text that is made of it.
func hookResult(raw json.RawMessage) result {
	o := parseObject(raw)
	r := result{success: !o.isTrue("interrupted") && !o.isTrue("is_error") && !o.isTrue("isError")}
	file := o.object("file")
	switch {
	case o == nil:
		var parts json.RawMessage
		r.output, parts = contentText(raw)
		r.more = r.more.raw("parts", parts)
	case o.has("stdout") || o.has("stderr"): // a command
		r.output = strings.Trim(o.text("stdout")+"\n"+o.text("stderr"), "\n")
	case file.has("base64"): // an image
		r.output = "[image]"
		r.more = r.more.raw("parts", partsOf([]json.RawMessage{imagePart(file.text("type"), file.text("base64"))}))
	case file.has("content"): // a file that was read
		r.output = file.text("content")
	case o.hasList("content"): // a subagent, or MCP
		var parts json.RawMessage
		r.output, parts = contentText(o.value("content"))
		r.more = r.more.raw("parts", parts)
	default: // what was written stands in the call
		r.output = withoutMembers(raw, "originalFile", "content")
	}
	return r
}

// withoutMembers is the JSON of an object without some members.
func withoutMembers(raw json.RawMessage, names ...string) string {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return string(raw)
	}
	for _, name := range names {
		delete(members, name)
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if e.Encode(members) != nil {
		return string(raw)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// NameCall names the call that a permission is asked for, by the last events of the
// session: hooks do not tell it.
func (h *ClaudeHook) NameCall(last []eventlog.Event) {
	if h.Event != "PermissionRequest" || len(h.Events) != 1 {
		return
	}
	asked := parseObject(h.Events[0].Data)
	if asked.has("call_id") {
		return
	}
	done := map[string]bool{}
	for _, e := range slices.Backward(last) {
		o := parseObject(e.Data)
		id := o.text("call_id")
		switch {
		case e.Type == eventlog.TypeToolResult:
			done[id] = true
		case e.Type == eventlog.TypeToolCall && id != "" && !done[id] && o.text("tool") == asked.text("tool") && sameJSON(o.value("args"), asked.value("args")):
			d := data(bytes.TrimSuffix(h.Events[0].Data[1:], []byte("}")))
			h.Events[0].Data = slices.Clip(d).text("call_id", id).object()
			return
		}
	}
}

// sameJSON reports whether two values differ in white space only.
func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// HookOutcome is how a session ends that hooks tell the end of, by its last events.
func HookOutcome(last []eventlog.Event) Outcome {
	for _, e := range slices.Backward(last) {
		o := parseObject(e.Data)
		if o.has("parent_call_id") {
			continue // a subagent's
		}
		switch e.Type {
		case eventlog.TypeAssistant:
			return Outcome{Status: eventlog.Succeeded}
		case eventlog.TypeError:
			return Outcome{Status: eventlog.Failed, Reason: beginning(o.text("message"), 4<<10)}
		case eventlog.TypeStatus:
			if o.text("content") == turnEnded {
				return Outcome{Status: eventlog.Succeeded}
			}
		case eventlog.TypeUser, eventlog.TypeToolCall, eventlog.TypeToolResult, eventlog.TypeQuestion:
			return Outcome{Status: eventlog.Interrupted, Reason: "the agent ended in the middle of a turn", Unfinished: true}
		}
	}
	return Outcome{Status: eventlog.Interrupted, Reason: "the agent ended before it said anything"}
}
