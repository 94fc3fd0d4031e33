package transcript

import (
	"cmp"
	"fmt"
	"strings"

	"jrweb/eventlog"
)

// isAntigravity: each line is named by "event", and has a member of that name. The
// single result of --output-format json has none of the kind, and names a conversation.
func isAntigravity(o object) bool {
	switch event := o.text("event"); event {
	case "init", "step_update", "result":
		return o.object(event) != nil && !o.has("type")
	}
	return o.has("conversation_id") && o.has("response") && o.has("status") && !o.has("type")
}

// antigravity converts the stream-json of Antigravity CLI (agy), which tells each step
// of a conversation as it changes.
type antigravity struct {
	text         pieces
	called, done recent[struct{}] // steps
	conversation string
	turn         string // the first step of it names the turn
	turns        int
	spoke        bool // the turn has said something
}

func (a *antigravity) object(o object, out *output) bool {
	out.at = o.time("timestamp", "time", "ts")
	if id := cmp.Or(o.text("conversation_id"), o.object(o.text("event")).text("conversation_id")); id != "" && a.conversation == "" {
		a.conversation = id
	}
	switch o.text("event") {
	case "init":
		init := o.object("init")
		out.begin(Origin{
			Agent: "Antigravity CLI", Version: init.text("version", "cli_version"), Model: init.text("model"),
			Session: cmp.Or(o.text("conversation_id"), init.text("conversation_id")), Dir: init.text("cwd"),
		})
		out.working()
		a.turn, a.spoke = "", false
	case "step_update":
		return a.step(o.object("step_update"), out)
	case "result":
		a.result(o.object("result"), out)
	case "error":
		message := cmp.Or(o.text("error"), o.object("error").text("message"), o.text("message"))
		out.error(message, "")
		out.failed(cmp.Or(message, "the run failed"))
	case "":
		if !o.has("conversation_id") || !o.has("status") {
			return false
		}
		out.begin(Origin{Agent: "Antigravity CLI", Session: a.conversation})
		a.result(o, out)
	default:
		return false
	}
	return true
}

func (a *antigravity) step(s object, out *output) bool {
	index, state := string(s.value("step_index")), s.text("state")
	if a.turn == "" {
		a.turns++
		a.turn = cmp.Or(index, fmt.Sprint("turn ", a.turns))
	}
	ended := state != "" && state != "ACTIVE" && state != "PENDING" && state != "WAITING"
	switch kind := s.text("step_type"); kind {
	case "agent_response":
		if thought := s.text("thinking_delta"); thought != "" {
			a.text.add(eventlog.TypeThought, index, thought, out)
		}
		if text := s.text("text_delta"); text != "" {
			a.text.add(eventlog.TypeAssistant, index, text, out)
			a.spoke = true
		}
		if state == "ERROR" || state == "FAILED" {
			a.text.flush(out)
			out.error(antigravityError(s), strings.ToLower(state))
			out.failed(antigravityError(s))
		} else if ended {
			a.text.flush(out)
		}
	case "tool", "subagent":
		a.text.flush(out)
		a.tool(index, s, ended, out)
	case "user_input":
		a.text.flush(out)
		if text := s.text("text", "user_input", "text_delta"); text != "" && first(&a.called, "input "+index) {
			out.user(eventlog.Human, text, nil)
		}
	case "checkpoint", "unknown":
	default:
		return false
	}
	if u := s.object("usage"); u != nil {
		out.member(idOf(a.conversation, index), idOf(a.conversation, a.turn), out.origin.Model, antigravityUsage(u))
	}
	return true
}

func antigravityError(s object) string {
	return cmp.Or(s.object("error").text("message"), s.text("error"), "a step failed")
}

// tool tells the call of a step once, and its result.
func (a *antigravity) tool(index string, s object, ended bool, out *output) {
	info := s.object("tool_info")
	name := cmp.Or(s.text("tool_name"), info.text("name"), s.text("step_type"))
	id := "step " + index
	if index == "" {
		id = ""
	}
	if first(&a.called, id) {
		args := info.value("parameters")
		if len(args) == 0 {
			args = s.value("subagent_info")
		}
		out.call(id, name, args)
	}
	if !ended || !first(&a.done, id) {
		return
	}
	text, parts := contentText(info.value("output"))
	failure := cmp.Or(info.text("error"), info.object("error").text("message"), s.text("error"), s.object("error").text("message"))
	r := result{id: id, tool: name, success: s.text("state") == "DONE" && failure == "", took: s.amount("duration_seconds") * 1000}
	if text == "" {
		text, parts = contentText(s.object("subagent_info").value("output"))
	}
	r.output = strings.TrimSpace(text + "\n" + failure)
	if text != "" && failure == "" {
		r.output = text
	}
	if r.output == "" && !r.success {
		r.output = s.text("state")
	}
	r.more = data(nil).raw("parts", parts)
	if code, told := info.number("exit_code"); told {
		r.success, r.more = r.success && code == 0, r.more.number("exit_code", code)
	} else {
		out.exit(&r)
	}
	out.result(r)
}

// result converts the end of a turn. It prints a success without text and without tokens when
// its time was over.
func (a *antigravity) result(r object, out *output) {
	a.text.flush(out)
	status, text := r.text("status"), r.text("response")
	if !a.spoke {
		out.says(eventlog.TypeAssistant, text)
	}
	denied := r.list("denied_actions")
	for _, raw := range denied {
		d := parseObject(raw)
		out.note(eventlog.TypeGuardrail, "Denied: "+cmp.Or(d.text("display_name", "action"), "an action"), data(nil).raw("denied", raw))
	}
	switch strings.ToUpper(status) {
	case "SUCCESS":
		if isBlank(text) && len(denied) > 0 {
			out.failed("denied, and nothing was said")
		} else {
			out.done()
		}
	case "CANCELLED", "CANCELED", "INTERRUPTED":
		out.canceled(cmp.Or(r.text("error"), strings.ToLower(status)))
	default:
		message := cmp.Or(r.text("error"), r.object("error").text("message"), "the run ended with status "+cmp.Or(status, "unknown"))
		out.error(message, strings.ToLower(status))
		out.failed(message)
	}
	out.cumulates(idOf(a.conversation, cmp.Or(a.turn, "result")), out.origin.Model, antigravityUsage(r.object("usage")))
	a.turn, a.spoke = "", false
}

// antigravityUsage: what was read from a cache is not in input_tokens, and thinking is
// in output_tokens.
func antigravityUsage(u object) usage {
	return usage{
		input: u.amount("input_tokens"), output: u.amount("output_tokens"),
		cacheRead: u.amount("cache_read_tokens"), cacheWrite: u.amount("cache_write_tokens"),
	}
}

func (a *antigravity) flush(out *output) { a.text.flush(out) }

func (*antigravity) end(*output) {}
