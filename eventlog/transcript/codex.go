package transcript

import (
	"cmp"
	"fmt"
	"strings"

	"jrweb/eventlog"
)

func isCodex(o object) bool {
	switch o.text("type") {
	case "thread.started":
		return o.has("thread_id")
	case "turn.started", "turn.completed", "turn.failed":
		return true
	case "item.started", "item.updated", "item.completed":
		return o.object("item") != nil
	}
	return false
}

// codex converts the output of codex exec --json.
type codex struct {
	holdsNothing
	process int // threads started: item ids start again with each
	items   codexItems
	spent   codexAccount
}

func (c *codex) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	switch o.text("type") {
	case "thread.started":
		c.process++
		if id := o.text("thread_id"); id != c.spent.thread {
			c.spent = codexAccount{thread: id} // a thread that goes on goes on counting
		}
		out.begin(Origin{Agent: "Codex", Session: c.spent.thread})
	case "turn.started":
		out.working()
	case "turn.completed":
		c.spent.total(codexUsage(o.object("usage")), usage{}, out)
		out.done()
	case "turn.failed":
		message := codexError(o.object("error").text("message"))
		out.error(message, "turn_failed")
		out.failed(cmp.Or(message, "the turn failed"))
	case "error":
		message := codexError(o.text("message"))
		out.error(message, "")
		if !isCodexRetry(message) {
			out.failed(message)
		}
	case "item.started", "item.updated", "item.completed":
		return c.item(o.text("type") == "item.completed", o.object("item"), out)
	case "item.plan.delta":
		// The plan comes again as a whole.
	case "request_user_input":
		codexAsks(o, out)
	default:
		return false
	}
	return true
}

// codexError returns the message of an error, which often is JSON itself.
func codexError(message string) string {
	o := parseObject([]byte(message))
	if text := o.text("message", "detail"); text != "" {
		return text
	}
	return cmp.Or(o.object("error").text("message"), message)
}

// isCodexRetry reports whether an error is a notice that Codex tries again.
func isCodexRetry(message string) bool {
	message = strings.ToLower(message)
	for _, start := range []string{"reconnecting", "retrying", "falling back"} {
		if strings.HasPrefix(message, start) {
			return true
		}
	}
	return strings.Contains(message, "retrying")
}

// codexAsks tells what Codex asks the person.
func codexAsks(o object, out *output) {
	for _, q := range questionsOf(o.list("questions")) {
		q.id, q.call = o.text("request_id"), o.text("call_id", "itemId")
		out.asks(q)
	}
}

func (c *codex) item(done bool, item object, out *output) bool {
	id := item.text("id")
	if c.process > 1 && id != "" {
		id = fmt.Sprintf("%d:%s", c.process, id)
	}
	switch codexKind(item) {
	case "agentmessage":
		if done {
			out.says(eventlog.TypeAssistant, item.text("text"))
		}
	case "reasoning":
		if done {
			out.says(eventlog.TypeThought, item.text("text"))
		}
	case "plan":
		if done {
			out.status("Plan:\n" + item.text("text"))
		}
	case "contextcompaction":
		if done {
			out.status("The conversation was compacted")
		}
	default:
		return c.items.tool(id, item, done, out) || c.items.note(item, done, out)
	}
	return true
}
