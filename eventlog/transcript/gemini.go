package transcript

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"jrweb/eventlog"
)

func isGemini(o object) bool {
	switch o.text("type") {
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

// gemini converts the stream-json of Gemini CLI. The agent's text comes in pieces
// that no id holds together and nothing ends: whatever is no piece ends it.
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
		out.call(o.text("tool_id"), o.text("tool_name"), o["parameters"])
	case "tool_result":
		failure := o.object("error")
		text, parts := contentText(o["output"])
		out.result(result{
			id: o.text("tool_id"), success: o.text("status") == "success",
			output: cmp.Or(text, failure.text("message")),
			more:   data(nil).some("code", failure.text("type")).raw("parts", parts),
		})
	case "error":
		out.error(o.text("message"), o.text("severity"))
	case "result":
		g.result(o, out)
	}
	return true
}

func (g *gemini) result(o object, out *output) {
	out.done()
	if o.text("status") != "success" {
		failure := o.object("error")
		message := cmp.Or(failure.text("message"), "the run ended with status "+cmp.Or(o.text("status"), "unknown"))
		out.error(message, cmp.Or(failure.text("type"), failure.text("code")))
		out.failed(message)
	}
	stats := o.object("stats")
	models := stats.object("models")
	for _, model := range slices.Sorted(maps.Keys(models)) {
		out.cost(model, cumulative, geminiUsage(models.object(model)), nil)
	}
	if len(models) == 0 {
		out.cost(out.origin.Model, cumulative, geminiUsage(stats), nil)
	}
}

// geminiUsage: what was cached is a part of input_tokens; input is the rest.
func geminiUsage(o object) usage {
	u := usage{output: o.amount("output_tokens"), cacheRead: o.amount("cached")}
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
