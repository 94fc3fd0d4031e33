package transcript

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"jrweb/eventlog"
)

// isQwen: Qwen Code prints nearly what Claude Code prints. Its own are the version in
// the first line, messages that have the id of their line, members that are packed
// into data, states of goals, and totals of tokens in results.
func isQwen(o object) bool {
	if !o.has("session_id") || strings.HasPrefix(o.text("session_id"), "T-") {
		return false
	}
	switch o.text("type") {
	case "system":
		return o.has("qwen_code_version") || o.object("data") != nil && strings.HasPrefix(o.text("subtype"), "task_")
	case "assistant":
		return o.has("uuid") && o.text("uuid") == o.object("message").text("id")
	case "stream_event":
		return o.object("event").text("type") == "goal_state"
	case "result":
		return o.object("usage").has("total_tokens") && !o.has("total_cost_usd")
	}
	return false
}

// qwen converts the stream-json and the json of Qwen Code.
type qwen struct {
	partial partials
	message string               // the message that is being printed, for its pieces
	said    recent[string]       // by the call of a subagent: its latest text
	failure string               // told as an error already
	spent   map[string]qwenSpent // by the call of a subagent, "" for the agent
}

// qwenSpent is what one agent has spent. Several lines may tell of one response.
type qwenSpent struct{ before, response usage }

func (q *qwen) object(o object, out *output) bool {
	out.at, out.parent = o.time("timestamp"), o.text("parent_tool_use_id")
	switch o.text("type") {
	case "system":
		return q.system(o.text("subtype"), o, out)
	case "assistant":
		return q.assistant(o.object("message"), o.text("session_id"), out)
	case "user":
		return q.user(o.object("message"), out)
	case "stream_event":
		return q.stream(o.object("event"), out)
	case "result":
		q.result(o, out)
	case "control_request":
		request := o.object("request")
		if request.text("subtype") == "can_use_tool" {
			askedForTool(request, o.text("request_id"), out)
		}
	case "control_response":
		out.answered(cmp.Or(o.object("response").text("request_id"), "unknown"))
	case "control_cancel_request":
		out.answered(cmp.Or(o.text("request_id"), "unknown"))
	default:
		return false
	}
	return true
}

func (q *qwen) system(sub string, o object, out *output) bool {
	switch sub {
	case "init":
		out.begin(Origin{
			Agent: "Qwen Code", Version: o.text("qwen_code_version"), Model: o.text("model"),
			Session: o.text("session_id"), Dir: o.text("cwd"),
		})
		out.working()
	case "task_started", "task_progress", "task_updated", "task_notification":
		d := o.object("data")
		if d == nil {
			d = o
		}
		status := d.text("status")
		say := func(text string) {
			out.inside(d.text("tool_use_id"), func() {
				out.note(eventlog.TypeStatus, text, data(nil).some("task_id", d.text("task_id")))
			})
		}
		switch {
		case sub == "task_started":
			say(strings.TrimSpace("Started: " + d.text("description")))
		case sub == "task_notification" && status != "":
			text := strings.ToUpper(status[:1]) + status[1:]
			if more := d.text("summary", "error"); more != "" {
				text += ": " + more
			}
			say(text)
		}
	case "session_recording_degraded":
		out.status("Qwen Code does not record this session any more")
	default:
		return false
	}
	return true
}

func (q *qwen) assistant(m object, session string, out *output) bool {
	if !m.has("content") {
		return false
	}
	if model := m.text("model"); model != "" && out.parent == "" && out.origin.Model == "" {
		out.begin(Origin{Agent: "Qwen Code", Model: model, Session: session})
	}
	blocks := m.list("content")
	if blocks == nil {
		q.says(m.text("content"), out)
	}
	for _, raw := range blocks {
		block := parseObject(raw)
		switch block.text("type") {
		case "text":
			q.says(block.text("text"), out)
		case "thinking":
			q.partial.whole("", eventlog.TypeThought, out.parent)
			out.says(eventlog.TypeThought, block.text("thinking"))
		case "tool_use":
			name, args := qwenTool(block.text("name"), block.value("input"))
			out.call(block.text("id"), name, args)
		default:
			out.saysBlock(raw)
		}
	}
	q.spend(session, m, out)
	return true
}

// qwenTool returns the tool of a call. Those that are not always offered to the model
// are called through the tool "tool_call", which names them.
func qwenTool(name string, args json.RawMessage) (string, json.RawMessage) {
	if o := parseObject(args); name == "tool_call" && o.text("name") != "" {
		return o.text("name"), o.value("arguments")
	}
	return name, args
}

// says tells a text, or the error that is dressed as one.
func (q *qwen) says(text string, out *output) {
	q.partial.whole("", eventlog.TypeAssistant, out.parent)
	if strings.HasPrefix(text, "[API Error: ") && strings.HasSuffix(text, "]") {
		q.failure = text
		out.error(text, "api_error")
		return
	}
	out.says(eventlog.TypeAssistant, text)
	q.said.put(out.parent, text)
}

// spend tells what the session has cost so far. All lines of a response may repeat
// its usage; the results of its calls, or the next answer, come after them.
func (q *qwen) spend(session string, m object, out *output) {
	if q.spent == nil {
		q.spent = map[string]qwenSpent{}
	}
	s, known := q.spent[out.parent]
	if !known && len(q.spent) == 100 {
		return
	}
	s.response = s.response.most(qwenUsage(m.object("usage")))
	q.spent[out.parent] = s
	var sum usage
	for _, call := range slices.Sorted(maps.Keys(q.spent)) {
		sum = sum.plus(q.spent[call].before).plus(q.spent[call].response)
	}
	if session != "" {
		out.cumulates(session, cmp.Or(m.text("model"), out.origin.Model), sum)
	}
}

// answered says that what comes next belongs to another response.
func (q *qwen) answered(parent string) {
	if s, known := q.spent[parent]; known {
		q.spent[parent] = qwenSpent{before: s.before.plus(s.response)}
	}
}

func (q *qwen) user(m object, out *output) bool {
	if !m.has("content") {
		return false
	}
	q.answered(out.parent)
	blocks := m.list("content")
	if blocks == nil {
		q.told(m.text("content"), out)
		return true
	}
	for _, raw := range blocks {
		block := parseObject(raw)
		switch block.text("type") {
		case "text":
			q.told(block.text("text"), out)
		case "tool_result":
			text, parts := contentText(block.value("content"))
			r := result{id: block.text("tool_use_id"), success: !block.isTrue("is_error"), output: text, more: data(nil).raw("parts", parts)}
			out.result(r.withExitCode(exitCodeOf(text)))
		default:
			text, parts := contentText(raw)
			out.user(eventlog.Human, text, parts)
		}
	}
	return true
}

// told takes what the agent was told: by a person, or by Qwen Code about its tasks.
func (*qwen) told(text string, out *output) {
	actor := eventlog.Human
	if isQwenNotice(text) {
		actor = eventlog.System
	}
	out.user(actor, text, nil)
}

// isQwenNotice: nothing but the words tells these from a person's.
func isQwenNotice(text string) bool {
	return strings.HasPrefix(text, "Background agent \"") || strings.HasPrefix(text, "<task-notification>")
}

// stream keeps a piece of a message, which comes as a whole later.
func (q *qwen) stream(event object, out *output) bool {
	switch event.text("type") {
	case "message_start":
		q.message = event.object("message").text("id")
	case "content_block_delta":
		id, d := q.message+"/"+strconv.Itoa(int(event.amount("index"))), event.object("delta")
		if text := d.text("text"); text != "" {
			q.partial.add(id, eventlog.TypeAssistant, out.parent, text)
		}
		if text := d.text("thinking"); text != "" {
			q.partial.add(id, eventlog.TypeThought, out.parent, text)
		}
	case "content_block_start", "content_block_stop", "message_delta", "message_stop", "goal_state", "ping":
	default:
		return false
	}
	return true
}

// result converts the end. Its usage is of the whole session, of what ran before it was
// resumed and of subagents, too.
func (q *qwen) result(o object, out *output) {
	failed, told := o.truth("is_error")
	sub := o.text("subtype")
	if !told {
		failed = sub != "success"
	}
	for _, raw := range o.list("permission_denials") {
		denied := parseObject(raw)
		out.note(eventlog.TypeGuardrail, "Denied: "+denied.text("tool_name"),
			data(nil).some("tool", denied.text("tool_name")).raw("args", denied.value("tool_input")).some("denied_call_id", denied.text("tool_use_id")))
	}
	failure := o.object("error")
	switch text := o.text("result"); {
	case failed:
		message := cmp.Or(failure.text("message"), o.text("error"), text, sub, "the run failed")
		if message != q.failure {
			out.error(message, cmp.Or(failure.text("type", "code"), sub))
		}
		out.failed(message)
	default:
		if last, _ := q.said.get(""); strings.TrimSpace(text) != strings.TrimSpace(last) {
			out.says(eventlog.TypeAssistant, text)
		}
		out.done()
	}
	q.answered("")
	models, session := o.object("stats").object("models"), o.text("session_id")
	var sum usage
	for _, model := range models.sorted() {
		t := parseObject(model.value).object("tokens")
		sum = sum.plus(promptUsage(t.amount("prompt"), t.amount("cached"), t.amount("tool"), t.amount("candidates"), t.amount("thoughts"), t.amount("total")))
		out.cumulates(session, string(model.name), sum)
	}
	if len(models) == 0 {
		out.cumulates(session, out.origin.Model, qwenUsage(o.object("usage")))
	}
}

// qwenUsage: the input is with what was cached of it.
func qwenUsage(o object) usage {
	u := usage{output: o.amount("output_tokens"), cacheRead: o.amount("cache_read_input_tokens"), cacheWrite: o.amount("cache_creation_input_tokens")}
	u.input = max(0, o.amount("input_tokens")-u.cacheRead-u.cacheWrite)
	if total, told := o.number("total_tokens"); told {
		u.output = max(u.output, total-o.amount("input_tokens"))
	}
	return u
}

func (*qwen) flush(*output) {}

func (q *qwen) end(out *output) { q.partial.rest(out) }
