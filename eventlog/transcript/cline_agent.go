package transcript

import (
	"cmp"
	"strings"

	"jrweb/eventlog"
)

// clineAgent converts what Cline's command line prints since 3.0: the events of its
// agent, {type: agent_event, event}, and the result.
type clineAgent struct {
	text pieces
	run  string // what names the run
	done recent[struct{}]
	said string
}

func (c *clineAgent) object(o object, out *output) bool {
	switch o.text("type") {
	case "hook_event":
		if c.run == "" {
			c.run = o.text("taskId", "sessionId")
			out.begin(Origin{Agent: "Cline", Session: c.run})
		}
		if o.text("hookEventName") == "agent_error" {
			c.text.flush(out)
		}
	case "agent_event":
		e := o.object("event")
		known := false
		parent := e.text("parentAgentId")
		out.inside(parent, func() { known = c.event(e, out) })
		return known
	case "run_result":
		c.result(o, out)
	case "run_aborted", "run_abort_requested":
		c.text.flush(out)
		out.canceled(cmp.Or(o.text("reason"), "aborted"))
	case "team_event":
	default:
		return false
	}
	return true
}

func (c *clineAgent) event(e object, out *output) bool {
	kind, content := e.text("type"), e.text("contentType")
	if kind != "content_start" && kind != "usage" || content == "tool" {
		if kind != "content_end" || content == "tool" {
			c.text.flush(out)
		}
	}
	switch kind {
	case "content_start":
		switch content {
		case "text":
			c.text.add(eventlog.TypeAssistant, "", e.text("text"), out)
		case "reasoning":
			c.text.add(eventlog.TypeThought, "", e.text("text", "reasoning"), out)
		case "tool":
			out.call(e.text("toolCallId"), e.text("toolName"), e.value("input"))
		default:
			return false
		}
	case "content_end":
		return c.contentEnd(content, e, out)
	case "usage":
		// They are what the run has come to; the result says them again.
		out.cumulates(c.run, out.origin.Model, usage{
			usd: e.amount("totalCost"), input: e.amount("totalInputTokens"), output: e.amount("totalOutputTokens"),
			cacheRead: e.amount("totalCacheReadTokens"), cacheWrite: e.amount("totalCacheWriteTokens"),
		})
	case "notice":
		out.note(eventlog.TypeStatus, e.text("message", "text"), nil)
	case "error":
		message := cmp.Or(e.object("error").text("message"), e.text("error", "message"), "the agent failed")
		out.error(message, e.text("errorClass"))
		if recovers := e.isTrue("recoverable"); !recovers {
			out.failed(message)
		}
	case "done":
		c.end(e.text("reason"), e.text("text"), out)
	case "iteration_start", "iteration_end", "content_update":
	default:
		return false
	}
	return true
}

func (c *clineAgent) contentEnd(content string, e object, out *output) bool {
	switch content {
	case "text", "reasoning":
		kind := eventlog.TypeAssistant
		if content == "reasoning" {
			kind = eventlog.TypeThought
		}
		if whole := e.text("text", "reasoning"); whole != "" { // with what the pieces had
			c.text.drop()
			c.text.add(kind, "", whole, out)
		}
		if content == "text" && out.parent == "" {
			c.said = c.text.said(kind)
		}
		c.text.flush(out)
	case "tool":
		id := e.text("toolCallId")
		if !first(&c.done, id) {
			return true
		}
		text, parts := contentText(e.value("output"))
		failure := cmp.Or(e.text("error"), e.object("error").text("message"))
		r := result{id: id, tool: e.text("toolName"), success: failure == "", took: e.amount("durationMs")}
		if outputs := e.list("output"); len(outputs) > 0 && parseObject(outputs[0]).has("success") {
			text, parts = c.outputs(e, &r), nil
		}
		r.output = strings.TrimPrefix(strings.TrimSuffix(text+"\n"+failure, "\n"), "\n")
		if r.more == nil {
			out.exit(&r)
		}
		r.more = withMore(r.more, data(nil).raw("parts", parts))
		out.result(r)
	default:
		return false
	}
	return true
}

// outputs joins what several commands of one call printed: {query, result, success, error}.
func (c *clineAgent) outputs(e object, r *result) string {
	var texts []string
	for _, raw := range e.list("output") {
		o := parseObject(raw)
		text, _ := contentText(o.value("result"))
		if failure := o.text("error"); failure != "" {
			text = strings.TrimPrefix(text+"\n"+failure, "\n")
		}
		texts = append(texts, text)
		if ok, told := o.truth("success"); told && !ok {
			r.success = false
		}
		if code, told := o.number("exitCode"); told {
			r.more = data(nil).number("exit_code", code)
			r.success = r.success && code == 0
		}
	}
	return strings.Join(texts, "\n")
}

func (c *clineAgent) end(reason, text string, out *output) {
	switch reason {
	case "completed", "":
		if strings.TrimSpace(text) != strings.TrimSpace(c.said) {
			out.says(eventlog.TypeAssistant, text)
			c.said = text
		}
		out.done()
	case "aborted":
		out.canceled("aborted")
	default:
		message := cmp.Or(text, "the run ended: "+strings.ReplaceAll(reason, "_", " "))
		if out.progress.status != eventlog.Failed {
			out.error(message, reason)
		}
		out.failed(message)
	}
}

func (c *clineAgent) result(o object, out *output) {
	c.text.flush(out)
	out.begin(Origin{Agent: "Cline", Model: o.object("model").text("id"), Session: o.text("sessionId")})
	c.end(o.text("finishReason"), o.text("text"), out)
	u := o.object("aggregateUsage")
	if u == nil {
		u = o.object("usage")
	}
	out.cumulates(c.run, out.origin.Model, usage{
		usd: u.amount("totalCost"), input: u.amount("inputTokens"), output: u.amount("outputTokens"),
		cacheRead: u.amount("cacheReadTokens"), cacheWrite: u.amount("cacheWriteTokens"),
	})
}
