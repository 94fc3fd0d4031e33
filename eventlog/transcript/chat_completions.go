package transcript

import (
	"cmp"
	"encoding/json"
	"slices"

	"jrweb/eventlog"
)

// isChatCompletions: OpenAI's older interface, which many servers speak, names itself.
func isChatCompletions(o object) bool {
	return (o.text("object") == "chat.completion.chunk" || o.text("object") == "chat.completion") && o.has("choices")
}

// chatCompletions converts the stream of chat completions, and completions as a whole.
// Results of tools are not in it.
type chatCompletions struct {
	text  pieces
	calls []*chatCall
}

// chatCall is a call whose arguments come in pieces.
type chatCall struct {
	index    string
	id, name string
	args     []byte
}

func (c *chatCompletions) object(o object, out *output) bool {
	if !isChatCompletions(o) {
		return false
	}
	out.at = seconds(o.amount("created"))
	out.begin(Origin{Agent: "chat completions", Model: o.text("model")})
	for _, raw := range o.list("choices") {
		choice := parseObject(raw)
		if choice.amount("index") != 0 {
			continue // another answer to the same
		}
		d := choice.object("delta")
		if d == nil {
			d = choice.object("message")
		}
		c.add(o.text("id"), d, out)
		if reason := choice.text("finish_reason"); reason != "" {
			c.finish(reason, out)
		}
	}
	u := o.object("usage")
	read := u.object("prompt_tokens_details").amount("cached_tokens")
	out.member(o.text("id"), "", cmp.Or(o.text("model"), out.origin.Model), usage{
		input: max(0, u.amount("prompt_tokens")-read), output: u.amount("completion_tokens"), cacheRead: read, usd: u.amount("cost"),
	})
	return true
}

func (c *chatCompletions) add(id string, d object, out *output) {
	if thought := d.text("reasoning_content", "reasoning"); thought != "" {
		out.working()
		c.text.add(eventlog.TypeThought, id, thought, out)
	}
	if text := d.text("content", "refusal"); text != "" {
		out.working()
		c.text.add(eventlog.TypeAssistant, id, text, out)
	}
	// A whole answer may be a list of blocks, and some providers put images beside it.
	for _, raw := range append(d.list("content"), d.list("images")...) {
		out.working()
		if o := parseObject(raw); o.text("type") == "text" {
			c.text.add(eventlog.TypeAssistant, id, o.text("text"), out)
			continue
		}
		c.text.flush(out)
		out.saysBlock(raw)
	}
	c.calls = addCalls(c.calls, d.list("tool_calls"))
}

// addCalls adds pieces of calls to those that have come: {index, id, name, args}, or
// with a function that has the latter.
func addCalls(calls []*chatCall, pieces []json.RawMessage) []*chatCall {
	for _, raw := range pieces {
		o := parseObject(raw)
		f := o.object("function")
		index := string(o.value("index"))
		i := slices.IndexFunc(calls, func(call *chatCall) bool { return index != "" && call.index == index })
		if i < 0 {
			if len(calls) == 100 {
				continue
			}
			i = len(calls)
			calls = append(calls, &chatCall{index: index})
		}
		call := calls[i]
		call.id, call.name = cmp.Or(call.id, o.text("id")), cmp.Or(call.name, f.text("name"), o.text("name"))
		if len(call.args) < mostPartial {
			call.args = append(call.args, cmp.Or(f.text("arguments"), o.text("args"))...)
		}
	}
	return calls
}

func (c *chatCompletions) finish(reason string, out *output) {
	c.text.flush(out)
	for _, call := range c.calls {
		args := json.RawMessage(quote(string(call.args)))
		if len(call.args) == 0 {
			args = nil
		}
		out.call(call.id, call.name, args)
	}
	called := len(c.calls) > 0
	c.calls = nil
	switch {
	case called:
	case reason == "stop":
		out.done()
	case reason == "length" || reason == "content_filter":
		out.error("the answer ended: "+reason, reason)
		out.failed("the answer ended: " + reason)
	}
}

func (*chatCompletions) flush(*output) {}

func (c *chatCompletions) end(out *output) { c.text.cut(out) }
