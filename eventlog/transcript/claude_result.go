package transcript

import (
	"cmp"
	"strings"

	"jrweb/eventlog"
)

// result converts the end of a turn. A process may print several: each turn has one,
// and a background task that ends begins one more turn.
func (c *claude) result(o object, session string, out *output) {
	for _, raw := range o.list("permission_denials") {
		c.notices.deniedAtEnd(raw, out)
	}
	reason, subtype := o.text("terminal_reason"), o.text("subtype")
	failed, told := o.truth("is_error")
	switch {
	case strings.HasPrefix(subtype, "error"):
		failed = true // older versions say so there alone
	case !told:
		failed = reason != "" && reason != "completed" || reason == "" && subtype != "success"
	}
	switch {
	case strings.HasPrefix(reason, "aborted"), failed && reason == "" && c.messages.interrupted:
		out.canceled(cmp.Or(c.messages.interruption(), reasonInterrupted))
	case failed:
		c.failure(o, reason, subtype, out)
	default:
		if text := o.text("result"); !c.messages.hasSaid(text) {
			out.says(eventlog.TypeAssistant, text)
		}
		out.done()
	}
	if o.has("structured_output") {
		out.note(eventlog.TypeStatus, "Structured output", data(nil).raw("structured_output", o.value("structured_output")))
	}
	c.costs.result(c.agent, session, o, out)
}

func (c *claude) failure(o object, reason, subtype string, out *output) {
	message := o.text("result")
	for _, e := range o.list("errors") {
		text, _ := contentText(e)
		message = strings.TrimSpace(message + "\n" + text)
	}
	if reason == "completed" {
		reason = ""
	}
	if subtype == "success" {
		subtype = ""
	}
	message = cmp.Or(message, o.text("error"), o.object("error").text("message"), reason, subtype, "the turn failed")
	if message != c.messages.lastError {
		out.error(message, cmp.Or(reason, subtype, o.text("subtype")))
	}
	out.failed(message)
}
