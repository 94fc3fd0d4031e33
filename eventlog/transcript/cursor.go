package transcript

import (
	"cmp"
	"strings"
	"time"

	"jrweb/eventlog"
)

func isCursor(o object) bool {
	switch o.text("type") {
	case "system":
		return o.text("subtype") == "init" && o.has("permissionMode") && !o.has("tools") && !o.has("uuid") && !o.has("claude_code_version")
	case "thinking":
		return o.text("subtype") == "delta" || o.text("subtype") == "completed"
	case "tool_call":
		return o.object("tool_call") != nil
	case "assistant":
		return o.has("timestamp_ms") || o.has("model_call_id")
	case "result":
		return o.has("request_id") && !o.has("uuid") && !isAuggie(o)
	}
	return false
}

// cursor converts the stream-json of Cursor CLI. With --stream-partial-output the
// text comes in pieces, and then again as a whole; nothing marks which is which.
type cursor struct {
	thought, text     []byte
	thoughtAt, textAt time.Time
	told              []byte // what was recorded of the text in hand, before its repeat
	pieces            int    // of the text in hand
	spoke             bool
	called            recent[struct{}]
}

func (c *cursor) object(o object, out *output) bool {
	at, sub := o.time("timestamp_ms", "timestamp"), o.text("subtype")
	kind := o.text("type")
	switch kind {
	case "system":
		if sub != "init" {
			return false
		}
	case "assistant", "user":
		if !o.object("message").has("content") {
			return false
		}
	case "thinking":
		if sub != "delta" && sub != "completed" {
			return false
		}
	case "tool_call":
		if sub != "started" && sub != "completed" {
			return false // it must not close a call
		}
	case "result":
	default:
		return false
	}
	if kind != "thinking" {
		c.flushThought(out)
	}
	if kind != "assistant" {
		c.flushText(out)
		c.told, c.pieces = nil, 0
	}
	out.at = at
	switch kind {
	case "system":
		out.begin(Origin{Agent: "Cursor", Model: o.text("model"), Session: o.text("session_id"), Dir: o.text("cwd")})
	case "user":
		text, parts := contentText(o.object("message").value("content"))
		out.user(eventlog.Human, text, parts)
	case "thinking":
		if sub == "completed" {
			c.flushThought(out)
			break
		}
		if len(c.thought) == 0 {
			c.thoughtAt = at
		}
		if c.thought = append(c.thought, o.text("text")...); len(c.thought) > mostPartial {
			c.flushThought(out)
		}
	case "assistant":
		text, _ := contentText(o.object("message").value("content"))
		c.says(text, at, o.has("timestamp_ms") && !o.has("model_call_id"), out)
	case "tool_call":
		c.tool(o, sub == "completed", out)
	case "result":
		c.result(o, out)
	}
	return true
}

// says takes a piece of the text, or all of it: what is said again as a whole is
// not recorded again. One piece may repeat the piece before.
func (c *cursor) says(text string, at time.Time, looksLikePiece bool, out *output) {
	told := len(c.told)
	if (!looksLikePiece || c.pieces > 1) && text != "" && len(text) == told+len(c.text) && text[:told] == string(c.told) && text[told:] == string(c.text) {
		c.flushText(out)
		c.told, c.pieces = nil, 0
		return
	}
	c.pieces++
	if len(c.text) == 0 {
		c.textAt = at
	}
	if c.text = append(c.text, text...); len(c.text) > mostPartial {
		c.flushText(out)
	}
}

func (c *cursor) flushText(out *output) {
	if len(c.text) == 0 {
		return
	}
	out.at = c.textAt
	out.says(eventlog.TypeAssistant, string(c.text))
	if c.told = append(c.told, c.text...); len(c.told) > mostPartial {
		c.told, c.pieces = nil, 0
	}
	c.spoke = true
	c.text, out.at = nil, time.Time{}
}

func (c *cursor) flushThought(out *output) {
	if len(c.thought) == 0 {
		return
	}
	out.at = c.thoughtAt
	out.says(eventlog.TypeThought, string(c.thought))
	c.thought, out.at = nil, time.Time{}
}

// cursorTool returns the tool of a call, whose name is a key: readToolCall.
func cursorTool(o object) (name string, call object) {
	for _, f := range o.sorted() {
		short, is := strings.CutSuffix(string(f.name), "ToolCall")
		if call := parseObject(f.value); is && short != "" && call != nil {
			if tool := call.object("args").text("toolName"); short == "mcp" && tool != "" {
				return tool, call.only("result").with("args", cmpRaw(call.object("args").value("args"), call.value("args")))
			}
			return short, call
		}
	}
	if f := o.object("function"); f != nil {
		return f.text("name"), object{}.with("args", f.value("arguments")).with("result", cmpRaw(f.value("result"), o.value("result")))
	}
	return o.text("name", "tool"), o
}

func (c *cursor) tool(o object, completed bool, out *output) {
	id := o.text("call_id")
	name, call := cursorTool(o.object("tool_call"))
	if first(&c.called, id) {
		out.call(id, name, call.value("args"))
	}
	if !completed {
		return
	}
	answer := call.object("result")
	good := answer.object("success")
	r := result{id: id, tool: name, success: good != nil && !good.isTrue("isError")}
	switch {
	case good != nil:
		r.output = cmp.Or(cursorText(good), string(answer.value("success")))
		r = r.withExitCode(good.number("exitCode"))
		r.took = good.amount("executionTime")
	case len(answer) > 0:
		of := answer.sorted()[0] // error, failure, rejected, …
		kind, bad := string(of.name), parseObject(of.value)
		r.output = cmp.Or(cursorText(bad), bad.text("errorMessage", "error", "reason"), textOf(of.value), string(of.value))
		r.more = r.more.text("code", kind)
		r = r.withExitCode(bad.number("exitCode"))
		r.took = bad.amount("executionTime")
	default:
		r.output = string(call.value("result"))
	}
	out.result(r)
}

// cursorText returns the text of a result, "" if it has none.
func cursorText(o object) string {
	stdout, stderr := o.text("stdout"), o.text("stderr")
	if stdout != "" && stderr != "" && !strings.HasSuffix(stdout, "\n") {
		stdout += "\n"
	}
	return cmp.Or(strings.TrimSuffix(stdout+stderr, "\n"), o.text("content", "output", "interleavedOutput", "diffString", "message"))
}

func (c *cursor) result(o object, out *output) {
	out.done()
	text := o.text("result")
	failed, told := o.truth("is_error")
	if !told {
		failed = o.text("subtype") != "success"
	}
	switch {
	case failed:
		message := cmp.Or(text, o.text("error", "message", "subtype"), "the run failed")
		out.error(message, o.text("subtype"))
		out.failed(message)
	case !c.spoke: // else it is all that was said, again
		out.says(eventlog.TypeAssistant, text)
	}
	u := o.object("usage")
	out.member(o.text("request_id"), out.origin.Session, out.origin.Model, usage{
		input: u.amount("inputTokens"), output: u.amount("outputTokens"),
		cacheRead: u.amount("cacheReadTokens"), cacheWrite: u.amount("cacheWriteTokens"),
	})
}

func (c *cursor) flush(out *output) {
	c.flushThought(out)
	c.flushText(out)
}

func (*cursor) end(*output) {}
