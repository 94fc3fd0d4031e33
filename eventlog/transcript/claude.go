package transcript

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"jrweb/eventlog"
)

// isClaude: what looks like Claude Code's and is of no program that took after it.
func isClaude(o object) bool {
	return isClaudeLike(o) && !isClaudeSession(o) && !isAmp(o) && !isCursor(o) && !isPlainMessage(o)
}

// isPlainMessage: a text that Cursor prints in the same way.
func isPlainMessage(o object) bool {
	_, nested := o["parent_tool_use_id"]
	m := o.object("message")
	return m != nil && !nested && !o.has("uuid") && !m.has("id") && !bytes.Contains(m["content"], []byte("tool_"))
}

func isClaudeLike(o object) bool {
	o = recorded(o)
	switch o.text("type") {
	case "system":
		return o.text("subtype") != "" && o.has("session_id") && !isDroid(o)
	case "assistant", "user":
		return o.object("message") != nil && (o.has("session_id") || o.has("uuid"))
	case "result":
		return o.has("session_id") && (o.has("subtype") || o.has("is_error")) && !isAuggie(o)
	case "stream_event":
		return o.object("event") != nil
	case "control_request", "control_response":
		return o.object("request") != nil || o.object("response") != nil
	case "rate_limit_event":
		return true
	}
	return false
}

// recorded returns the agent's line in a line of a program that records what it
// receives from the agent: {timestamp, direction, message}. Any other line is
// returned as it is.
func recorded(o object) object {
	line := o.object("message")
	if o.has("type") || !o.has("direction") || !line.has("type") {
		return o
	}
	if !line.has("timestamp") {
		line["timestamp"] = o["timestamp"]
	}
	return line
}

// claude converts Claude Code's stream-json, with and without partial messages,
// and Amp's, which is the same on purpose.
type claude struct {
	agent    string
	messages claudeMessages

	results   recent[struct{}] // uuids
	spent     float64          // the latest total_cost_usd
	unsettled map[string]unsettled
	current   recent[string] // message id of a parent's stream events
	tasks     recent[string] // the call that a task works for
	taskEnds  recent[struct{}]
}

// unsettled is the usage of a message that no result line has accounted for.
type unsettled struct {
	model string
	usage usage
}

func (c *claude) object(o object, out *output) bool {
	o = recorded(o)
	out.at, out.parent = o.time("timestamp"), o.text("parent_tool_use_id")
	switch o.text("type") {
	case "assistant":
		m := o.object("message")
		if model := m.text("model"); model != "" && model != "<synthetic>" {
			c.spend(m.text("id"), model, claudeUsage(m.object("usage")))
		}
		return c.messages.assistant(o, m, out)
	case "user":
		return c.messages.user(o, o.object("message"), out)
	case "stream_event":
		return c.stream(o.object("event"), out)
	case "result":
		c.result(o, out)
		return true
	case "system":
		return c.system(o, out)
	case "rate_limit_event":
		info := o.object("rate_limit_info")
		if status := info.text("status"); status != "" && status != "allowed" {
			out.note(eventlog.TypeStatus, "Rate limit: "+status, data(nil).raw("rate_limit", o["rate_limit_info"]))
		}
		return true
	case "control_request":
		request := o.object("request")
		switch request.text("subtype") {
		case "can_use_tool":
			out.note(eventlog.TypeGuardrail, "Permission asked for "+request.text("tool_name"),
				data(nil).some("tool", request.text("tool_name")).raw("args", request["input"]).some("request_id", o.text("request_id")))
		case "initialize", "interrupt", "hook_callback", "mcp_message", "set_permission_mode", "set_model":
		default:
			return false
		}
		return true
	case "control_response", "control_cancel_request", "keep_alive":
		return true
	}
	return false
}

// stream converts a piece of a message, which comes as a whole later.
func (c *claude) stream(event object, out *output) bool {
	parent := out.parent
	index := strconv.Itoa(int(event.amount("index")))
	switch event.text("type") {
	case "message_start":
		m := event.object("message")
		c.messages.partial.restOf(parent, out) // of a message that was broken off
		c.current.put(parent, m.text("id"))
		c.spend(m.text("id"), m.text("model"), claudeUsage(m.object("usage")))
	case "content_block_delta":
		id, _ := c.current.get(parent)
		d := event.object("delta")
		if text := d.text("text"); text != "" {
			c.messages.partial.add(id+"/"+index, eventlog.TypeAssistant, parent, text)
		}
		if text := d.text("thinking"); text != "" {
			c.messages.partial.add(id+"/"+index, eventlog.TypeThought, parent, text)
		}
	case "message_delta":
		if id, known := c.current.get(parent); known {
			c.spend(id, "", claudeUsage(event.object("usage")))
		}
	case "content_block_start", "content_block_stop", "message_stop", "ping":
	default:
		return false
	}
	return true
}

// spend notes what a message cost. It is not told yet: all lines of a message
// repeat it, most before it is known in full, and the result has the truth.
func (c *claude) spend(id, model string, u usage) {
	if id == "" || len(c.unsettled) == remembered {
		return
	}
	if c.unsettled == nil {
		c.unsettled = map[string]unsettled{}
	}
	was := c.unsettled[id]
	c.unsettled[id] = unsettled{cmp.Or(was.model, model), was.usage.most(u)}
}

// result converts the end of a turn. Usage is of the turn, while money and
// modelUsage are of all turns, subagents included.
func (c *claude) result(o object, out *output) {
	if !first(&c.results, o.text("uuid")) {
		return
	}
	failed, told := o.truth("is_error")
	reason, subtype := o.text("terminal_reason"), o.text("subtype")
	if !told {
		failed = reason != "" && reason != "completed" || reason == "" && subtype != "success"
	}
	for _, raw := range o.list("permission_denials") {
		denied := parseObject(raw)
		out.note(eventlog.TypeGuardrail, "Denied: "+denied.text("tool_name"),
			data(nil).some("tool", denied.text("tool_name")).raw("args", denied["tool_input"]).some("denied_call_id", denied.text("tool_use_id")))
	}
	if failed {
		message := o.text("result")
		for _, e := range o.list("errors") {
			text, _ := contentText(e)
			message = strings.TrimSpace(message + "\n" + text)
		}
		message = cmp.Or(message, o.text("error"), reason, subtype, "the turn failed")
		code := reason
		if code == "" || code == "completed" {
			code = subtype
		}
		out.error(message, code)
		out.failed(message)
	} else {
		if text := o.text("result"); !c.messages.hasSaid(text) {
			out.says(eventlog.TypeAssistant, text)
		}
		out.done()
	}
	if o.has("structured_output") {
		out.note(eventlog.TypeStatus, "Structured output", data(nil).raw("structured_output", o["structured_output"]))
	}
	c.cost(o, out)
}

func (c *claude) cost(o object, out *output) {
	c.unsettled = nil
	total := o.amount("total_cost_usd")
	models, sum := o.object("modelUsage"), 0.0
	for _, model := range slices.Sorted(maps.Keys(models)) {
		u := claudeUsage(models.object(model))
		out.cost(model, cumulative, u, nil)
		sum += u.usd
	}
	switch {
	case len(models) == 0:
		u := claudeUsage(o.object("usage"))
		u.usd = max(0, total-c.spent)
		out.cost(out.origin.Model, delta, u, nil)
	case total-sum > 1e-6: // more than a rounding error
		out.cost("", cumulative, usage{usd: total - sum}, nil)
	}
	c.spent = max(c.spent, total)
}

func (c *claude) system(o object, out *output) bool {
	sub := o.text("subtype")
	switch sub {
	case "init":
		out.begin(Origin{
			Agent: c.agent, Version: o.text("claude_code_version", "amp_version", "version"),
			Model: o.text("model"), Session: o.text("session_id"), Dir: o.text("cwd"),
		})
		out.working()
	case "status":
		switch status := o.text("status"); {
		case o.text("compact_error") != "":
			out.error("compacting failed: "+o.text("compact_error"), "compact_error")
		case status != "" && status != "requesting":
			out.status(c.agent + " is " + status)
		}
	case "api_retry":
		out.error(fmt.Sprintf("API request failed (%s), retry %g of %g in %g ms",
			cmp.Or(o.text("error"), string(o["error_status"]), "no reason told"), o.amount("attempt"), o.amount("max_retries"), o.amount("retry_delay_ms")), "api_retry")
	case "compact_boundary":
		out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).raw("compaction", o["compact_metadata"]))
	case "thinking_tokens", "hook_started", "hook_progress":
	case "hook_response":
		if o.amount("exit_code") != 0 || o.text("outcome") == "error" {
			out.note(eventlog.TypeStatus, "A hook failed: "+o.text("hook_name", "hook_event"),
				data(nil).some("output", o.text("stderr", "output", "stdout")))
		}
	case "task_started", "task_progress", "task_updated", "task_notification":
		c.task(sub, o, out)
	default:
		return false
	}
	return true
}

// task tells when a subagent or a background command starts and ends. The end may
// be told twice, or by either line alone.
func (c *claude) task(sub string, o object, out *output) {
	id, call := o.text("task_id"), o.text("tool_use_id")
	if call == "" {
		call, _ = c.tasks.get(id)
	} else {
		c.tasks.put(id, call)
	}
	say := func(text string) {
		out.inside(call, func() { out.note(eventlog.TypeStatus, text, data(nil).some("task_id", id)) })
	}
	switch status := cmp.Or(o.text("status"), o.object("patch").text("status")); {
	case sub == "task_started":
		say(strings.TrimSpace("Started: " + o.text("description")))
	case sub == "task_progress" || status == "" || status == "running" || status == "pending":
		// Its own events tell it better.
	case first(&c.taskEnds, id):
		text := strings.ToUpper(status[:1]) + status[1:]
		if more := o.text("summary", "error"); more != "" {
			text += ": " + more
		}
		say(text)
	}
}

func (*claude) flush(*output) {}

func (c *claude) end(out *output) {
	c.messages.partial.rest(out)
	// No result has told what these cost. It is less than the truth, as far as it
	// is known.
	sums := map[string]usage{}
	for _, m := range c.unsettled {
		sums[m.model] = sums[m.model].plus(m.usage)
	}
	for _, model := range slices.Sorted(maps.Keys(sums)) {
		out.cost(model, delta, sums[model], data(nil).flag("incomplete", true))
	}
	c.unsettled = nil
}
