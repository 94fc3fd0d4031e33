package transcript

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"jrweb/eventlog"
)

// isCline: what Cline shows says that it says or asks something; what its command
// line prints is wrapped as events of an agent; and its record of what went to the
// model wraps what a person says in tags.
func isCline(o object) bool {
	switch kind := o.text("type"); kind {
	case "say", "ask":
		return o.text(kind) != "" || o.has("ts")
	case "agent_event":
		return o.object("event").has("type")
	case "hook_event":
		return o.has("hookEventName")
	case "run_result":
		return o.has("finishReason")
	case "task_started":
		return o.has("taskId")
	}
	return isClineHistory(o)
}

func isClineHistory(o object) bool {
	if role := o.text("role"); o.has("type") || o.has("id") && !o.has("ts") || role != "user" && role != "assistant" || o.has("tool_calls") {
		return false
	}
	blocks := o.list("content")
	if len(blocks) == 0 {
		return false
	}
	if _, told := o.number("ts"); told {
		return true
	}
	text := parseObject(blocks[0]).text("text")
	return strings.HasPrefix(text, "<task>") || strings.HasPrefix(text, "<user_message>") || strings.Contains(text, "<environment_details>")
}

// cline converts what Cline, Roo Code and Kilo Code keep of a task
// (ui_messages.json, api_conversation_history.json), and what Cline's command line
// prints with --json.
type cline struct {
	task      string // of the files: the time of the first message names it
	command   string // the call whose output is coming
	commandAt time.Time
	printed   []string // of its output
	size      int      // of that
	partial   object   // a message that has not ended
	agent     clineAgent
	calls     int
}

func (c *cline) object(o object, out *output) bool {
	out.at = o.time("ts", "timestamp")
	switch kind := o.text("type"); kind {
	case "say", "ask":
		return c.shown(kind, o, out)
	case "task_started":
		out.begin(Origin{Agent: "Cline", Session: o.text("taskId")})
		c.task = cmp.Or(c.task, o.text("taskId"))
		return true
	case "error":
		c.ended(out)
		message := cmp.Or(o.text("message"), o.object("error").text("message"), "the run failed")
		out.error(message, "")
		out.failed(message)
		return true
	case "":
		if role := o.text("role"); (role == "user" || role == "assistant") && o.has("content") {
			c.ended(out)
			return clineHistory(role, o, out)
		}
		return false
	}
	return c.agent.object(o, out)
}

// shown converts a message as the person sees it.
func (c *cline) shown(kind string, o object, out *output) bool {
	what, text := o.text(kind), o.text("text")
	c.task = cmp.Or(c.task, string(o.value("ts")))
	if what == "" {
		return false
	}
	if o.isTrue("partial") {
		if c.partial.text("say", "ask") != what || string(c.partial.value("ts")) != string(o.value("ts")) {
			c.broken(out)
		}
		c.partial = object{}.with(kind, quote(what)).with("text", quote(beginning(text, mostPartial))).with("ts", slices.Clone(o.value("ts")))
		return true
	}
	if c.partial != nil && c.partial.text("say", "ask") == what {
		c.partial = nil // it is whole now
	}
	c.broken(out)
	if what != "command_output" && !isClineSilent(what) {
		c.ended(out)
	}
	out.begin(Origin{Agent: "Cline", Model: o.object("modelInfo").text("modelId")})
	images := clineImages(o.list("images"))
	switch what {
	case "task", "user_feedback":
		out.user(eventlog.Human, withImages(text, images), partsOf(images))
	case "user_feedback_diff":
		out.user(eventlog.Human, "[changed a file]", partsOf([]json.RawMessage{data(nil).text("type", "diff").text("text", text).object()}))
	case "text", "subtask_result":
		out.saysWith(eventlog.TypeAssistant, withImages(text, images), partsOf(images))
	case "completion_result":
		out.saysWith(eventlog.TypeAssistant, withImages(text, images), partsOf(images))
		out.done()
	case "plan_mode_respond", "followup", "plan_mode_response":
		c.question(text, out)
	case "reasoning":
		out.says(eventlog.TypeThought, text)
	case "command", "use_mcp_server", "mcp_server_response", "browser_action_launch", "browser_action", "browser_action_result", "tool", "command_output":
		c.tool(what, o, images, out)
	case "api_req_started", "api_req_finished", "deleted_api_reqs":
		c.request(o, parseObject([]byte(text)), out)
	case "error", "diff_error", "clineignore_error", "rooignore_error", "condense_context_error", "invalid_model":
		out.error(cmp.Or(text, what), what)
	case "api_req_failed", "mistake_limit_reached", "auto_approval_max_req_reached":
		out.error(cmp.Or(text, what), what)
		out.failed(cmp.Or(text, what))
	case "error_retry", "api_req_retried", "api_req_retry_delayed":
		out.error(cmp.Or(parseObject([]byte(text)).text("errorMessage", "message"), text, "the request is tried again"), "retry")
	case "task_progress":
		out.note(eventlog.TypeStatus, "Progress\n\n"+text, nil)
	case "condense", "condense_context", "summarize_task":
		out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).some("summary", text))
	case "info", "shell_integration_warning", "new_task", "report_bug", "codebase_search_result", "hook_status", "hook_output_stream",
		"load_mcp_documentation", "generate_explanation", "sliding_window_truncation", "checkpoint_restored", "interactive_app":
		out.note(eventlog.TypeStatus, strings.TrimSpace(strings.ReplaceAll(what, "_", " ")+": "+text), nil)
	case "resume_task", "resume_completed_task":
		out.working()
	default:
		return isClineSilent(what)
	}
	return true
}

// isClineSilent: what the program needs for itself.
func isClineSilent(what string) bool {
	switch what {
	case "checkpoint_created", "checkpoint_saved", "mcp_server_request_started", "api_req_started", "api_req_finished", "conditional_rules_applied":
		return true
	}
	return false
}

// broken reports a message whose rest did not come.
func (c *cline) broken(out *output) {
	p := c.partial
	c.partial = nil
	if isBlank(p.text("text")) {
		return
	}
	kind := eventlog.TypeAssistant
	switch p.text("say", "ask") {
	case "reasoning":
		kind = eventlog.TypeThought
	case "text", "completion_result", "followup", "plan_mode_respond":
	default:
		return // a call that was not made
	}
	at := out.at
	out.at = p.time("ts")
	out.add(kind, "", data(nil).text("content", p.text("text")).flag("partial", true))
	out.at = at
}

// question tells what the agent asks, with the answers that it offers. Cline asks so
// after it has said its plan, and for what to do next, too.
func (c *cline) question(text string, out *output) {
	asked := questionsOf([]json.RawMessage{json.RawMessage(text)})
	if len(asked) == 0 {
		o := parseObject([]byte(text))
		asked = []question{{text: cmp.Or(o.text("response"), text), options: optionsOf(o.list("options"))}}
	}
	out.asks(asked[0])
}

// tool converts a call, or what came back.
func (c *cline) tool(what string, o object, images []json.RawMessage, out *output) {
	text := o.text("text")
	said := parseObject([]byte(text))
	switch what {
	case "command":
		command := strings.TrimSuffix(text, "REQ_APP")
		c.open("execute_command", data(nil).text("command", command).object(), out)
	case "command_output":
		if c.command == "" {
			c.open("execute_command", json.RawMessage("{}"), out)
		}
		c.printed, c.commandAt = append(c.printed, text), out.at
		if c.size += len(text); c.size > mostPartial {
			c.ended(out)
		}
	case "use_mcp_server":
		name := cmp.Or(said.text("toolName"), said.text("uri"), "mcp")
		args := said.value("arguments")
		if len(args) == 0 {
			args = json.RawMessage(text)
			if said == nil {
				args = quote(text)
			}
		}
		c.open(strings.TrimPrefix(said.text("serverName")+"/"+name, "/"), args, out)
	case "browser_action_launch", "browser_action":
		args := json.RawMessage(text)
		if said == nil {
			args = data(nil).text("url", text).object()
		}
		c.open(what, args, out)
	case "mcp_server_response":
		c.close(text, images, out)
	case "browser_action_result":
		if shot := said.text("screenshot"); shot != "" {
			images = append(images, clineImages([]json.RawMessage{quote(shot)})...)
		}
		c.close(withImages(said.text("logs"), images), images, out)
	case "tool":
		// What came back is not shown, except what a search found.
		name := cmp.Or(said.text("tool"), "tool")
		out.call("", name, json.RawMessage(cmp.Or(text, "{}")))
	}
}

// open tells a call, whose output may come.
func (c *cline) open(tool string, args json.RawMessage, out *output) {
	c.calls++
	c.command = fmt.Sprint("call ", c.calls)
	c.commandAt = time.Time{}
	if !json.Valid(args) {
		args = quote(string(args))
	}
	out.call(c.command, tool, args)
}

// close tells the output of the call in hand.
func (c *cline) close(text string, images []json.RawMessage, out *output) {
	r := result{id: c.command, success: !strings.HasPrefix(text, "Error"), output: text}
	r.more = data(nil).raw("parts", partsOf(images))
	out.exit(&r)
	out.result(r)
	c.command, c.printed, c.size = "", nil, 0
}

// ended tells the output of a command once something else follows it.
func (c *cline) ended(out *output) {
	if c.command == "" || c.commandAt.IsZero() && len(c.printed) == 0 {
		return
	}
	at := out.at
	out.at = c.commandAt
	c.close(strings.Join(c.printed, "\n"), nil, out)
	out.at = at
}

// request counts what a request to the model cost. The line of a request is rewritten in its
// place when the cost is known.
func (c *cline) request(o, said object, out *output) {
	u := usage{
		usd: said.amount("cost", "totalCost"), input: said.amount("tokensIn"), output: said.amount("tokensOut"),
		cacheRead: said.amount("cacheReads"), cacheWrite: said.amount("cacheWrites"),
	}
	id := ""
	if o.has("ts") {
		id = idOf("cline", c.task, string(o.value("ts")))
	}
	out.member(id, "", out.origin.Model, u)
	if reason := said.text("cancelReason"); reason == "user_cancelled" {
		out.canceled("canceled by a person")
	} else if reason != "" {
		message := cmp.Or(said.text("streamingFailedMessage"), reason)
		out.error(message, reason)
		out.failed(message)
	}
}

// clineImages makes parts of images that are given as data URLs.
func clineImages(urls []json.RawMessage) []json.RawMessage {
	var parts []json.RawMessage
	for _, raw := range urls {
		if part, isImage := imageOf(object{}.with("type", json.RawMessage(`"image"`)).with("url", raw)); isImage {
			parts = append(parts, part)
		}
	}
	return parts
}

func withImages(text string, images []json.RawMessage) string {
	for range images {
		text = strings.TrimSpace(text + "\n[image]")
	}
	return text
}

// clineHistory converts a message as it went to the model, or came from it.
func clineHistory(role string, o object, out *output) bool {
	out.begin(Origin{Agent: "Cline", Model: o.object("modelInfo").text("modelId")})
	blocks := o.list("content")
	if blocks == nil {
		blocks = []json.RawMessage{o.value("content")}
	}
	called := false
	for _, raw := range blocks {
		block := parseObject(raw)
		switch kind := block.text("type"); {
		case kind == "tool_use":
			out.call(block.text("id"), block.text("name"), block.value("input"))
			called = true
		case kind == "tool_result":
			text, parts := contentText(block.value("content"))
			r := result{id: block.text("tool_use_id"), success: !block.isTrue("is_error"), output: text, more: data(nil).raw("parts", parts)}
			out.exit(&r)
			out.result(r)
		case kind == "thinking":
			out.says(eventlog.TypeThought, block.text("thinking"))
		case kind == "reasoning":
			out.says(eventlog.TypeThought, block.text("text", "reasoning"))
		case kind == "redacted_thinking" || kind == "thoughtSignature":
		case role == "assistant":
			out.saysBlock(raw)
		default:
			text, parts := contentText(raw)
			words, isPerson := clineWords(text)
			if isPerson || len(parts) > 0 {
				out.user(eventlog.Human, words, parts)
			} else {
				out.user(eventlog.System, text, nil)
			}
		}
	}
	if role == "assistant" && !called {
		out.rested()
	}
	return true
}

// clineWords returns what a person says in the text of a message: it stands in tags.
// The text around it is the program's.
func clineWords(text string) (words string, isPerson bool) {
	for _, tag := range []string{"task", "user_message", "feedback", "answer"} {
		_, rest, found := strings.Cut(text, "<"+tag+">")
		if !found {
			continue
		}
		if words, _, found = strings.Cut(rest, "</"+tag+">"); found {
			return strings.TrimSpace(words), true
		}
	}
	return "", false
}

func (c *cline) flush(out *output) { c.agent.text.flush(out) }

func (c *cline) end(out *output) {
	c.ended(out)
	c.broken(out)
	c.agent.text.flush(out)
}
