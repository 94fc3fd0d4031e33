package transcript

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"jrweb/eventlog"
)

// isAmpThread: a document with messages, whose id is that of a thread.
func isAmpThread(o object) bool {
	return strings.HasPrefix(o.text("id"), "T-") && o.has("messages") && (o.has("v") || o.has("created"))
}

// ampThread converts the files that Amp keeps of its threads (T-*.json), and what
// amp threads export prints.
type ampThread struct {
	holdsNothing
	thread string
}

func (a *ampThread) object(o object, out *output) bool {
	if !isAmpThread(o) {
		return false
	}
	a.thread = o.text("id")
	created := o.time("created")
	out.at = created
	initial := o.object("env").object("initial")
	var tree object
	if trees := initial.list("trees"); len(trees) > 0 {
		tree = parseObject(trees[0])
	}
	out.begin(Origin{
		Agent: "Amp", Version: initial.object("platform").text("clientVersion"), Session: a.thread,
		Parent: parentThread(o), Dir: strings.TrimPrefix(tree.text("uri"), "file://"),
		Branch: strings.TrimPrefix(tree.object("repository").text("ref"), "refs/heads/"),
	})
	out.title(o.text("title"))
	for _, raw := range o.list("messages") {
		if m := parseObject(raw); !a.message(m, out) {
			out.raw(string(raw), "a message of no known kind")
		}
	}
	for _, raw := range o.object("usageLedger").list("events") {
		e := parseObject(raw)
		out.at = e.time("timestamp")
		t := e.object("tokens")
		a.cost(ampMessage(e.value("toMessageId")), e.text("model"), usage{
			input: t.amount("input"), output: t.amount("output"),
			cacheRead: t.amount("cacheReadInputTokens"), cacheWrite: t.amount("cacheCreationInputTokens"),
		}, out)
	}
	return true
}

// parentThread returns the thread that this one was forked from, or was handed to by.
func parentThread(o object) string {
	for _, raw := range o.list("relationships") {
		if r := parseObject(raw); r.text("role") == "parent" || r.text("type") == "fork" || r.text("type") == "handoff" {
			if id := r.text("threadID"); id != "" && r.text("role") != "child" {
				return id
			}
		}
	}
	return o.text("parentThreadID", "forkedFromThreadID")
}

func (a *ampThread) message(m object, out *output) bool {
	role := m.text("role")
	if role != "user" && role != "assistant" && role != "info" {
		return false
	}
	out.at = m.object("meta").time("sentAt")
	if out.at.IsZero() {
		out.at = m.object("usage").time("timestamp")
	}
	if model := m.object("usage").text("model"); model != "" {
		out.begin(Origin{Agent: "Amp", Model: model})
	}
	blocks := m.list("content")
	if blocks == nil {
		blocks = []json.RawMessage{m.value("content")}
	}
	for _, raw := range blocks {
		a.block(role, m, parseObject(raw), raw, out)
	}
	if role == "assistant" {
		a.state(m.object("state"), blocks, out)
		u := m.object("usage")
		a.cost(ampMessage(m.value("messageId")), u.text("model"), usage{
			input: u.amount("inputTokens"), output: u.amount("outputTokens"),
			cacheRead: u.amount("cacheReadInputTokens"), cacheWrite: u.amount("cacheCreationInputTokens"),
		}, out)
	}
	return true
}

func (a *ampThread) block(role string, m, block object, raw json.RawMessage, out *output) {
	at := out.at
	defer func() { out.at = at }()
	if start := block.time("startTime"); !start.IsZero() {
		out.at = start
	}
	switch kind := block.text("type"); {
	case kind == "tool_use":
		out.call(block.text("id"), block.text("name"), block.value("input"))
	case kind == "tool_result":
		a.result(block, out)
	case kind == "thinking":
		out.says(eventlog.TypeThought, block.text("thinking"))
	case kind == "redacted_thinking":
	case kind == "summary":
		text, _ := contentText(block.object("summary").value("summary"))
		out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).some("summary", cmp.Or(text, block.object("summary").text("summary"))))
	case kind == "manual_bash_invocation":
		a.bash(block, out)
	case role == "assistant":
		out.saysBlock(raw)
	case role == "info":
		text, parts := contentText(raw)
		out.user(eventlog.System, text, parts)
	default:
		text, parts := contentText(raw)
		actor := eventlog.Human
		if m.object("meta").isTrue("synthetic") || block.isTrue("hidden") {
			actor = eventlog.System
		}
		out.user(actor, text, parts)
	}
}

// result converts what a tool gave back: {status: done|error|cancelled|rejected-by-user, result}.
func (a *ampThread) result(block object, out *output) {
	run := block.object("run")
	status := run.text("status")
	id := block.text("toolUseID", "tool_use_id")
	if status == "in-progress" || status == "queued" || status == "blocked-on-user" {
		return // it has not ended
	}
	raw := cmpRaw(run.value("result"), cmpRaw(block.value("output"), block.value("content")))
	answer := parseObject(raw)
	text, parts := contentText(raw)
	if answer != nil {
		if shown := answer.text("output", "content", "text"); shown != "" {
			text, parts = shown, nil
		}
	}
	r := result{
		id: id, success: (status == "done" || status == "") && !block.isTrue("is_error"),
		output: cmp.Or(text, run.object("error").text("message"), run.text("error", "reason"), status),
	}
	code, told := answer.number("exitCode")
	if told {
		r.success, r.more = r.success && code == 0, r.more.number("exit_code", code)
	}
	if !r.success && status != "" && status != "done" {
		r.more = withMore(r.more, data(nil).text("code", status))
	}
	r.more = withMore(r.more, data(nil).raw("parts", parts))
	out.result(r)
}

// bash converts a command that a person ran.
func (a *ampThread) bash(block object, out *output) {
	run := block.object("toolRun")
	if run == nil {
		run = block.object("run")
	}
	command := cmp.Or(block.object("args").text("cmd", "command"), block.text("cmd", "command"))
	answer := run.object("result")
	code, told := answer.number("exitCode")
	out.call("", "bash", data(nil).text("command", command).object())
	r := result{tool: "bash", success: !told || code == 0, output: answer.text("output")}
	if told {
		r.more = r.more.number("exit_code", code)
	}
	out.result(r)
}

// state tells how a message ended.
func (a *ampThread) state(state object, blocks []json.RawMessage, out *output) {
	called := false
	for _, raw := range blocks {
		called = called || parseObject(raw).text("type") == "tool_use"
	}
	switch state.text("type") {
	case "cancelled":
		out.canceled("canceled by a person")
	case "error":
		message := cmp.Or(state.object("error").text("message"), state.text("error", "message"), "a message failed")
		out.error(message, "error")
		out.failed(message)
	case "streaming":
		out.working()
	default:
		if !called {
			out.rested()
		}
	}
}

// ampMessage returns the id of a message, which is a number or a text.
func ampMessage(raw json.RawMessage) string { return cmp.Or(textOf(raw), string(raw)) }

// cost counts a message. The ledger of the thread tells the same of most of them.
func (a *ampThread) cost(message, model string, u usage, out *output) {
	if message == "" {
		message = "at " + out.at.Format(time.RFC3339Nano)
	}
	out.member(idOf(a.thread, message), idOf(a.thread, model), model, u)
}
