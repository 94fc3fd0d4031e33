package transcript

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"jrweb/eventlog"
)

// isACP: a request or a notice of the Agent Client Protocol.
func isACP(o object) bool {
	if o.text("jsonrpc") != "2.0" {
		return false
	}
	switch method := o.text("method"); method {
	case "session/update":
		return o.object("params").object("update").has("sessionUpdate")
	case "session/prompt", "session/request_permission", "session/cancel":
		return o.object("params").has("sessionId")
	case "session/new", "session/load", "session/resume", "session/fork":
		return o.object("params").has("cwd")
	case "initialize":
		return o.object("params").has("protocolVersion") && o.object("params").has("clientCapabilities") && !o.object("params").has("clientInfo") ||
			o.object("params").object("clientCapabilities").has("fs")
	}
	return false
}

// acp converts the Agent Client Protocol: JSON-RPC between an editor and an agent, with
// the lines of both directions, or of the agent alone.
type acp struct {
	text    pieces
	prompts recent[string]     // requests for an answer, by id: the session
	asked   recent[string]     // what a person said and the agent may say again
	calls   recent[*acpCall]   // by id
	open    map[string]acpWait // calls whose arguments have not come
	order   []string           // of these
	todo    string
}

// acpCall is what is known of a call.
type acpCall struct {
	done    bool
	content json.RawMessage // the latest
}

// acpWait is a call that is not told yet.
type acpWait struct {
	update object
	at     time.Time
	parent string
}

func (a *acp) object(o object, out *output) bool {
	if o.text("jsonrpc") != "2.0" {
		return false
	}
	out.at = o.time("timestamp", "time")
	p := o.object("params")
	switch method := o.text("method"); method {
	case "session/update":
		return a.update(p.object("update"), p, out)
	case "session/prompt":
		a.rest(out)
		a.prompts.put(acpID(o), p.text("sessionId"))
		a.begin(p.text("sessionId"), out)
		text, parts := contentText(p.value("prompt"))
		out.user(eventlog.Human, text, parts)
		a.asked.put(text, "")
	case "session/new", "session/load", "session/resume", "session/fork":
		out.begin(Origin{Agent: acpAgent(out), Session: p.text("sessionId"), Dir: p.text("cwd")})
	case "session/cancel":
		a.rest(out)
		out.status("Canceled")
	case "session/request_permission":
		a.text.flush(out)
		call := p.object("toolCall")
		if _, waits := a.open[call.text("toolCallId")]; waits && len(call.object("rawInput")) > 0 {
			a.progress(call.only("toolCallId", "rawInput"), out)
		}
		out.asks(question{
			id: acpID(o), call: call.text("toolCallId"), options: optionsOf(p.list("options")),
			text: "Permission asked: " + cmp.Or(call.text("title"), call.text("toolCallId")),
		})
	case "fs/write_text_file":
		a.text.flush(out)
		out.note(eventlog.TypeStatus, "Wrote "+p.text("path"), data(nil).raw("file", o.value("params")))
	case "session/set_model", "session/set_mode":
		out.begin(Origin{Model: p.text("modelId")})
	case "":
		return a.response(o, out)
	case "initialize", "authenticate", "session/list", "session/close", "session/delete", "session/set_config_option", "logout",
		"fs/read_text_file", "terminal/create", "terminal/output", "terminal/wait_for_exit", "terminal/kill", "terminal/release", "$/cancel_request":
		// What a terminal prints is told with its call.
	default:
		if strings.HasPrefix(method, "_") && !o.has("id") {
			return true // a notice of one agent to its own editor
		}
		return false
	}
	return true
}

func acpID(o object) string { return string(o.value("id")) }

func acpAgent(out *output) string { return cmp.Or(out.origin.Agent, "ACP agent") }

func (a *acp) begin(session string, out *output) {
	out.begin(Origin{Agent: acpAgent(out), Session: session})
}

// response converts the answer to a request. Both sides number theirs from the same
// number on, so an answer is told by what it has.
func (a *acp) response(o object, out *output) bool {
	r := o.object("result")
	_, prompt := a.prompts.get(acpID(o))
	switch {
	case o.has("error"):
		e := o.object("error")
		message := cmp.Or(e.object("data").text("message", "details"), e.text("data"), e.text("message"), "a request failed")
		a.rest(out)
		out.error(message, string(e.value("code")))
		if prompt {
			out.failed(message)
		}
	case r.has("stopReason"):
		a.rest(out)
		a.stop(r.text("stopReason"), out)
		session, _ := a.prompts.get(acpID(o))
		a.usage(cmp.Or(session, out.origin.Session), r.object("usage"), out)
	case r.has("protocolVersion"):
		info := r.object("agentInfo")
		out.begin(Origin{Agent: cmp.Or(info.text("title", "name"), acpAgent(out)), Version: info.text("version")})
	case r.has("sessionId"):
		out.begin(Origin{Agent: acpAgent(out), Session: r.text("sessionId"), Model: r.object("models").text("currentModelId")})
	case r.object("outcome").has("outcome"):
		outcome := r.object("outcome")
		out.decided(acpID(o), strings.TrimSpace(outcome.text("outcome")+" "+outcome.text("optionId")), nil)
	}
	// The others answer what is silent itself.
	return o.has("id") && (o.has("error") || len(o.value("result")) > 0)
}

func (a *acp) stop(reason string, out *output) {
	switch reason {
	case "end_turn":
		out.done()
	case "cancelled", "canceled":
		out.canceled("canceled by a person")
	default: // max_tokens, max_turn_requests, refusal
		message := "the turn ended: " + strings.ReplaceAll(reason, "_", " ")
		out.error(message, reason)
		out.failed(message)
	}
}

// usage counts what a session has come to.
func (a *acp) usage(session string, u object, out *output) {
	if u == nil {
		return
	}
	read, written := u.amount("cachedReadTokens", "cacheReadTokens"), u.amount("cachedWriteTokens", "cacheWriteTokens")
	out.cumulates(session, out.origin.Model, usage{
		usd: u.object("cost").amount("amount"), input: u.amount("inputTokens"), output: u.amount("outputTokens") + u.amount("thoughtTokens"),
		cacheRead: read, cacheWrite: written,
	})
}

func (a *acp) update(u, params object, out *output) bool {
	if out.origin.Session == "" {
		a.begin(params.text("sessionId"), out)
	}
	meta := u.object("_meta").object("claudeCode")
	out.parent = meta.text("parentToolUseId")
	kind := u.text("sessionUpdate")
	switch kind {
	case "agent_message_chunk", "agent_thought_chunk", "user_message_chunk":
		a.chunk(kind, u, out)
	case "tool_call":
		a.text.flush(out)
		a.call(u, out)
	case "tool_call_update":
		a.text.flush(out)
		a.progress(u, out)
	case "plan":
		a.text.flush(out)
		if text := acpPlan(u.list("entries")); text != a.todo {
			a.todo = text
			out.note(eventlog.TypeStatus, "Plan\n\n"+text, data(nil).raw("entries", u.value("entries")))
		}
	case "session_info_update":
		out.title(u.text("title"))
	case "usage_update":
		if u.object("cost").text("currency") == "USD" {
			a.usage(params.text("sessionId"), u.only("cost"), out)
		}
	case "current_mode_update", "available_commands_update", "config_option_update", "current_model_update":
		if model := u.text("currentModelId"); model != "" {
			out.begin(Origin{Model: model})
		}
	default:
		return false
	}
	return true
}

// chunk takes a piece of a message. What a person said is said again by some agents.
func (a *acp) chunk(kind string, u object, out *output) {
	text, parts := contentText(u.value("content"))
	if kind == "user_message_chunk" {
		a.rest(out)
		if _, asked := a.asked.get(text); !asked {
			out.user(eventlog.Human, text, parts)
		}
		return
	}
	a.tellAll(out)
	as := eventlog.TypeAssistant
	if kind == "agent_thought_chunk" {
		as = eventlog.TypeThought
	}
	if parts == nil {
		a.text.add(as, u.text("messageId"), text, out)
		return
	}
	a.text.flush(out)
	out.saysWith(as, text, parts)
}

// call takes a call. Some agents tell its arguments later, so it is told when they
// have come, or something else does.
func (a *acp) call(u object, out *output) {
	id := u.text("toolCallId")
	if _, known := a.calls.get(id); known && id != "" {
		a.progress(u, out)
		return
	}
	a.calls.put(id, &acpCall{})
	if a.open == nil {
		a.open = map[string]acpWait{}
	}
	a.open[id] = acpWait{u.clone(), out.at, out.parent}
	a.order = append(a.order, id)
	if len(u.object("rawInput")) > 0 || len(a.order) > 100 {
		a.tellAll(out)
	}
	a.progress(u.only("toolCallId", "status", "content", "rawOutput", "_meta"), out)
}

// tellAll tells the calls that wait.
func (a *acp) tellAll(out *output) {
	for _, id := range a.order {
		a.tell(id, a.open[id], out)
	}
	a.order, a.open = nil, nil
}

func (a *acp) tell(id string, w acpWait, out *output) {
	u := w.update
	at, parent := out.at, out.parent
	out.at, out.parent = w.at, w.parent
	title, kind := u.text("title"), u.text("kind")
	tool := u.object("_meta").object("claudeCode").text("toolName")
	if tool == "" && kind != "" && kind != "other" {
		tool = kind
	}
	args := u.value("rawInput")
	if o := parseObject(args); len(o) == 0 && (len(args) == 0 || args[0] == '{' || string(args) == "null") {
		args = data(nil).some("title", title).raw("locations", u.value("locations")).object()
	}
	a.text.flush(out)
	out.call(id, cmp.Or(tool, title, "tool"), args)
	out.at, out.parent = at, parent
}

// progress takes what changed about a call, which may be its end.
func (a *acp) progress(u object, out *output) {
	id := u.text("toolCallId")
	call, known := a.calls.get(id)
	if !known {
		a.call(u, out)
		return
	}
	if w, waits := a.open[id]; waits {
		for _, name := range []string{"rawInput", "title", "kind", "locations"} {
			if value := u.value(name); len(value) > 0 && string(value) != "null" {
				w.update = w.update.without(name).with(name, bytes.Clone(value))
			}
		}
		a.open[id] = w
		if status := u.text("status"); len(u.object("rawInput")) > 0 || status != "" && status != "pending" {
			a.tellAll(out)
		}
	}
	if content := u.value("content"); len(content) > 2 {
		call.content = append(json.RawMessage(nil), content...)
	}
	status := u.text("status")
	if status != "completed" && status != "failed" && status != "cancelled" || call.done {
		return
	}
	call.done = true
	text, parts := acpContent(call.content)
	call.content = nil
	raw := u.object("rawOutput")
	if text == "" {
		text, parts = contentText(cmpRaw(raw.value("output"), cmpRaw(raw.value("formatted_output"), u.value("rawOutput"))))
	}
	r := result{id: id, success: status == "completed" && !raw.isTrue("isError"), output: text}
	code, told := raw.number("exit_code")
	if !told {
		if code, told = raw.number("exitCode"); !told {
			code, told = u.object("_meta").object("terminal_exit").number("exit_code")
		}
	}
	if told {
		r.success, r.more = r.success && code == 0, r.more.number("exit_code", code)
	}
	r.more = withMore(r.more, data(nil).raw("parts", parts))
	out.result(r)
}

// acpContent returns the text of what a call made: contents, changes of files, terminals.
func acpContent(raw json.RawMessage) (text string, parts json.RawMessage) {
	var texts []string
	var others []json.RawMessage
	for _, one := range listOf(raw) {
		o := parseObject(one)
		switch o.text("type") {
		case "content":
			said, part := contentText(o.value("content"))
			texts = append(texts, said)
			others = append(others, listOf(part)...)
		case "diff":
			texts = append(texts, "Changed "+o.text("path"))
			others = append(others, one)
		case "terminal":
			// Its output is with the editor.
		default:
			said, part := contentText(one)
			texts = append(texts, said)
			others = append(others, listOf(part)...)
		}
	}
	return strings.Join(texts, "\n"), partsOf(others)
}

func acpPlan(entries []json.RawMessage) string {
	var b strings.Builder
	for _, raw := range entries {
		o := parseObject(raw)
		mark := " "
		switch o.text("status") {
		case "completed":
			mark = "x"
		case "in_progress":
			mark = "~"
		}
		fmt.Fprintf(&b, "- [%s] %s\n", mark, o.text("content"))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// rest tells what waits, when something ends it.
func (a *acp) rest(out *output) {
	a.text.flush(out)
	a.tellAll(out)
}

func (a *acp) flush(out *output) { a.rest(out) }

func (*acp) end(*output) {}
