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
	// Unfinished says that the lines show that something was to come: the result of a
	// call, the answer to a question or to a person's words, the rest of a line. An
	// interrupted run without it only lacks a line that tells its end.
	Unfinished bool
}

// The reasons of runs whose end is not told.
const (
	reasonMiddle = "the transcript ends in the middle of a run"
	reasonLine   = "the transcript ends in the middle of a line"
	reasonWaits  = "the run waits for a person's answer"
	reasonText   = "plain text: nothing tells how the run ended"
)

// progress is how far the agent itself has come. What its subagents do does not
// change it.
type progress struct {
	status eventlog.Status // "" while the agent is at work
	reason string
	open   map[string]struct{} // calls without a result, by id
	asked  []question          // without an answer
	told   bool                // a person's words are the last thing
	over   bool                // the agent has told its end, and nothing since
}

// working says that something is under way: what ended before does not count.
func (out *output) working() { out.reach("", "") }

// told says that a person has said something, which is also the answer to what was asked.
func (out *output) told() {
	out.working()
	out.answered("")
	if !out.nested() {
		out.progress.told = true
	}
}

// done says that a turn came to its end and went well, as the agent tells. Calls that
// are still open then will stay so.
func (out *output) done() { out.reach(eventlog.Succeeded, "") }

// rested says that the agent has said its last word for now, in a format that does
// not tell more. It is not an end while calls or questions are open.
func (out *output) rested() {
	if !out.nested() && len(out.progress.open) == 0 && !out.waits() {
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
		out.progress.status, out.progress.reason, out.progress.over = "", "", false
		return
	}
	out.progress = progress{status: status, reason: reason, over: out.progress.over}
}

// opened and closed follow the calls of the agent itself.
func (out *output) opened(id string) {
	if out.nested() {
		return
	}
	out.working()
	out.progress.told = false
	if out.progress.open == nil {
		out.progress.open = map[string]struct{}{}
	}
	if len(out.progress.open) < remembered {
		out.progress.open[keyOf(id)] = struct{}{}
	}
}

func (out *output) closed(id string) {
	delete(out.progress.open, keyOf(id))
	if id != "" {
		out.answered(id)
	}
}

// spoke says that the agent itself went on: a failure before is not its last word, and
// what it asked has an answer.
func (out *output) spoke() {
	if out.nested() {
		return
	}
	if out.progress.status != eventlog.Succeeded {
		out.working()
	}
	out.progress.told, out.progress.over = false, false
	out.answered("")
}

func (out *output) outcome(cutOff bool) Outcome {
	p := &out.progress
	switch {
	case cutOff:
		return Outcome{Status: eventlog.Interrupted, Reason: reasonLine, Unfinished: true}
	case p.status != "":
		return Outcome{Status: p.status, Reason: p.reason}
	case out.format == Text:
		return Outcome{Status: eventlog.Interrupted, Reason: reasonText}
	case out.waits():
		return Outcome{Status: eventlog.Interrupted, Reason: reasonWaits, Unfinished: true}
	case len(p.open) > 0:
		calls := "a call"
		if len(p.open) > 1 {
			calls = fmt.Sprintf("%d calls", len(p.open))
		}
		return Outcome{Status: eventlog.Interrupted, Reason: reasonMiddle + ": " + calls + " without a result", Unfinished: true}
	case p.told:
		return Outcome{Status: eventlog.Interrupted, Reason: reasonMiddle + ": a person's words without an answer", Unfinished: true}
	}
	return Outcome{Status: eventlog.Interrupted, Reason: reasonMiddle}
}
