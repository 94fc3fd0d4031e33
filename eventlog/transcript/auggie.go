package transcript

import (
	"cmp"

	"jrweb/eventlog"
)

// isAuggie: the one line that Auggie prints, which names a request and turns, and no
// duration.
func isAuggie(o object) bool {
	return o.text("type") == "result" && o.has("request_id") && o.has("num_turns") && o.has("is_error") && !o.has("uuid") && !o.has("duration_ms")
}

// auggie converts the result of auggie --print --output-format json: all that it prints.
type auggie struct{ holdsNothing }

func (auggie) object(o object, out *output) bool {
	if o.text("type") != "result" {
		return false
	}
	out.begin(Origin{Agent: "Auggie", Session: o.text("session_id")})
	text := o.text("result")
	if o.isTrue("is_error") {
		message := cmp.Or(text, o.text("subtype"), "the run failed")
		out.error(message, o.text("subtype"))
		out.failed(message)
	} else {
		out.says(eventlog.TypeAssistant, text)
		out.done()
	}
	if bill := o.object("billing"); bill.text("usage_unit") == "usd" {
		out.member(o.text("request_id"), o.text("session_id"), "", usage{usd: bill.amount("total_cost")})
	}
	return true
}
