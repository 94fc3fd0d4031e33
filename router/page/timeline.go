package page

import (
	"fmt"
	"time"

	"jrweb/eventlog"
)

// Entry is an event with the session that it belongs to.
type Entry struct {
	Session eventlog.SessionID
	eventlog.Event
}

// item is what stands in a timeline: an event, or a notice between events.
type item struct {
	Row   *row
	Gap   *gap
	Break *sessionBreak
}

// gap is where events are no longer kept.
type gap struct{ After, Next uint64 }

// First and Last are the sequences that are gone.
func (g gap) First() uint64 { return g.After + 1 }
func (g gap) Last() uint64  { return g.Next - 1 }

// sessionBreak is where another session begins or, while several run, goes on.
type sessionBreak struct {
	eventlog.SessionInfo
	Again  bool // some of its events came before
	Number int
	Link   string // to the session alone, "" in an export
}

// timeline makes items of events that come in order. A result goes into the row of
// its call, and what a subagent does into the row of the call that started it.
type timeline struct {
	view  view
	runs  []run
	older bool // there are events before the first
	items []item

	*thread // of the session of the latest event
	threads map[eventlog.SessionID]*thread
}

// thread is the events of one session in a timeline. Those of several sessions that run
// beside each other alternate.
type thread struct {
	session eventlog.SessionID
	start   sessionBreak
	middle  bool   // what comes before in the session is not known
	model   string // that works in the session
	last    time.Time
	ended   bool
	open    []*row          // calls that wait for their result, oldest first
	callers map[string]*row // the latest call of an id
	costs   map[string]*row // the latest cost of a message
	steps   map[string]*row // the latest step of the agent itself, "", and of each subagent
	named   map[string]*row // the latest row of a name
}

func newThread(session eventlog.SessionID) *thread {
	return &thread{
		session: session,
		callers: map[string]*row{}, costs: map[string]*row{}, named: map[string]*row{}, steps: map[string]*row{},
	}
}

func newTimeline(v view, runs []run) *timeline {
	return &timeline{view: v, runs: runs, thread: newThread(eventlog.SessionID{}), threads: map[eventlog.SessionID]*thread{}}
}

// mostNested is how deep subagents of subagents are shown.
const mostNested = 8

func (t *timeline) add(e Entry) {
	if e.Session != t.session {
		t.begin(&e)
	}
	r := t.view.row(&e)
	if e.Type == eventlog.TypeSession {
		t.learn(r)
	}
	if r.Hidden {
		if !t.view.offline { // who follows a link to it sees it
			t.items = append(t.items, item{Row: r})
		}
		return
	}
	if !t.last.IsZero() {
		r.Since = since(e.Time.Sub(t.last))
	}
	t.last = e.Time

	t.withdraw(r.Mark.Withdraws)
	if r.Mark.Name != "" {
		t.named[r.Mark.Name] = r
	}
	switch e.Type {
	case eventlog.TypeToolResult:
		if call := t.take(r); call != nil {
			call.finish(r)
			return
		}
	case eventlog.TypeAssistant:
		// The agent goes on only once it has what it asked for, and not all
		// agents record results.
		t.abandon(func(call *row) bool { return call.parent == r.parent })
	case eventlog.TypeCost:
		t.grow(r)
		if step := t.steps[r.parent]; step != nil && r.Mark.Amount != "" {
			step.Costs = append(step.Costs, r)
			return
		}
	case eventlog.TypeComplete:
		t.abandon(func(*row) bool { return true })
		t.ended = true
	}
	if isStep(e.Type) {
		t.steps[r.parent] = r
	}
	caller := t.callers[r.parent]
	for caller != nil && caller.depth == mostNested {
		caller = caller.caller // beside what cannot hold it
	}
	if r.parent != "" && caller != nil {
		r.caller, r.depth = caller, caller.depth+1
		caller.Nested = append(caller.Nested, r)
	} else {
		t.items = append(t.items, item{Row: r})
	}
	if e.Type == eventlog.TypeToolCall {
		t.open = append(t.open, r)
		if r.call != "" {
			t.callers[r.call] = r
			if all := t.view.subagents[e.Session]; all.byCall != nil {
				if sum, known := all.byCall[r.call]; known && sum.caller == e.Sequence {
					r.subagent = &subagentView{sum, all.upTo}
				}
			}
		}
	}
}

// addCallers begins a part with calls from before it whose subagents did something in it.
func (t *timeline) addCallers(callers []Entry) {
	for _, e := range callers {
		t.add(e)
	}
	for _, thread := range t.threads {
		thread.last = time.Time{} // what lies between is not on this page
	}
}

// isStep reports whether a cost may be of an event of the type.
func isStep(kind string) bool {
	return kind == eventlog.TypeAssistant || kind == eventlog.TypeThought || kind == eventlog.TypeToolCall
}

// learn shows the row of a session event if it tells that another model works now.
func (t *timeline) learn(r *row) {
	if r.Mark.Model == "" {
		return
	}
	known := t.model != "" || t.middle
	r.Hidden = !known || r.Mark.Model == t.model
	t.model = r.Mark.Model
}

// grow leaves of the costs of one message only the latest to be seen: it has what the
// others had, and more.
func (t *timeline) grow(r *row) {
	if r.Mark.Cost == "" {
		return
	}
	if before := t.costs[r.Mark.Cost]; before != nil {
		before.Hidden = true
	}
	t.costs[r.Mark.Cost] = r
}

// begin goes to another session, with a notice unless it is only the start of a page.
func (t *timeline) begin(e *Entry) {
	isPageStart := t.session.IsZero() && t.older
	if t.ended {
		delete(t.threads, t.session)
	}
	known := t.threads[e.Session]
	if known == nil {
		known = t.newThread(e)
		t.threads[e.Session] = known
	} else {
		known.start.Again = true
	}
	t.thread = known
	t.view.started, t.view.cwd = t.start.Started.Time, t.start.Cwd
	if isPageStart && t.start.Again {
		return
	}
	if t.view.whole {
		start := t.start
		t.items = append(t.items, item{Break: &start})
	}
	if e.Sequence > 1 && !t.start.Again {
		t.items = append(t.items, item{Gap: &gap{After: 0, Next: e.Sequence}})
	}
}

// newThread makes the thread of a session with its first event here.
func (t *timeline) newThread(e *Entry) *thread {
	thread := newThread(e.Session)
	thread.middle = e.Sequence > 1
	thread.start.ID = e.Session
	for i := range t.runs {
		if t.runs[i].ID == e.Session {
			thread.start.SessionInfo, thread.start.Number = t.runs[i].SessionInfo, t.runs[i].Number
		}
	}
	thread.start.Again = t.older && e.Sequence > max(thread.start.First, 1)
	if !t.view.offline {
		thread.start.Link = "?session=" + e.Session.String()
	}
	return thread
}

// take returns the call that a result belongs to: the oldest open one with its
// call_id, or without a call_id of the same tool; nil for none.
func (t *timeline) take(result *row) *row {
	for i, call := range t.open {
		if call.call == result.call && (result.call != "" || call.tool == result.tool) {
			t.open = append(t.open[:i:i], t.open[i+1:]...)
			return call
		}
	}
	return nil
}

// abandon says of open calls that no result is to be waited for. One that comes
// anyway still finds its call.
func (t *timeline) abandon(which func(call *row) bool) {
	for _, call := range t.open {
		if which(call) {
			call.setOutcome("none")
		}
	}
}

// leave says of open calls that what becomes of them is told behind this part.
func (t *timeline) leave() {
	for _, thread := range t.threads {
		for _, call := range thread.open {
			if call.Mark.Outcome == "open" {
				call.setOutcome("later")
			}
		}
	}
}

// release forgets the items made so far. A result that comes later has no row to
// be joined with.
func (t *timeline) release() {
	t.items = nil
	for _, thread := range t.threads {
		thread.open = nil
		clear(thread.callers)
		clear(thread.costs)
		clear(thread.named)
		clear(thread.steps)
	}
}

// waiting counts the calls that still wait for their result.
func (t *timeline) waiting() int {
	n := 0
	for _, thread := range t.threads {
		for _, call := range thread.open {
			if call.Mark.Outcome == "open" {
				n++
			}
		}
	}
	return n
}

// since is the time between two events in short, "" when there is none worth telling.
func since(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return ""
	case d < time.Minute:
		return "+" + took(d)
	case d < time.Hour:
		return fmt.Sprintf("+%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("+%d h", d/time.Hour)
	}
	return fmt.Sprintf("+%d days", d/(24*time.Hour))
}
