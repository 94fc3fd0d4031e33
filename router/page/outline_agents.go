package page

import (
	"strings"

	"jrweb/eventlog"
)

// agents are the subagents of a run, in the order in which they began.
type agents struct {
	list   []*agent
	byCall map[string]*agent
}

// agent is one subagent.
type agent struct {
	name, call  string // who it is, and the call that started it, in words
	first, last uint64
	events      int
	calls       int
	failed      bool
	done        bool
}

// mostAgents is how many subagents are told apart.
const mostAgents = 200

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
		one = &agent{name: "Subagent", first: e.Sequence}
		if call := calls.get(parent); call != nil {
			one.name, one.first = call.agent, call.sequence
			one.call = strings.TrimSpace(call.tool + " " + call.argument)
			if one.name == "" {
				one.name = "Subagent"
			}
		}
		if a.byCall == nil {
			a.byCall = map[string]*agent{}
		}
		a.byCall[parent] = one
		a.list = append(a.list, one)
	}
	one.last = e.Sequence
	one.events++
	if e.Type == eventlog.TypeToolCall {
		one.calls++
	}
}

// result ends the subagent that a call has started.
func (a *agents) result(call *outlineCall, failed bool, e *eventlog.Event) {
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
