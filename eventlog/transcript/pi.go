package transcript

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"jrweb/eventlog"
)

func isPi(o object) bool {
	switch o.text("type") {
	case "session":
		return o.has("id") && o.has("timestamp") && o.has("cwd")
	case "agent_start", "turn_start", "agent_end", "turn_end":
		return true
	case "message_start", "message_update", "message_end":
		return o.object("message").has("role") || o.object("assistantMessageEvent") != nil
	case "message":
		// Other agents' files have such lines, too. The times in pi's messages are numbers.
		_, timed := o.object("message").number("timestamp")
		return timed && o.object("message").has("role")
	case "tool_execution_start", "tool_execution_end":
		return o.has("toolCallId")
	}
	return false
}

// pi converts the output of pi --mode json, and its session files. The entries of a
// file are a tree: each names the one before it. They are told in the order of the
// file, which is the order in which things happened.
type pi struct {
	called, done recent[struct{}]
	partial      partials
	message      int            // in hand, for its pieces
	entry        string         // the latest entry of the file
	words        recent[string] // how the messages of the file begin, by entry
}

func (p *pi) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	kind := o.text("type")
	if kind != "session" {
		p.follow(o, out)
	}
	switch kind {
	case "session":
		out.begin(Origin{Agent: "pi", Session: o.text("id"), Dir: o.text("cwd"), Parent: piSession(o.text("parentSession"))})
	case "message_end", "message":
		return p.whole(o.object("message"), out)
	case "message_start":
		p.message++
	case "message_update":
		p.piece(o.object("assistantMessageEvent"), out)
	case "tool_execution_start":
		p.call(o.text("toolCallId"), o.text("toolName"), o.value("args"), out)
	case "tool_execution_end":
		text, parts := piContent(o.value("result"))
		p.result(result{
			id: o.text("toolCallId"), tool: o.text("toolName"), success: !o.isTrue("isError") && !o.object("result").isTrue("isError"),
			output: cmp.Or(text, o.text("error")), took: o.amount("durationMs"), more: data(nil).raw("parts", parts),
		}, out)
	case "model_change":
		out.begin(Origin{Agent: "pi", Model: o.text("modelId", "model")})
	case "session_info", "session_info_changed":
		out.title(cmp.Or(o.text("name", "sessionName"), o.object("session").text("name")))
	case "auto_retry_start":
		out.error(fmt.Sprintf("retry %g of %g: %s", o.amount("attempt"), o.amount("maxAttempts"), o.text("errorMessage")), "retry")
	case "auto_retry_end":
		if ok, told := o.truth("success"); told && !ok {
			out.error(o.text("finalError"), "retry")
			out.failed(o.text("finalError"))
		}
	case "extension_error":
		out.error(o.text("error"), "extension_error")
	case "compaction", "compaction_end", "auto_compaction_end":
		d := data(nil).some("summary", cmp.Or(o.text("summary"), o.object("result").text("summary"))).some("error", o.text("errorMessage"))
		out.note(eventlog.TypeStatus, "The conversation was compacted", d)
	case "branch_summary":
		out.note(eventlog.TypeStatus, "A branch was given up: "+o.text("summary"), nil)
	case "custom_message":
		text, parts := contentText(o.value("content"))
		out.user(eventlog.System, text, parts)
	case "agent_start", "agent_end", "turn_start", "turn_end", "tool_execution_update", "auto_compaction_start", "compaction_start",
		"thinking_level_change", "label", "custom", "queue_update", "entry_appended", "thinking_level_changed":
		// The ends repeat messages that came before. A custom entry is an extension's own
		// state, a label a bookmark.
	default:
		return false
	}
	return true
}

// follow keeps to the tree. An entry that does not come after the latest one begins a
// new branch: what stands between is not a part of the conversation any more.
func (p *pi) follow(o object, out *output) {
	id := o.text("id")
	if o.value("parentId") == nil || id == "" {
		return
	}
	if parent := o.text("parentId"); p.entry != "" && parent != p.entry {
		text := "Back to the beginning: what came so far was given up"
		if words, known := p.words.get(parent); known {
			text = fmt.Sprintf("Back to %q: what came after it was given up", words)
		} else if parent != "" {
			text = "Back to an earlier point: what came after it was given up"
		}
		out.note(eventlog.TypeStatus, text, data(nil).some("back_to", parent))
		out.working()
	}
	p.entry = id
	words, _ := contentText(o.object("message").value("content"))
	if words = titleOf(words, mostTitle); words == "" {
		words, _ = p.words.get(o.text("parentId")) // it says nothing itself
	}
	if words != "" {
		p.words.put(id, words)
	}
}

// piSession returns the id in the path of a session's file: …/TIME_ID.jsonl.
func piSession(path string) string {
	name := path[strings.LastIndexAny(path, `/\`)+1:]
	name = strings.TrimSuffix(name, ".jsonl")
	return name[strings.LastIndexByte(name, '_')+1:]
}

// piece keeps a part of a message, which comes as a whole later. Calls and results
// are told at once.
func (p *pi) piece(e object, out *output) {
	id := strconv.Itoa(p.message) + "/" + strconv.Itoa(int(e.amount("contentIndex")))
	call := e.object("toolCall")
	switch e.text("type") {
	case "text_delta":
		p.partial.add(id, eventlog.TypeAssistant, "", e.text("delta"))
	case "thinking_delta":
		p.partial.add(id, eventlog.TypeThought, "", e.text("delta"))
	case "tool_result":
		text, parts := piContent(cmpRaw(call.value("output"), call.value("result")))
		failed := call.isTrue("isError") || e.isTrue("isError")
		p.call(call.text("id"), call.text("name"), cmpRaw(call.value("input"), call.value("arguments")), out)
		p.result(result{id: call.text("id"), tool: call.text("name"), success: !failed, output: text, more: data(nil).raw("parts", parts)}, out)
	}
}

// piContent returns the text of a tool's result: {content: [blocks], details}, or
// plain text.
func piContent(raw json.RawMessage) (text string, parts json.RawMessage) {
	if o := parseObject(raw); o.has("content") {
		return contentText(o.value("content"))
	}
	return contentText(raw)
}

func (p *pi) whole(m object, out *output) bool {
	if t := m.time("timestamp"); !t.IsZero() {
		out.at = t
	}
	text, parts := contentText(m.value("content"))
	switch m.text("role") {
	case "user":
		out.user(eventlog.Human, text, parts)
	case "assistant":
		p.assistant(m, out)
	case "toolResult":
		p.result(result{id: m.text("toolCallId"), tool: m.text("toolName"), success: !m.isTrue("isError"), output: text, more: data(nil).raw("parts", parts)}, out)
	case "bashExecution": // a person's own command
		code, known := m.number("exitCode")
		out.call("", "bash", data(nil).text("command", m.text("command")).object())
		out.result(result{tool: "bash", success: known, output: m.text("output")}.withExitCode(code, known))
	case "custom", "hookMessage", "branchSummary", "compactionSummary":
		out.user(eventlog.System, cmp.Or(text, m.text("summary")), parts)
	default:
		return false
	}
	return true
}

func (p *pi) assistant(m object, out *output) {
	if model := m.text("model"); model != "" {
		out.begin(Origin{Agent: "pi", Model: model})
	}
	blocks := m.list("content")
	if blocks == nil {
		out.says(eventlog.TypeAssistant, m.text("content"))
	}
	for _, raw := range blocks {
		block := parseObject(raw)
		switch block.text("type") {
		case "text":
			out.says(eventlog.TypeAssistant, block.text("text"))
		case "thinking":
			out.says(eventlog.TypeThought, block.text("thinking"))
		case "toolCall":
			p.call(block.text("id"), block.text("name"), cmpRaw(block.value("arguments"), block.value("input")), out)
		default:
			out.saysBlock(raw)
		}
	}
	p.partial = partials{}
	p.message++
	p.stopped(m, out)
	u := m.object("usage")
	out.member(piMessage(m), "", m.text("model"), usage{
		usd: u.object("cost").amount("total"), input: u.amount("input"), output: u.amount("output"),
		cacheRead: u.amount("cacheRead"), cacheWrite: u.amount("cacheWrite"),
	})
}

// stopped takes the reason why a message ended.
func (*pi) stopped(m object, out *output) {
	switch m.text("stopReason") {
	case "stop":
		out.done()
	case "toolUse":
		out.working()
	case "length":
		out.failed("the model's answer was cut at its largest length")
	case "error":
		message := cmp.Or(m.text("errorMessage"), "the model's answer failed")
		out.error(message, "error")
		out.failed(message)
	case "aborted":
		message := cmp.Or(m.text("errorMessage"), "aborted")
		out.status("Aborted: " + message)
		out.canceled(message)
	default:
		out.rested()
	}
}

// piMessage returns what identifies a message, in the output, in the session's file,
// and in the files of sessions that were forked from it: its time, and the provider's
// id of the response.
func piMessage(m object) string {
	at := string(m.value("timestamp"))
	if at == "" {
		return ""
	}
	return "pi/" + at + "/" + cmp.Or(m.text("responseId"), m.text("model"))
}

// call tells a call once: in its message, and when it is executed.
func (p *pi) call(id, tool string, args json.RawMessage, out *output) {
	if first(&p.called, id) {
		out.call(id, tool, args)
	}
}

func (p *pi) result(r result, out *output) {
	if first(&p.done, r.id) {
		const told = "Command exited with code "
		if i := strings.LastIndex(r.output, told); i >= 0 && !r.success {
			code, err := strconv.Atoi(strings.TrimSpace(r.output[i+len(told):]))
			r = r.withExitCode(float64(code), err == nil)
		}
		out.result(r)
	}
}

func (*pi) flush(*output) {}

func (p *pi) end(out *output) { p.partial.rest(out) }
