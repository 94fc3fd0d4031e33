package transcript

import (
	"cmp"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// isLangGraph: messages of LangChain, which have types of their own, alone or in the
// changes that the nodes of a graph made.
func isLangGraph(o object) bool {
	if isLangChainMessage(o) {
		return true
	}
	if o.has("type") || o.has("role") || o.has("id") {
		return false
	}
	if messages := o.list("messages"); len(messages) > 0 && isLangChainMessage(parseObject(messages[0])) {
		return true
	}
	for _, change := range o {
		if messages := parseObject(change.value).list("messages"); len(messages) > 0 && isLangChainMessage(parseObject(messages[0])) {
			return true
		}
	}
	return false
}

func isLangChainMessage(o object) bool {
	content := o.value("content") != nil
	switch o.text("type") {
	case "AIMessageChunk", "HumanMessageChunk", "ToolMessageChunk", "SystemMessageChunk", "AIMessage", "HumanMessage", "ToolMessage":
		return content
	case "ai", "human", "tool", "system":
		return content && !o.has("role") && !o.has("session_id") && !o.has("sessionId") && !o.has("message")
	}
	return false
}

// langGraph converts what a LangGraph server streams, as server-sent events: messages
// in pieces, the changes that nodes made, the values so far. A run may ask for several
// of these, which tell the same.
type langGraph struct {
	text   pieces
	told   recent[struct{}] // ids of messages
	called recent[struct{}]
	done   recent[struct{}]
	latest string      // what the agent said last, as a whole
	calls  []*chatCall // whose arguments are coming
}

func (l *langGraph) object(o object, out *output) bool {
	event, _, _ := strings.Cut(out.sent, "|") // "updates|subgraph:id"
	event, _, _ = strings.Cut(event, "/")     // "messages/partial"
	switch {
	case isLangChainMessage(o):
		l.message(o, out)
	case event == "metadata" || len(o) <= 3 && o.has("run_id") && !o.has("messages"):
		out.begin(Origin{Agent: "LangGraph", Session: o.text("thread_id"), Model: o.text("model")})
		out.working()
		out.answered("") // what was asked is answered by a new run
	case event == "error" || o.has("error") && o.has("message"):
		l.text.cut(out)
		message := cmp.Or(o.text("message"), o.text("error"), "the run failed")
		out.error(message, o.text("error"))
		out.failed(message)
	case event == "end":
		l.rest(out)
		if !out.waits() { // the stream of a run that was interrupted ends, too
			out.done()
		}
	case event == "custom":
		out.note(eventlog.TypeStatus, "Custom", data(nil).raw("data", rawOf(o)))
	case o.has("langgraph_node") || o.has("langgraph_step") || len(o) == 0 || event == "messages" || event == "debug" || event == "checkpoints" || event == "tasks":
		// What is known of a piece.
		if model := o.text("ls_model_name"); model != "" {
			out.begin(Origin{Agent: "LangGraph", Model: model, Session: o.text("thread_id")})
		}
	case isLangGraph(o) || event == "updates" || event == "values":
		l.changes(o, out)
	default:
		return false
	}
	return true
}

// changes converts the values so far, or what each node changed.
func (l *langGraph) changes(o object, out *output) {
	l.messages(o.list("messages"), out)
	for _, node := range o.sorted() {
		if change := parseObject(node.value); change != nil {
			l.messages(change.list("messages"), out)
		}
	}
	for _, raw := range o.list("__interrupt__") {
		langInterrupt(raw, out)
	}
}

func (l *langGraph) messages(messages []json.RawMessage, out *output) {
	for _, raw := range messages {
		if m := parseObject(raw); isLangChainMessage(m) {
			l.message(m, out)
		} else {
			out.raw(string(raw), "a message of no known type")
		}
	}
}

func (l *langGraph) message(m object, out *output) {
	kind, id := m.text("type"), m.text("id")
	if kind == "AIMessageChunk" {
		l.chunk(id, m, out)
		return
	}
	if kind == "ai" || kind == "AIMessage" {
		if strings.HasPrefix(out.sent, "messages/partial") {
			l.chunk(id, m, out)
		} else {
			l.whole(id, m, out)
		}
		return
	}
	l.rest(out)
	if id != "" && !first(&l.told, id) {
		return
	}
	text, parts := contentText(m.value("content"))
	switch kind {
	case "human", "HumanMessage", "HumanMessageChunk":
		out.user(eventlog.Human, text, parts)
	case "system", "SystemMessageChunk":
		out.user(eventlog.System, text, parts)
	default:
		call := m.text("tool_call_id")
		if !first(&l.done, call) {
			return
		}
		r := result{id: call, tool: m.text("name"), success: m.text("status") != "error", output: text, more: data(nil).raw("parts", parts)}
		out.exit(&r)
		out.result(r)
	}
}

// whole converts a message of the agent that is whole. The parts that came in pieces are not
// told again. Its calls are told if they did not come in pieces.
func (l *langGraph) whole(id string, m object, out *output) {
	text, thought, images := langText(m.value("content"))
	if l.text.id == id && strings.TrimSpace(l.text.said(eventlog.TypeAssistant)) == strings.TrimSpace(text) {
		l.text.drop()
		l.calls = nil
	}
	l.rest(out)
	told := id != "" && !first(&l.told, id) || id == "" && text == l.latest && text != ""
	if !told {
		out.says(eventlog.TypeThought, thought)
		out.saysWith(eventlog.TypeAssistant, withImages(text, images), partsOf(images))
		l.latest = text
	}
	calls := m.list("tool_calls")
	for _, raw := range calls {
		o := parseObject(raw)
		l.call(o.text("id"), o.text("name"), o.value("args"), out)
	}
	if len(calls) == 0 && !told {
		out.rested()
	}
	l.usage(id, m, out)
}

func (l *langGraph) call(id, name string, args json.RawMessage, out *output) {
	if first(&l.called, id) {
		out.call(id, name, args)
	}
}

// chunk takes a piece of a message.
func (l *langGraph) chunk(id string, m object, out *output) {
	if l.text.id != id {
		l.rest(out)
	}
	if strings.HasPrefix(out.sent, "messages/partial") { // with what came before
		l.text.drop()
		l.calls = nil
	}
	text, thought, images := langText(m.value("content"))
	if thought != "" {
		l.text.add(eventlog.TypeThought, id, thought, out)
	}
	if text != "" {
		l.text.add(eventlog.TypeAssistant, id, text, out)
	}
	if len(images) > 0 {
		l.text.flush(out)
		out.saysWith(eventlog.TypeAssistant, withImages("", images), partsOf(images))
	}
	l.calls = addCalls(l.calls, m.list("tool_call_chunks"))
	l.text.id = id
	l.usage(id, m, out)
}

// rest tells what came in pieces, when something else follows.
func (l *langGraph) rest(out *output) {
	said := l.text.said(eventlog.TypeAssistant)
	if said == "" && len(l.calls) == 0 {
		l.text.flush(out)
		return
	}
	if said != "" {
		l.latest = said
	}
	if l.text.id != "" {
		l.told.put(l.text.id, struct{}{})
	}
	l.text.flush(out)
	calls := l.calls
	l.calls = nil
	for _, call := range calls {
		l.call(call.id, call.name, quote(string(call.args)), out)
	}
	if len(calls) == 0 {
		out.rested()
	}
}

func (l *langGraph) usage(id string, m object, out *output) {
	u := m.object("usage_metadata")
	if id == "" || u == nil {
		return
	}
	in := u.object("input_token_details")
	read, written := in.amount("cache_read"), in.amount("cache_creation")
	model := cmp.Or(m.object("response_metadata").text("model_name", "model"), out.origin.Model)
	out.member(id, "", model, usage{input: max(0, u.amount("input_tokens")-read-written), output: u.amount("output_tokens"), cacheRead: read, cacheWrite: written})
}

// langText returns what a message says, and what it thinks, without its calls.
func langText(raw json.RawMessage) (text, thought string, images []json.RawMessage) {
	blocks := listOf(raw)
	if blocks == nil {
		return textOf(raw), "", nil
	}
	for _, block := range blocks {
		o := parseObject(block)
		switch o.text("type") {
		case "text":
			text += o.text("text")
		case "thinking", "reasoning":
			thought += o.text("thinking", "reasoning")
		case "":
			text += textOf(block)
		default:
			if part, isImage := imageOf(o); isImage {
				images = append(images, part)
			}
		}
	}
	return text, thought, images
}

// langInterrupt tells what a graph asks a person. The value is the graph's own; those of
// the agents that LangChain builds name actions, and what may be decided of them.
func langInterrupt(raw json.RawMessage, out *output) {
	o := parseObject(raw)
	value := o.object("value")
	q := question{id: o.text("id", "interrupt_id"), more: data(nil).raw("interrupt", raw)}
	q.text = cmp.Or(textOf(o.value("value")), value.text("question", "message", "description", "prompt", "query"))
	q.options = optionsOf(value.list("options"))
	for _, raw := range value.list("action_requests") {
		action := parseObject(raw)
		q.text = strings.TrimSpace(q.text + "\n" + cmp.Or(action.text("description"), "Permission asked for "+action.text("name", "action")))
	}
	for _, raw := range value.list("review_configs") {
		if q.options == nil {
			q.options = optionsOf(parseObject(raw).list("allowed_decisions"))
		}
	}
	q.text = cmp.Or(q.text, "The agent waits for a person")
	out.asks(q)
}

// rawOf returns the text of an object.
func rawOf(o object) json.RawMessage {
	d := data(nil)
	for _, f := range o.sorted() {
		if len(d) > 0 {
			d = append(d, ',')
		}
		d = append(append(append(d, quote(string(f.name))...), ':'), f.value...)
	}
	return d.object()
}

func (l *langGraph) flush(*output) {}

func (l *langGraph) end(out *output) { l.rest(out) }
