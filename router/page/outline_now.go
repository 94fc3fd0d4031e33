package page

import (
	"fmt"
	"slices"
	"time"

	"jrweb/eventlog"
)

// Now is what an agent does, in one line.
type Now struct {
	Kind   string `json:"kind"` // waiting, says, thinks, tool, asks, error, or the status of a session that has ended
	What   string `json:"what"`
	Detail string `json:"detail"`
	// Who is the subagent that does it, and Inside the call that started it.
	Who    string `json:"who"`
	Inside string `json:"inside"`
	// Since is when it began.
	Since eventlog.Time `json:"since"`
	// Sequence is the newest event, which this is of.
	Sequence uint64 `json:"sequence"`
	// Running says that a tool is at work: silence may mean that it hangs.
	Running bool `json:"running"`
	// Plan is how much of the agent's plan is done, as "3/7".
	Plan  string `json:"plan"`
	Steps []Step `json:"steps"`
	// Loop says that the agent goes round in circles, and LoopAt where that began.
	Loop   string `json:"loop"`
	LoopAt uint64 `json:"loop_at"`
	// PerMinute is what a minute costs, in dollars, over the last minutes before the newest
	// event.
	PerMinute float64 `json:"usd_per_minute"`
}

// now is the newest event.
type now struct {
	kind, parent, line, tool string // the line as it was written
	failed, printed          bool
	status                   string
	time                     time.Time
	sequence                 uint64
	asked                    []openQuestion // questions that wait, oldest first
}

// openQuestion is a question that waits for its answer. The newest event may be another one.
type openQuestion struct {
	sequence           uint64
	call, parent, line string
	time               time.Time
}

// see looks at an event. What tells nothing of what the agent does changes nothing.
func (n *now) see(e *eventlog.Event, data fields, parent string) {
	n.sequence = e.Sequence
	switch e.Type {
	case eventlog.TypeCost, eventlog.TypeSession, "receipt", eventlog.TypeComment:
		return
	case "question":
		if len(n.asked) < mostOpen {
			n.asked = append(n.asked, openQuestion{e.Sequence, data.text("call_id"), parent, firstLine(data.text("content")), e.Time})
		}
	case eventlog.TypeToolResult: // a person has answered the agent itself
		if call := data.text("call_id"); call != "" {
			n.asked = slices.DeleteFunc(n.asked, func(q openQuestion) bool { return q.call == call })
		}
	case eventlog.TypeAssistant:
		n.asked = slices.DeleteFunc(n.asked, func(q openQuestion) bool { return q.parent == parent }) // it went on
	case "answer":
		if of, ok := data.number("for"); ok && of >= 0 {
			n.asked = slices.DeleteFunc(n.asked, func(q openQuestion) bool { return q.sequence == uint64(of) })
		}
	}
	n.kind, n.parent, n.time = e.Type, parent, e.Time
	n.line, n.tool, n.failed, n.status, n.printed = "", "", false, "", isPrinted(data)
	switch e.Type {
	case eventlog.TypeError:
		n.line = firstLine(data.text("message"))
	case eventlog.TypeToolCall:
		n.tool = toolName(data.text("tool"))
	case eventlog.TypeToolResult:
		n.tool, n.failed = toolName(data.text("tool")), string(data.raw("success")) == "false"
	case eventlog.TypeComplete:
		n.status, n.line = data.text("status"), firstLine(data.text("reason"))
		n.asked = nil
	default:
		n.line = firstLine(data.text("content"))
	}
	if n.printed {
		n.line = withoutEscapes(n.line)
	}
}

// NowIn says what the agent does in a session that the outline is of. What was long ago is
// not told as what it does now: an outline may be behind.
func (o *Outline) NowIn(s *eventlog.SessionInfo) Now {
	if o.upTo < s.Head {
		return Now{Kind: "waiting", What: "Reading the run", Detail: fmt.Sprintf("%d of %d events", o.upTo, s.Head), Sequence: o.upTo, Steps: []Step{}}
	}
	n := o.Now()
	n.Detail = shortPath(n.Detail, s.Cwd)
	return n
}

// Now says what the agent does.
func (o *Outline) Now() Now {
	n := o.now.describe(&o.calls)
	n.Sequence = o.upTo
	if a := o.agents.byCall[o.now.whose()]; a != nil {
		n.Who, n.Inside = a.name, a.call
	}
	n.Plan, n.Steps = o.plan.progress(), append([]Step{}, o.plan.steps...)
	n.PerMinute = o.rate.perMinute()
	n.Loop, n.LoopAt = o.loops.say(&o.spent, o.status == "")
	return n
}

// question is the newest one that waits, nil for none.
func (n *now) question() *openQuestion {
	if len(n.asked) == 0 {
		return nil
	}
	return &n.asked[len(n.asked)-1]
}

// whose is the call of the subagent that is told of, "" for the agent itself.
func (n *now) whose() string {
	if q := n.question(); q != nil {
		return q.parent
	}
	return n.parent
}

// words are the line as it is told: an outline reads many lines, and tells few.
func (n *now) words() string {
	if n.printed {
		return n.line
	}
	return withoutMarks(n.line)
}

func (n *now) describe(calls *callTable) Now {
	since := eventlog.Time{Time: n.time}
	// A call of another level may be open as well: its subagent works, and is told of.
	running := len(calls.open) > 0
	switch {
	case n.kind == "":
		return Now{Kind: "waiting", What: "Waiting for the first event"}
	case n.kind == eventlog.TypeComplete:
		word := outcomeWords[n.status]
		if word == "" {
			word = shorten(n.status)
		}
		return Now{Kind: n.status, What: word, Detail: n.line}
	case len(n.asked) > 0:
		q := n.question()
		return Now{Kind: "asks", What: "Waits for an answer", Detail: withoutMarks(q.line), Since: eventlog.Time{Time: q.time}}
	case n.kind == eventlog.TypeError:
		return Now{Kind: "error", What: "Error", Detail: n.words(), Since: since, Running: running}
	}
	if call := calls.newest(n.parent); call != nil {
		return Now{Kind: "tool", What: "Running " + toolName(call.tool), Detail: call.argument, Since: eventlog.Time{Time: call.time}, Running: true}
	}
	switch n.kind {
	case eventlog.TypeAssistant:
		what := "Says"
		if n.printed {
			what = "Prints"
		}
		return Now{Kind: "says", What: what, Detail: n.words(), Since: since, Running: running}
	case eventlog.TypeThought:
		return Now{Kind: "thinks", What: "Thinking", Detail: n.words(), Since: since, Running: running}
	case eventlog.TypeUser:
		return Now{Kind: "thinks", What: "Reading", Detail: n.words(), Since: since, Running: running}
	case eventlog.TypeToolResult:
		detail := fmt.Sprintf("after %s", n.tool)
		if n.failed {
			detail += ", which failed"
		}
		return Now{Kind: "thinks", What: "Thinking", Detail: detail, Since: since, Running: running}
	case eventlog.TypeStatus, eventlog.TypeCheckpoint, eventlog.TypeGuardrail:
		return Now{Kind: "thinks", What: "Working", Detail: n.line, Since: since, Running: running}
	}
	return Now{Kind: "thinks", What: "Working", Since: since, Running: running}
}
