package page

import (
	"strings"

	"jrweb/eventlog"
)

// agents are the subagents of a run, in the order in which they began.
type agents struct {
	list    []*agent
	byCall  map[string]*agent
	started map[string]*outlineCall // calls that start one, by their id
}

// agent is one subagent.
type agent struct {
	id, parent  string // of the call that started it, and of the one that started who made it
	name, call  string // who it is, and the call that started it, in words
	caller      uint64 // the call's sequence, 0 if it is not known
	first, last uint64
	events      int
	calls       int
	failures    int // of its calls
	usd         float64
	cost        string // the message whose cost came last, and what it was
	costUSD     float64
	failed      bool
	done        bool
}

const (
	// mostAgents is how many subagents are told apart.
	mostAgents = 200
	// mostStarted is how many calls are remembered whose subagent has not been heard of.
	mostStarted = 500
)

// start remembers a call that starts a subagent: its result may come before the first
// event of the subagent, which goes on in the background.
func (a *agents) start(c *outlineCall) {
	if c.agent == "" || c.id == "" {
		return
	}
	if a.started == nil || len(a.started) >= mostStarted {
		a.started = map[string]*outlineCall{}
	}
	a.started[c.id] = c
}

// see counts an event of a subagent. The first one makes it known.
func (a *agents) see(e *eventlog.Event, parent string, calls *callTable) {
	if parent == "" {
		return
	}
	one := a.byCall[parent]
	if one == nil {
		if len(a.list) == mostAgents {
			return
		}
		one = &agent{id: parent, name: "Subagent", first: e.Sequence}
		call := calls.get(parent)
		if call == nil {
			call = a.started[parent]
		}
		if call != nil {
			one.name, one.first, one.caller, one.parent = call.agent, call.sequence, call.sequence, call.parent
			one.call = strings.TrimSpace(toolName(call.tool) + " " + call.argument)
			if one.name == "" {
				one.name = "Subagent"
			}
		}
		if a.byCall == nil {
			a.byCall = map[string]*agent{}
		}
		a.byCall[parent] = one
		a.list = append(a.list, one)
		delete(a.started, parent)
	}
	one.last = e.Sequence
	one.events++
	if e.Type == eventlog.TypeToolCall {
		one.calls++
	}
}

// cost adds what a step of a subagent has cost. What is said again of a message has what
// was said before in it.
func (a *agents) cost(data fields, parent string, usd float64) {
	one := a.byCall[parent]
	if one == nil || !isCostOfStep(data) {
		return
	}
	if id := data.text("id"); id != "" {
		if id == one.cost {
			one.usd -= one.costUSD
		}
		one.cost, one.costUSD = id, usd
	}
	one.usd += usd
}

// result ends the subagent that a call has started.
func (a *agents) result(call *outlineCall, failed bool, e *eventlog.Event) {
	if by := a.byCall[call.parent]; by != nil && failed {
		by.failures++
	}
	if one := a.byCall[call.id]; one != nil && call.id != "" {
		one.done, one.failed, one.last = true, failed, e.Sequence
	}
}

// agentIn names the subagent that a call starts, "" if it names none.
func agentIn(tool string, args fields) string {
	if kind, ok := either(args, "subagent_type", "agent_type", "agent_name", "agent"); ok && kind != "" {
		return shorten(kind) + " agent"
	}
	switch strings.ToLower(tool) {
	case "task", "agent", "spawn_agent", "invoke_subagent", "delegate":
		return "Subagent"
	}
	return ""
}
