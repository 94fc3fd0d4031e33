package transcript

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"jrweb/eventlog"
)

func isCodexRollout(o object) bool {
	switch o.text("type") {
	case "session_meta", "turn_context", "response_item", "event_msg", "compacted":
		return o.object("payload") != nil
	}
	return false
}

// codexRollout converts the files that Codex keeps of its sessions. They are two
// logs in one, what went over the wire (response_item) and what was shown
// (event_msg), so nearly everything stands there twice.
type codexRollout struct {
	holdsNothing
	spent   usage
	said    []mirrored
	calls   recent[struct{}]
	results recent[struct{}]
	ends    recent[toolEnd] // by call id
}

// mirrored is a text that one of the two logs told, and the other may tell, too.
type mirrored struct {
	log, kind, text string
}

// mostMirrored is how many texts wait for their mirror, which follows closely.
const mostMirrored = 64

// toolEnd is what the log of what was shown tells of a call's end. The other one
// has the output that the model got, but not always whether it was a success.
type toolEnd struct {
	success bool
	took    float64
}

func (c *codexRollout) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	p := o.object("payload")
	switch o.text("type") {
	case "session_meta":
		out.begin(Origin{
			Agent: "Codex", Version: p.text("cli_version"), Session: p.text("id"),
			Dir: p.text("cwd"), Branch: p.object("git").text("branch"),
		})
	case "turn_context":
		out.begin(Origin{Agent: "Codex", Model: p.text("model")})
	case "compacted":
		out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).some("summary", p.text("message")))
	case "response_item":
		return c.item(p, out)
	case "event_msg":
		return c.event(p, out)
	default:
		return false
	}
	return true
}

// isMirror reports whether the other log has told a text before, and remembers it
// if not.
func (c *codexRollout) isMirror(log, kind, text string) bool {
	for i, m := range c.said {
		if m.log != log && m.kind == kind && m.text == keyOf(text) {
			c.said = append(c.said[:i:i], c.said[i+1:]...)
			return true
		}
	}
	if len(c.said) == mostMirrored {
		c.said = c.said[1:]
	}
	c.said = append(c.said, mirrored{log, kind, keyOf(text)})
	return false
}

func (c *codexRollout) say(log, kind, text string, out *output) {
	if strings.TrimSpace(text) != "" && !c.isMirror(log, kind, text) {
		out.says(kind, text)
	}
}

func (c *codexRollout) item(p object, out *output) bool {
	id := p.text("call_id", "id")
	switch p.text("type") {
	case "message":
		text, _ := contentText(p["content"])
		switch role := p.text("role"); {
		case role == "assistant":
			c.say("wire", eventlog.TypeAssistant, text, out)
		case role != "user" || isCodexContext(text):
			out.user(eventlog.System, text, nil)
		case !c.isMirror("wire", eventlog.TypeUser, text):
			out.user(eventlog.Human, text, nil)
		}
	case "reasoning":
		for _, raw := range append(p.list("summary"), p.list("content")...) {
			c.say("wire", eventlog.TypeThought, parseObject(raw).text("text"), out)
		}
	case "function_call":
		c.call(id, p.text("name"), p["arguments"], out)
	case "custom_tool_call":
		c.call(id, p.text("name"), p["input"], out)
	case "local_shell_call":
		c.call(id, "shell", p["action"], out)
	case "web_search_call":
		c.call(id, "web_search", p["action"], out)
		if status := p.text("status"); status == "completed" || status == "failed" {
			c.result(result{id: id, tool: "web_search", success: status == "completed"}, out)
		}
	case "function_call_output", "custom_tool_call_output":
		text, ok := c.output(id, p["output"])
		c.result(result{id: id, success: ok, output: text}, out)
	case "ghost_snapshot", "compaction", "compaction_summary", "other":
	default:
		return false
	}
	return true
}

// isCodexContext: what Codex itself puts before a person's words.
func isCodexContext(text string) bool {
	for _, start := range []string{"<environment_context>", "<user_instructions>", "<permissions", "# AGENTS.md", "<INSTRUCTIONS>", "<turn_aborted>"} {
		if strings.HasPrefix(strings.TrimSpace(text), start) {
			return true
		}
	}
	return false
}

func (c *codexRollout) call(id, tool string, args json.RawMessage, out *output) {
	if first(&c.calls, id) {
		out.call(id, tool, args)
	}
}

func (c *codexRollout) result(r result, out *output) {
	if end, known := c.ends.get(r.id); known {
		r.success, r.took = end.success, end.took
	}
	if first(&c.results, r.id) {
		out.result(r)
	}
}

var exitCode = regexp.MustCompile(`(?m)\A(?:.*\n){0,5}?(?:Exit code:|Process exited with code) (-?\d+)`)

// output returns what a tool gave back, and whether it was a success as far as
// this tells.
func (c *codexRollout) output(id string, raw json.RawMessage) (text string, success bool) {
	success = true
	o := parseObject(raw)
	if o == nil {
		o = parseObject([]byte(textOf(raw)))
	}
	if o.has("output") || o.has("content") {
		text, _ = contentText(cmpRaw(o["output"], o["content"]))
		if ok, told := o.truth("success"); told {
			success = ok
		}
		if code, told := o.object("metadata").number("exit_code"); told {
			success = code == 0
		}
		return text, success
	}
	text, _ = contentText(raw)
	if m := exitCode.FindStringSubmatch(beginning(text, 1<<10)); m != nil {
		code, err := strconv.Atoi(m[1])
		success = err == nil && code == 0
	}
	return text, success
}

func cmpRaw(a, b json.RawMessage) json.RawMessage {
	if len(a) > 0 {
		return a
	}
	return b
}

func (c *codexRollout) event(p object, out *output) bool {
	id := p.text("call_id")
	switch p.text("type") {
	case "user_message":
		if text := p.text("message"); !c.isMirror("shown", eventlog.TypeUser, text) {
			out.user(eventlog.Human, text, nil)
		}
	case "agent_message":
		c.say("shown", eventlog.TypeAssistant, p.text("message"), out)
	case "agent_reasoning", "agent_reasoning_raw_content":
		c.say("shown", eventlog.TypeThought, p.text("text"), out)
	case "token_count":
		u := codexUsage(p.object("info").object("total_token_usage"))
		out.cost(out.origin.Model, delta, u.since(c.spent), nil)
		c.spent = c.spent.most(u)
	case "exec_command_end":
		code, known := p.number("exit_code")
		d := p.object("duration")
		c.ends.put(id, toolEnd{known && code == 0, d.amount("secs")*1000 + d.amount("nanos")/1e6})
	case "patch_apply_end":
		c.ends.put(id, toolEnd{success: p.isTrue("success")})
	case "mcp_tool_call_end":
		r := p.object("result")
		d := p.object("duration")
		c.ends.put(id, toolEnd{r.has("Ok") && !r.object("Ok").isTrue("is_error") && !r.object("Ok").isTrue("isError"), d.amount("secs")*1000 + d.amount("nanos")/1e6})
	case "error", "stream_error", "warning":
		out.error(codexError(p.text("message")), map[string]string{"stream_error": "stream_error", "warning": "warning"}[p.text("type")])
	case "turn_aborted":
		reason := "the turn was aborted: " + cmp.Or(p.text("reason"), "no reason told")
		out.status(reason)
		out.canceled(reason)
	case "task_complete", "turn_complete":
		out.done()
	case "context_compacted", "task_started", "turn_started", "agent_reasoning_section_break", "exec_command_begin",
		"exec_command_output_delta", "patch_apply_begin", "mcp_tool_call_begin", "web_search_begin", "web_search_end",
		"turn_diff", "session_configured", "background_event", "item_started", "item_completed", "thread_name_updated":
	default:
		return false
	}
	return true
}
