package transcript

import (
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// claudeMessages converts the messages of Claude's API, which Claude Code and Amp
// print and keep.
type claudeMessages struct {
	messageID string   // of the agent itself, the latest
	texts     []string // what it says
	partial   partials
}

// assistant converts a message of the agent or a subagent. The line around it
// may say that it is an error, dressed as a message.
func (m *claudeMessages) assistant(line, message object, out *output) bool {
	code := line.text("error")
	isError := code != "" || line.isTrue("is_api_error_message") || line.isTrue("isApiErrorMessage")
	say := func(text string) {
		if isError {
			out.error(text, code)
			return
		}
		out.says(eventlog.TypeAssistant, text)
		m.partial.whole("", eventlog.TypeAssistant, out.parent)
		if out.parent == "" {
			m.remember(message.text("id"), text)
		}
	}
	if text := message.text("content"); text != "" {
		say(text)
		return true
	}
	if !message.has("content") {
		return false
	}
	for _, raw := range message.list("content") {
		block := parseObject(raw)
		switch kind := block.text("type"); {
		case kind == "text":
			say(block.text("text"))
		case kind == "thinking":
			out.says(eventlog.TypeThought, block.text("thinking"))
			m.partial.whole("", eventlog.TypeThought, out.parent)
		case kind == "redacted_thinking":
			// It says nothing that anybody could read.
		case kind == "tool_use", strings.HasSuffix(kind, "_tool_use"):
			out.call(block.text("id"), block.text("name"), block["input"])
		case strings.HasSuffix(kind, "tool_result"):
			m.result(line, block, out)
		default:
			out.raw(string(raw), "a part of a message of no known type")
		}
	}
	return true
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
	actor := eventlog.Human
	if line.isTrue("isMeta") || line.isTrue("isSynthetic") || line.isTrue("isCompactSummary") {
		actor = eventlog.System
	}
	if !message.has("content") {
		return false
	}
	blocks := message.list("content")
	if blocks == nil {
		text, _ := contentText(message["content"])
		out.user(actor, text, nil)
		return true
	}
	for _, raw := range blocks {
		block := parseObject(raw)
		switch kind := block.text("type"); {
		case kind == "text":
			out.user(actor, block.text("text"), nil)
		case strings.HasSuffix(kind, "tool_result"):
			m.result(line, block, out)
		case kind == "image", kind == "document":
			text, parts := contentText(raw)
			out.user(actor, text, parts)
		default:
			out.raw(string(raw), "a part of a message of no known type")
		}
	}
	return true
}

func (m *claudeMessages) result(line, block object, out *output) {
	text, parts := contentText(block["content"])
	if o := block.object("content"); strings.HasSuffix(o.text("type"), "_error") {
		block = object{"tool_use_id": block["tool_use_id"], "is_error": json.RawMessage("true")}
		text, parts = o.text("error_code", "type"), nil
	}
	told := line.object("tool_use_result")
	if told == nil {
		told = line.object("toolUseResult")
	}
	out.result(result{
		id: block.text("tool_use_id"), success: !block.isTrue("is_error"), output: text,
		took: told.amount("totalDurationMs", "durationMs"), more: data(nil).raw("parts", parts),
	})
}

// claudeUsage reads the usage of a message or a result, and of modelUsage.
func claudeUsage(o object) usage {
	return usage{
		usd:        o.amount("costUSD"),
		input:      o.amount("input_tokens", "inputTokens"),
		output:     o.amount("output_tokens", "outputTokens"),
		cacheRead:  o.amount("cache_read_input_tokens", "cacheReadInputTokens"),
		cacheWrite: o.amount("cache_creation_input_tokens", "cacheCreationInputTokens"),
	}
}
