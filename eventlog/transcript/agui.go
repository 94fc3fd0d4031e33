package transcript

import (
	"cmp"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// isAGUI: types in capitals, each with the member that it is about.
func isAGUI(o object) bool {
	switch o.text("type") {
	case "RUN_STARTED", "RUN_FINISHED":
		return o.has("threadId") || o.has("runId")
	case "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "TEXT_MESSAGE_CHUNK", "REASONING_MESSAGE_START", "REASONING_MESSAGE_CONTENT":
		return o.has("messageId")
	case "TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_RESULT", "TOOL_CALL_CHUNK":
		return o.has("toolCallId")
	case "MESSAGES_SNAPSHOT":
		return o.has("messages")
	}
	return false
}

// agUI converts the events of the Agent-User Interaction protocol, as JSON lines or as
// they come over HTTP.
type agUI struct {
	text     pieces
	roles    recent[string]   // of messages, by id
	messages recent[struct{}] // told
	called   recent[struct{}]
	done     recent[struct{}]
	call     agUICall
}

// agUICall is the call whose arguments are coming.
type agUICall struct {
	id, name string
	args     []byte
}

func (a *agUI) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	kind := o.text("type")
	id := o.text("messageId")
	switch kind {
	case "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_CHUNK", "REASONING_MESSAGE_CONTENT", "REASONING_MESSAGE_CHUNK", "THINKING_TEXT_MESSAGE_CONTENT",
		"TOOL_CALL_ARGS", "TOOL_CALL_CHUNK", "STATE_SNAPSHOT", "STATE_DELTA", "RAW":
	case "RUN_ERROR":
		a.text.cut(out)
		a.tell(out)
	default:
		a.rest(out)
	}
	switch kind {
	case "RUN_STARTED":
		out.begin(Origin{Agent: "AG-UI", Session: o.text("threadId")})
		out.working()
		out.answered("") // what was asked is answered by a new run
		a.history(o.object("input").list("messages"), out)
	case "RUN_FINISHED":
		if outcome := cmp.Or(o.text("outcome"), o.object("outcome").text("type")); outcome == "interrupt" {
			interrupted(o, out)
		} else {
			out.done()
		}
	case "RUN_ERROR":
		message := cmp.Or(o.text("message"), "the run failed")
		out.error(message, o.text("code"))
		out.failed(message)
	case "TEXT_MESSAGE_START":
		a.roles.put(id, o.text("role"))
		a.messages.put(id, struct{}{})
	case "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_CHUNK":
		a.piece(id, o, out)
	case "REASONING_MESSAGE_CONTENT", "REASONING_MESSAGE_CHUNK", "THINKING_TEXT_MESSAGE_CONTENT":
		a.text.add(eventlog.TypeThought, id, o.text("delta"), out)
		a.messages.put(id, struct{}{})
	case "TOOL_CALL_START":
		a.call = agUICall{id: o.text("toolCallId"), name: o.text("toolCallName")}
	case "TOOL_CALL_ARGS", "TOOL_CALL_CHUNK":
		a.args(o, out)
	case "TOOL_CALL_RESULT":
		a.messages.put(id, struct{}{})
		a.result(o.text("toolCallId"), o.value("content"), o.text("error"), out)
	case "MESSAGES_SNAPSHOT":
		a.history(o.list("messages"), out)
	case "ACTIVITY_SNAPSHOT":
		out.note(eventlog.TypeStatus, "Activity: "+o.text("activityType"), data(nil).raw("activity", o.value("content")))
	case "CUSTOM":
		out.note(eventlog.TypeStatus, "Custom: "+o.text("name"), data(nil).raw("value", o.value("value")))
	case "TEXT_MESSAGE_END", "TOOL_CALL_END", "STEP_STARTED", "STEP_FINISHED", "STATE_SNAPSHOT", "STATE_DELTA", "ACTIVITY_DELTA", "RAW",
		"REASONING_START", "REASONING_END", "REASONING_MESSAGE_START", "REASONING_MESSAGE_END", "REASONING_ENCRYPTED_VALUE",
		"THINKING_START", "THINKING_END", "THINKING_TEXT_MESSAGE_START", "THINKING_TEXT_MESSAGE_END":
	default:
		return false
	}
	return true
}

func (a *agUI) piece(id string, o object, out *output) {
	a.messages.put(id, struct{}{})
	role, _ := a.roles.get(id)
	switch cmp.Or(role, o.text("role")) {
	case "user":
		a.rest(out)
		out.user(eventlog.Human, o.text("delta"), nil)
	case "system", "developer":
		a.rest(out)
		out.user(eventlog.System, o.text("delta"), nil)
	default:
		a.tell(out)
		a.text.add(eventlog.TypeAssistant, id, o.text("delta"), out)
	}
}

func (a *agUI) args(o object, out *output) {
	if id := o.text("toolCallId"); id != "" && id != a.call.id {
		a.rest(out)
		a.call = agUICall{id: id, name: o.text("toolCallName")}
	}
	if len(a.call.args) < mostPartial {
		a.call.args = append(a.call.args, o.text("delta")...)
	}
}

// tell tells the call whose arguments have come.
func (a *agUI) tell(out *output) {
	call := a.call
	a.call = agUICall{}
	if call.id == "" || !first(&a.called, call.id) {
		return
	}
	var args json.RawMessage
	if len(call.args) > 0 {
		args = quote(string(call.args))
	}
	out.call(call.id, call.name, args)
}

// result converts what a tool gave back. Nothing says whether it went well, except what it gave
// back itself.
func (a *agUI) result(id string, content json.RawMessage, failure string, out *output) {
	if !first(&a.done, id) {
		return
	}
	text, parts := contentText(content)
	said := parseObject([]byte(text))
	_, _, failed := toolOutput(json.RawMessage(text))
	failed = failed || failure != "" || said.text("error") != "" || said.object("error") != nil
	r := result{id: id, success: !failed, output: cmp.Or(text, failure)}
	code, told := said.number("exit_code")
	if !told {
		code, told = said.number("exitCode")
	}
	if told {
		r.success, r.more = r.success && code == 0, r.more.number("exit_code", code)
	}
	r.more = withMore(r.more, data(nil).raw("parts", parts))
	out.result(r)
}

// history tells those messages of the conversation that were not told.
func (a *agUI) history(messages []json.RawMessage, out *output) {
	for _, raw := range messages {
		m := parseObject(raw)
		if id := m.text("id"); id == "" || !first(&a.messages, id) {
			continue
		}
		text, parts := contentText(m.value("content"))
		switch role := m.text("role"); role {
		case "user":
			out.user(eventlog.Human, text, parts)
		case "system", "developer":
			out.user(eventlog.System, text, parts)
		case "assistant":
			out.saysWith(eventlog.TypeAssistant, text, parts)
			for _, raw := range m.list("toolCalls") {
				call := parseObject(raw)
				if id := call.text("id"); first(&a.called, id) {
					out.call(id, call.object("function").text("name"), call.object("function").value("arguments"))
				}
			}
		case "tool":
			a.result(m.text("toolCallId"), m.value("content"), m.text("error"), out)
		case "reasoning":
			out.says(eventlog.TypeThought, text)
		case "activity":
			out.note(eventlog.TypeStatus, strings.TrimSpace("Activity: "+m.text("activityType")), data(nil).raw("activity", m.value("content")))
		default:
			out.raw(string(raw), "a message of no known role")
		}
	}
}

func (a *agUI) rest(out *output) {
	a.text.flush(out)
	a.tell(out)
}

func (*agUI) flush(*output) {}

func (a *agUI) end(out *output) {
	a.text.cut(out)
	a.tell(out)
}

// interrupted tells what a run waits for that a person interrupts it with. Older
// versions tell one interrupt beside the outcome, newer ones a list of them in it.
func interrupted(o object, out *output) {
	list := o.object("outcome").list("interrupts")
	if list == nil {
		list = []json.RawMessage{cmpRaw(o.value("interrupt"), o.value("outcome"))}
	}
	for _, raw := range list {
		one := parseObject(raw)
		payload := one.object("payload")
		out.asks(question{
			id: one.text("id"), call: one.text("toolCallId"), options: optionsOf(payload.list("options")),
			text: cmp.Or(one.text("message"), payload.text("question", "message", "prompt"), one.text("reason"), "The agent waits for a person"),
			more: data(nil).raw("interrupt", raw),
		})
	}
}
