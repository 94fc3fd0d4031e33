package page

import (
	"hash/fnv"
	"slices"
	"time"

	"jrweb/eventlog"
	"jrweb/router/price"
)

// Outline sums up one session so far: what a page tells of a run beside its rows. Add takes its
// events in their order, each once. What it holds is bounded, however long the run. It is not
// safe for concurrent use.
type Outline struct {
	// Raws counts the events of type raw, and FirstRaw is the first of them.
	Raws     int
	FirstRaw uint64

	prices *price.Table
	upTo   uint64
	now    now
	calls  callTable
	plan   plan
	loops  loops
	work   work
	chart  chart
	spent  spending
	rate   rate
	agents agents
	answer uint64 // the last words of the agent itself
	status string // of the complete event
	reason string
}

// NewOutline returns the outline of nothing. Nil prices: nothing is estimated.
func NewOutline(prices *price.Table) *Outline { return &Outline{prices: prices} }

// UpTo is the sequence of the last event that was added.
func (o *Outline) UpTo() uint64 { return o.upTo }

// Skip passes over the events up to a sequence, because they are no longer kept.
func (o *Outline) Skip(to uint64) { o.upTo = max(o.upTo, to) }

// Add adds the next event. It keeps nothing of its data.
func (o *Outline) Add(e *eventlog.Event) {
	o.upTo = e.Sequence
	data := parseFields(e.Data)
	parent := parentOf(data)
	o.now.see(e, data, parent)
	o.agents.see(e, parent, &o.calls)
	switch e.Type {
	case TypeRaw:
		if o.Raws++; o.Raws == 1 {
			o.FirstRaw = e.Sequence
		}
	case eventlog.TypeAssistant:
		if parent == "" {
			o.answer = e.Sequence
		}
		o.work.done(o.calls.abandon(parent))
	case eventlog.TypeToolCall:
		c := newOutlineCall(e, data, parent)
		o.calls.add(c)
		o.agents.start(c)
		o.loops.call(c, o.spent.usd)
		o.plan.fromCall(data)
	case eventlog.TypeToolResult:
		o.result(e, data)
	case eventlog.TypeStatus:
		o.plan.fromStatus(data)
	case eventlog.TypeCost:
		o.spent.add(data, o.prices)
		if !isCostOfStep(data) && data.text("id") != "" {
			o.chart.inAll(o.spent.usd)
		}
		o.agents.cost(data, parent, amountOf(data, o.prices))
	case eventlog.TypeComplete:
		o.status, o.reason = data.text("status"), firstLine(data.text("reason"))
		o.work.done(o.calls.abandonAll())
	}
	o.chart.add(e, data, parent, o.spent.usd)
	o.rate.see(e.Time, o.spent.usd)
}

// changesFiles tells whether the newest event is a call that changes files.
func (o *Outline) changesFiles() bool {
	open := o.calls.open
	return len(open) > 0 && open[len(open)-1].sequence == o.upTo && len(open[len(open)-1].changes) > 0
}

func (o *Outline) result(e *eventlog.Event, data fields) {
	failed := string(data.raw("success")) == "false"
	call := o.calls.take(data.text("call_id"), data.text("tool"))
	if call == nil {
		return
	}
	o.loops.result(call, failed)
	if !failed {
		o.plan.fromResult(call, data.text("output"))
	}
	o.work.result(call, failed)
	o.agents.result(call, failed, e)
}

// parentOf is the call that started the subagent which an event is of.
func parentOf(data fields) string {
	for _, name := range parentFields {
		if parent := data.text(name); parent != "" {
			return parent
		}
	}
	return ""
}

// outlineCall is a call as an outline remembers it.
type outlineCall struct {
	sequence                   uint64
	id, tool, argument, parent string
	agent                      string // who works in it, if it starts a subagent
	what                       uint64 // the same for calls that are the same
	command                    string
	step                       Step // of a plan, that it makes or changes
	changes                    []fileChange
	time                       time.Time
}

func newOutlineCall(e *eventlog.Event, data fields, parent string) *outlineCall {
	args := parseFields(data.raw("args"))
	tool := shorten(data.text("tool"))
	name, argument := tellingArgument(args)
	c := &outlineCall{
		sequence: e.Sequence, id: data.text("call_id"), tool: tool, argument: firstLine(argument), parent: parent,
		agent: agentIn(tool, args), time: e.Time, changes: changesOf(tool, args), step: stepOf(tool, args),
	}
	if name == "command" || name == "cmd" {
		c.command = argument[:runeStart(argument, min(len(argument), 512))]
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(tool + "\x00" + parent + "\x00"))
	_, _ = h.Write(data.raw("args"))
	c.what = h.Sum64()
	return c
}

// callTable are the calls that wait for their result, oldest first.
type callTable struct{ open []*outlineCall }

// mostOpen is how many calls may wait: an agent that records no results leaves all open.
const mostOpen = 100

func (t *callTable) add(c *outlineCall) {
	if len(t.open) == mostOpen {
		t.open = append(t.open[:0:0], t.open[1:]...)
	}
	t.open = append(t.open, c)
}

func (t *callTable) take(id, tool string) *outlineCall {
	for i, c := range t.open {
		if c.id == id && (id != "" || c.tool == shorten(tool)) {
			t.open = append(t.open[:i:i], t.open[i+1:]...)
			return c
		}
	}
	return nil
}

// abandon takes out the calls of a level: the agent goes on only once it has what it
// asked for, and not all agents record results.
func (t *callTable) abandon(parent string) (gone []*outlineCall) {
	var left []*outlineCall
	for _, c := range t.open {
		if c.parent == parent {
			gone = append(gone, c)
		} else {
			left = append(left, c)
		}
	}
	t.open = left
	return gone
}

func (t *callTable) abandonAll() (gone []*outlineCall) {
	gone, t.open = t.open, nil
	return gone
}

func (t *callTable) get(id string) *outlineCall {
	for i := len(t.open) - 1; i >= 0 && id != ""; i-- {
		if t.open[i].id == id {
			return t.open[i]
		}
	}
	return nil
}

// newest is the call of a level that was made last, else the one of any level.
func (t *callTable) newest(parent string) *outlineCall {
	for _, call := range slices.Backward(t.open) {
		if call.parent == parent {
			return call
		}
	}
	return nil
}
