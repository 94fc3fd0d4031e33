package transcript

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"jrweb/eventlog"
)

func isGemini(o object) bool {
	switch o.text("type") {
	case "":
		return isGeminiJSON(o)
	case "init":
		return o.has("session_id") && !o.has("subtype")
	case "message":
		return o.text("content") != "" && (o.text("role") == "user" || o.text("role") == "assistant") && !o.has("id")
	case "tool_use":
		return o.has("tool_name") && o.has("tool_id")
	case "tool_result":
		return o.has("tool_id")
	case "result":
		return o.object("stats") != nil
	}
	return false
}

// isGeminiJSON: what --output-format json prints is one object without a type.
func isGeminiJSON(o object) bool {
	if !o.has("session_id") || o.has("type") {
		return false
	}
	return o.has("response") || o.object("stats").object("models") != nil || o.object("error").has("message") && len(o) == 2
}

// gemini converts the stream-json of Gemini CLI, and its json. The agent's text comes in pieces
// that have no common id and no end: whatever is not a piece ends the text.
type gemini struct {
	text strings.Builder
	at   time.Time // of the first piece
}

func (g *gemini) object(o object, out *output) bool {
	at := o.time("timestamp")
	kind := o.text("type")
	if kind == "message" && o.text("role") == "assistant" && o.isTrue("delta") {
		if g.text.Len() == 0 {
			g.at = at
		}
		g.text.WriteString(o.text("content"))
		if g.text.Len() > mostPartial {
			g.flush(out)
		}
		return true
	}
	switch kind {
	case "init", "message", "tool_use", "tool_result", "error", "result":
	case "":
		if !isGeminiJSON(o) {
			return false
		}
	default:
		return false
	}
	g.flush(out)
	out.at = at
	switch kind {
	case "init":
		out.begin(Origin{Agent: "Gemini CLI", Model: o.text("model"), Session: o.text("session_id")})
	case "message":
		if o.text("role") == "assistant" {
			out.says(eventlog.TypeAssistant, o.text("content"))
		} else {
			out.user(eventlog.Human, o.text("content"), nil)
		}
	case "tool_use":
		out.call(o.text("tool_id"), o.text("tool_name"), o.value("parameters"))
	case "tool_result":
		failure := o.object("error")
		text, parts := contentText(o.value("output"))
		r := result{
			id: o.text("tool_id"), success: o.text("status") == "success",
			output: cmp.Or(text, failure.text("message")),
			more:   data(nil).some("code", failure.text("type")).raw("parts", parts),
		}
		code, told := exitCodeOf(text)
		if rest, is := strings.CutPrefix(text, "Command exited with code: "); is && !told {
			n, err := strconv.Atoi(rest)
			code, told = float64(n), err == nil
		}
		out.result(r.withExitCode(code, told))
	case "error":
		out.error(o.text("message"), o.text("severity"))
	case "result":
		g.result(o, o.text("timestamp"), o.text("status") != "success", out)
	case "":
		g.document(o, out)
	}
	return true
}

// document converts the json of a whole run, which tells its end alone.
func (g *gemini) document(o object, out *output) {
	models := o.object("stats").object("models")
	out.begin(Origin{Agent: "Gemini CLI", Session: o.text("session_id"), Model: mainModel(models)})
	out.says(eventlog.TypeAssistant, o.text("response"))
	g.result(o, geminiRun(models), o.has("error"), out)
}

// geminiRun tells a run from the others of its session, where no time does: by how
// long its requests took.
func geminiRun(models object) string {
	var run strings.Builder
	run.WriteString("json")
	for _, model := range models.sorted() {
		m := parseObject(model.value)
		fmt.Fprintf(&run, "/%.0f/%.0f", m.object("api").amount("totalLatencyMs"), m.object("tokens").amount("total"))
	}
	return run.String()
}

// mainModel returns the model that answered most: others do chores.
func mainModel(models object) (most string) {
	output := -1.0
	for _, model := range models.sorted() {
		if n := geminiUsage(parseObject(model.value)).output; n > output {
			most, output = string(model.name), n
		}
	}
	return most
}

// result converts the end of a run. What it cost is of this run alone, also where an
// earlier one is resumed; its id is what tells it from others of the session.
func (g *gemini) result(o object, run string, failed bool, out *output) {
	out.done()
	if failed {
		failure := o.object("error")
		message := cmp.Or(failure.text("message"), "the run ended with status "+cmp.Or(o.text("status"), "unknown"))
		out.error(message, cmp.Or(failure.text("type"), failure.text("code")))
		out.failed(message)
	}
	stats := o.object("stats")
	models := stats.object("models")
	session := out.origin.Session
	spent := func(model string, u usage) {
		if session == "" {
			out.cost(model, cumulative, u, nil)
			return
		}
		out.member(session+"/"+run+"/"+model, session, model, u)
	}
	for _, model := range models.sorted() {
		spent(string(model.name), geminiUsage(parseObject(model.value)))
	}
	if len(models) == 0 {
		spent(out.origin.Model, geminiUsage(stats))
	}
}

// geminiUsage: what was cached is a part of input_tokens; input is the rest. Thoughts
// are in the total only.
func geminiUsage(o object) usage {
	if t := o.object("tokens"); t != nil {
		return promptUsage(t.amount("prompt"), t.amount("cached"), t.amount("tool"), t.amount("candidates"), t.amount("thoughts"), t.amount("total"))
	}
	u := usage{output: max(o.amount("output_tokens"), o.amount("total_tokens")-o.amount("input_tokens")), cacheRead: o.amount("cached")}
	var told bool
	if u.input, told = o.number("input"); !told {
		u.input = max(0, o.amount("input_tokens")-u.cacheRead)
	}
	return u
}

func (g *gemini) flush(out *output) {
	if g.text.Len() > 0 {
		out.at = g.at
		out.says(eventlog.TypeAssistant, g.text.String())
		g.text.Reset()
		out.at = time.Time{}
	}
}

func (*gemini) end(*output) {}
