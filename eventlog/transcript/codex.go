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
	process int // threads started: item ids begin anew with each
	thread  string
	started recent[struct{}] // items whose call was told
	todo    string
	spent   usage // of the thread so far
}

func (c *codex) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	switch o.text("type") {
	case "thread.started":
		c.process++
		if id := o.text("thread_id"); id != c.thread {
			c.thread, c.spent = id, usage{} // a thread that goes on goes on counting
		}
		out.begin(Origin{Agent: "Codex", Session: c.thread})
	case "turn.started":
		out.working()
	case "turn.completed":
		c.cost(o.object("usage"), out)
		out.done()
	case "turn.failed":
		message := o.object("error").text("message")
		out.error(codexError(message), "turn_failed")
		out.failed(cmp.Or(codexError(message), "the turn failed"))
	case "error":
		// Not the end: this is also how Codex tells that it connects again.
		out.error(codexError(o.text("message")), "")
	case "item.started", "item.updated", "item.completed":
		return c.item(strings.TrimPrefix(o.text("type"), "item."), o.object("item"), out)
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

// cost converts the usage of a thread so far. Cached tokens are a part of the
// input, and reasoning of the output.
func (c *codex) cost(o object, out *output) {
	u := codexUsage(o)
	out.cost(out.origin.Model, delta, u.since(c.spent), nil)
	c.spent = c.spent.most(u)
}

func codexUsage(o object) usage {
	u := usage{
		output:     o.amount("output_tokens"),
		cacheRead:  o.amount("cached_input_tokens"),
		cacheWrite: o.amount("cache_write_input_tokens"),
	}
	u.input = max(0, o.amount("input_tokens")-u.cacheRead-u.cacheWrite)
	return u
}

func (c *codex) item(phase string, item object, out *output) bool {
	id := item.text("id")
	if c.process > 1 && id != "" {
		id = fmt.Sprintf("%d:%s", c.process, id)
	}
	done := phase == "completed"
	switch item.text("type") {
	case "agent_message":
		if done {
			out.says(eventlog.TypeAssistant, item.text("text"))
		}
	case "reasoning":
		if done {
			out.says(eventlog.TypeThought, item.text("text"))
		}
	case "error":
		if done {
			out.error(codexError(item.text("message")), "")
		}
	case "todo_list":
		c.todoList(item, out)
	case "command_execution":
		c.call(id, "shell", data(nil).text("command", item.text("command")), out)
		if done {
			code, known := item.number("exit_code")
			r := result{id: id, tool: "shell", output: item.text("aggregated_output")}
			r.success = item.text("status") == "completed" && known && code == 0
			r.more = data(nil).some("status", item.text("status"))
			if known {
				r.more = r.more.number("exit_code", code)
			}
			out.result(r)
		}
	case "file_change":
		c.call(id, "apply_patch", data(nil).raw("changes", item["changes"]), out)
		if done {
			out.result(result{id: id, tool: "apply_patch", success: item.text("status") == "completed", output: codexChanges(item), more: data(nil).some("status", item.text("status"))})
		}
	case "mcp_tool_call":
		tool := strings.Trim(item.text("server")+"."+item.text("tool"), ".")
		c.callRaw(id, tool, argsOf(item["arguments"]), out)
		if done {
			text, parts := contentText(item.object("result")["content"])
			failure := item.object("error").text("message")
			if failure == "" {
				failure = item.text("error")
			}
			if text == "" {
				text = failure
			}
			if text == "" && item.object("result").has("structured_content") {
				text = string(item.object("result")["structured_content"])
			}
			ok := item.text("status") == "completed" && !item.has("error")
			out.result(result{id: id, tool: tool, success: ok, output: text, more: data(nil).raw("parts", parts)})
		}
	case "web_search":
		if item.text("query") != "" || done { // it may start without
			c.call(id, "web_search", data(nil).text("query", item.text("query")).raw("action", item["action"]), out)
		}
		if done {
			out.result(result{id: id, tool: "web_search", success: item.text("status") != "failed"})
		}
	case "collab_tool_call":
		tool := cmp.Or(item.text("tool"), "collab")
		c.call(id, tool, data(nil).some("prompt", item.text("prompt")).raw("agents", item["receiver_thread_ids"]), out)
		if done {
			out.result(result{id: id, tool: tool, success: item.text("status") == "completed", output: string(item["agents_states"])})
		}
	default:
		return false
	}
	return true
}

// call tells a call once, whether its item was seen to start or not.
func (c *codex) call(id, tool string, args data, out *output) {
	c.callRaw(id, tool, args.object(), out)
}

func (c *codex) callRaw(id, tool string, args []byte, out *output) {
	if first(&c.started, id) {
		out.call(id, tool, args)
	}
}

func codexChanges(item object) string {
	var lines []string
	for _, raw := range item.list("changes") {
		change := parseObject(raw)
		kind := cmp.Or(change.text("kind"), change.object("kind").text("type"))
		lines = append(lines, strings.TrimSpace(kind+" "+change.text("path")))
	}
	return strings.Join(lines, "\n")
}

// todoList tells the plan whenever it changes.
func (c *codex) todoList(item object, out *output) {
	var b strings.Builder
	for _, raw := range item.list("items") {
		entry, mark := parseObject(raw), "[ ] "
		if entry.isTrue("completed") {
			mark = "[x] "
		}
		b.WriteString("\n" + mark + entry.text("text"))
	}
	if text := b.String(); text != c.todo {
		c.todo = text
		out.status("Plan:" + text)
	}
}
