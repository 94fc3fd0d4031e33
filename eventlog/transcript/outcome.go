package transcript

import (
	"cmp"
	"fmt"

	"jrweb/eventlog"
)

// Outcome is how a run ended, as far as its output tells.
type Outcome struct {
	// Status is [eventlog.Succeeded] only if something says so: a result without an
	// error, the end of a turn, or an agent's last message with nothing open. It is
	// [eventlog.Interrupted] where nothing tells an end.
	Status eventlog.Status
	// Reason is empty for a success.
	Reason string
	// OpenCalls is how many calls of the agent itself have no result, if the run
	// was interrupted.
	OpenCalls int
}

// The reasons of runs whose end is not told.
const (
	reasonMiddle = "the transcript ends in the middle of a run"
	reasonLine   = "the transcript ends in the middle of a line"
	reasonText   = "plain text: nothing tells how the run ended"
)

// progress is how far the agent itself has come. What its subagents do does not
// change it.
type progress struct {
	status eventlog.Status // "" while the agent is at work
	reason string
	open   map[string]struct{} // calls without a result, by id
}

// working says that something is under way: what ended before does not count.
func (out *output) working() { out.reach("", "") }

// done says that a turn came to its end and went well, as the agent tells. Calls that
// are still open then will stay so.
func (out *output) done() { out.reach(eventlog.Succeeded, "") }

// rested says that the agent has said its last word for now, in a format that does
// not tell more. It is no end while calls are open.
func (out *output) rested() {
	if !out.nested() && len(out.progress.open) == 0 {
		out.progress = progress{status: eventlog.Succeeded}
	}
}

// failed says that a turn, or all of the run, ended in failure.
func (out *output) failed(reason string) {
	out.reach(eventlog.Failed, beginning(cmp.Or(reason, "the run failed"), 4<<10))
}

// canceled says that a person, or a signal, ended the turn.
func (out *output) canceled(reason string) {
	out.reach(eventlog.Canceled, beginning(cmp.Or(reason, "canceled"), 4<<10))
}

func (out *output) reach(status eventlog.Status, reason string) {
	if out.nested() {
		return
	}
	if status == "" {
		out.progress.status, out.progress.reason = "", ""
		return
	}
	out.progress = progress{status: status, reason: reason}
}

// opened and closed follow the calls of the agent itself.
func (out *output) opened(id string) {
	if out.nested() {
		return
	}
	out.working()
	if out.progress.open == nil {
		out.progress.open = map[string]struct{}{}
	}
	if len(out.progress.open) < remembered {
		out.progress.open[keyOf(id)] = struct{}{}
	}
}

func (out *output) closed(id string) { delete(out.progress.open, keyOf(id)) }

// spoke says that the agent itself went on: a failure before is not its last word.
func (out *output) spoke() {
	if !out.nested() && out.progress.status != eventlog.Succeeded {
		out.working()
	}
}

func (out *output) outcome(cutOff bool) Outcome {
	p := &out.progress
	switch {
	case cutOff:
		return Outcome{Status: eventlog.Interrupted, Reason: reasonLine, OpenCalls: len(p.open)}
	case p.status != "":
		return Outcome{Status: p.status, Reason: p.reason}
	case out.format == Text:
		return Outcome{Status: eventlog.Interrupted, Reason: reasonText}
	case len(p.open) > 0:
		calls := "a call"
		if len(p.open) > 1 {
			calls = fmt.Sprintf("%d calls", len(p.open))
		}
		return Outcome{Status: eventlog.Interrupted, Reason: reasonMiddle + ": " + calls + " without a result", OpenCalls: len(p.open)}
	}
	return Outcome{Status: eventlog.Interrupted, Reason: reasonMiddle}
}
