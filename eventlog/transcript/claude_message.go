package transcript

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"strings"

	"jrweb/eventlog"
)

// claudeMessages converts the messages of Claude's API, which Claude Code and Amp
// print and keep.
type claudeMessages struct {
	messageID string   // of the agent itself, the latest
	texts     []string // what it says
	partial   partials
	blocks    recent[struct{}]     // what was told of messages, by message id
	told      recent[[]claudeTold] // by uuid of a line
	telling   []claudeTold         // of the line in hand
	withdrawn recent[struct{}]     // uuids of lines
	taskEnds  recent[struct{}]     // background tasks that have ended, by id
	queue     claudeQueue
	titles    claudeTitles

	interrupted bool   // the last thing that a person did was to interrupt
	lastError   string // what the last message said, if it was an error
}

// claudeTold is an event that a line made: its type, and the beginning of its content
// or its call_id.
type claudeTold struct{ kind, name string }

// assistant converts a message of the agent or a subagent. The line around it
// may say that it is an error, dressed as a message.
func (m *claudeMessages) assistant(line, message object, out *output) bool {
	if !message.has("content") {
		return false
	}
	m.telling = nil
	m.supersede(line.list("supersedes"), out)
	if !out.nested() {
		m.interrupted, m.lastError = false, ""
	}
	code := line.text("error")
	isError := code != "" || line.isTrue("is_api_error_message") || line.isTrue("isApiErrorMessage")
	aborted := line.isTrue("aborted") || line.isTrue("isAbortedMidStream")
	say := func(text string) {
		switch {
		case strings.TrimSpace(text) == "" || !m.isNew(message, "text", text):
		case isError:
			m.failed(line, message, text, code, out)
			return
		case aborted:
			out.spoke()
			out.add(eventlog.TypeAssistant, "", data(nil).text("content", text).flag("partial", true))
		default:
			out.says(eventlog.TypeAssistant, text)
			if out.parent == "" {
				m.remember(message.text("id"), text)
			}
		}
		m.tells(eventlog.TypeAssistant, text)
		m.partial.whole("", eventlog.TypeAssistant, out.parent)
	}
	if text := message.text("content"); text != "" {
		say(text)
	}
	for _, raw := range message.list("content") {
		block := parseObject(raw)
		switch kind := block.text("type"); {
		case kind == "text":
			say(block.text("text"))
		case kind == "thinking":
			if m.isNew(message, kind, block.text("thinking")) {
				out.says(eventlog.TypeThought, block.text("thinking"))
				m.tells(eventlog.TypeThought, block.text("thinking"))
			}
			m.partial.whole("", eventlog.TypeThought, out.parent)
		case kind == "redacted_thinking":
			// It says nothing that anybody could read.
		case kind == "fallback":
			out.status("Another model goes on")
		case kind == "tool_use", strings.HasSuffix(kind, "_tool_use"):
			if m.isNew(message, "tool_use", block.text("id")) {
				out.call(block.text("id"), block.text("name"), block.value("input"))
				m.tells(eventlog.TypeToolCall, block.text("id"))
			}
		case strings.HasSuffix(kind, "tool_result"):
			m.result(line, block, out)
		default:
			out.saysBlock(raw)
		}
	}
	m.keep(line.text("uuid"))
	if !isError {
		m.stopped(message, out)
	}
	return true
}

// failed converts an error that is dressed as a message. It is the last word of a
// turn, unless the agent goes on.
func (m *claudeMessages) failed(line, message object, text, code string, out *output) {
	if code == "" {
		code = line.text("apiErrorType", "api_error_type")
	}
	out.error(text, code)
	out.failed(text)
	if !out.nested() {
		m.lastError = text
		m.remember(message.text("id"), text)
	}
}

// stopped reads why a message stops, where the line tells it: in the files, and at
// Amp. It is not an end while a call is open.
func (m *claudeMessages) stopped(message object, out *output) {
	switch message.text("stop_reason") {
	case "end_turn", "stop_sequence":
		out.rested()
	case "refusal":
		out.error("The model refuses to answer", "refusal")
		out.failed("the model refused to answer")
	case "max_tokens", "model_context_window_exceeded":
		out.failed("the answer was cut off: " + message.text("stop_reason"))
	}
}

// isNew reports whether a block of a message is told for the first time. Lines of one
// message are logged again, under other uuids, when a session is compacted or copied.
func (m *claudeMessages) isNew(message object, kind, text string) bool {
	id := message.text("id")
	if id == "" || text == "" {
		return true
	}
	if kind != "tool_use" {
		sum := sha256.Sum256([]byte(text))
		text = string(sum[:])
	}
	return first(&m.blocks, id+"/"+kind+"/"+text)
}

// remember keeps what the agent said last, because a result line says it again.
func (m *claudeMessages) remember(id, text string) {
	if id != m.messageID || id == "" || len(m.texts) == 100 {
		m.texts = nil
	}
	m.messageID = id
	m.texts = append(m.texts, text)
}

// hasSaid reports whether a text is the agent's last message, or the end of it.
func (m *claudeMessages) hasSaid(text string) bool {
	text = strings.TrimSpace(text)
	if text == "" {
		return true
	}
	for _, between := range []string{"", "\n", "\n\n"} {
		if strings.HasSuffix(strings.TrimSpace(strings.Join(m.texts, between)), text) {
			return true
		}
	}
	return false
}

// user converts what the agent is told: results of its tools, and what a person,
// or the agent that started a subagent, says.
func (m *claudeMessages) user(line, message object, out *output) bool {
	if !message.has("content") {
		return false
	}
	m.telling = nil
	m.supersede(line.list("retracted_message_uuids"), out)
	s := claudeSaid{actor: actorOf(line), at: out.at}
	blocks := message.list("content")
	if blocks == nil {
		text, _ := contentText(message.value("content"))
		m.says(s, text, nil, out)
	}
	results := false
	for _, raw := range blocks {
		block := parseObject(raw)
		switch kind := block.text("type"); {
		case kind == "text":
			m.says(s, block.text("text"), nil, out)
		case strings.HasSuffix(kind, "tool_result"):
			m.result(line, block, out)
			results = true
		case kind == "image", kind == "document":
			text, parts := contentText(raw)
			out.user(s.actor, text, parts)
		default:
			out.raw(string(raw), "a part of a message of no known type")
		}
	}
	if !results && s.actor == eventlog.Human {
		m.queue.ran()
	}
	m.keep(line.text("uuid"))
	return true
}

// actorOf returns who says what a line tells the agent, unless its text says it.
func actorOf(line object) eventlog.Actor {
	switch line.object("origin").text("kind") {
	case "", "human", "user", "channel", "voice-call", "permission-response":
	case "peer":
		return eventlog.Agent
	default:
		return eventlog.System
	}
	if line.isTrue("isMeta") || line.isTrue("isSynthetic") || line.isTrue("isCompactSummary") || line.isTrue("is_compact_summary") {
		return eventlog.System
	}
	return eventlog.Human
}

func (m *claudeMessages) result(line, block object, out *output) {
	id := block.text("tool_use_id")
	if id != "" && !first(&m.blocks, "result/"+id) {
		return
	}
	text, parts := contentText(block.value("content"))
	if o := block.object("content"); strings.HasSuffix(o.text("type"), "_error") {
		block = block.only("tool_use_id").with("is_error", json.RawMessage("true"))
		text, parts = o.text("error_code", "type"), nil
	}
	told := toolResultOf(line)
	r := result{
		id: id, success: !block.isTrue("is_error") && !told.isTrue("interrupted"), output: text,
		took: told.amount("totalDurationMs", "durationMs"),
	}
	if code, told := claudeExit(text); told && !r.success {
		r.more = r.more.number("exit_code", code)
	}
	r.more = r.more.raw("parts", parts)
	out.result(r)
	m.tells(eventlog.TypeToolResult, id)
}

// toolResultOf returns what else a line tells of a result. It may be long, and most of it stands
// in the result.
func toolResultOf(line object) object {
	for _, name := range []string{"tool_use_result", "toolUseResult"} {
		if raw := line.value(name); bytes.Contains(raw, []byte(`urationMs"`)) || bytes.Contains(raw, []byte(`"interrupted":true`)) {
			return parseObject(raw)
		}
	}
	return nil
}

// claudeExit reads how a command ended: the output of one that failed begins with it.
func claudeExit(output string) (code float64, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(output, "Error: "), "Exit code ")
	if !ok {
		return 0, false
	}
	number, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	return float64(n), err == nil
}
