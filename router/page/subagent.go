package page

import (
	"bytes"
	"strconv"
	"strings"

	"jrweb/eventlog"
)

// Subagents are what the subagents of a session have done in all, by the id of the call
// that started each: a part of the timeline has only some of their events.
type Subagents struct {
	upTo   uint64
	byCall map[string]subagentTotals
}

// subagentTotals is what one has done, with the subagents that it started.
type subagentTotals struct {
	calls, failed int
	usd           float64
	estimated     bool   // some of it
	caller        uint64 // the sequence of the call, 0 if it is not known
	parent        string // of the call
}

// Subagents returns what the subagents have done so far. It is a copy.
func (o *Outline) Subagents() Subagents {
	s := Subagents{upTo: o.upTo, byCall: map[string]subagentTotals{}}
	for _, a := range o.agents.list {
		sum := s.byCall[a.id]
		sum.caller, sum.parent = a.caller, a.parent
		s.byCall[a.id] = sum
		id := a.id
		for range mostNested + 1 {
			one, known := o.agents.byCall[id]
			if !known {
				break
			}
			sum := s.byCall[id]
			sum.calls += a.calls
			sum.failed += a.failures
			sum.usd += a.usd
			sum.estimated = sum.usd > 0 && o.spent.estimated
			s.byCall[id] = sum
			id = one.parent
		}
	}
	return s
}

// Callers are the sequences of calls before a sequence that an event belongs to: the one
// that started its subagent, the one that started who made that, and so on.
func (s Subagents) Callers(e *eventlog.Event, before uint64) []uint64 {
	if !bytes.Contains(e.Data, []byte(`"parent_`)) {
		return nil
	}
	var all []uint64
	id := parentOf(parseFields(e.Data))
	for range mostNested {
		one, known := s.byCall[id]
		if !known {
			break
		}
		if one.caller != 0 && one.caller < before {
			all = append(all, one.caller)
		}
		id = one.parent
	}
	return all
}

// subagentView is the line above what a subagent did, and its numbers, which the script
// goes on with.
type subagentView struct {
	subagentTotals
	UpTo uint64 // the last event that they hold
}

// Subagent is what the subagent did whose rows stand in this one: in all if that is known,
// else what is in sight.
func (r *row) Subagent() subagentView {
	if r.subagent != nil {
		return *r.subagent
	}
	var v subagentView
	v.add(r.Nested)
	return v
}

func (v subagentView) Calls() int  { return v.calls }
func (v subagentView) Failed() int { return v.failed }
func (v subagentView) USD() string { return strconv.FormatFloat(v.usd, 'g', -1, 64) }

// Estimated counts the costs that are estimated, as the script does: 0 says that none is.
func (v subagentView) Estimated() int {
	if v.estimated {
		return 1
	}
	return 0
}

func (v subagentView) String() string {
	parts := []string{"Subagent", plural(v.calls, "call")}
	if v.failed > 0 {
		parts = append(parts, strconv.Itoa(v.failed)+" failed")
	}
	if v.usd > 1e-9 {
		parts = append(parts, dollars(v.usd, v.estimated))
	}
	return strings.Join(parts, " · ")
}

func (v *subagentView) add(rows []*row) {
	for _, r := range rows {
		v.UpTo = max(v.UpTo, r.Mark.Sequence)
		if r.Mark.Type == eventlog.TypeToolCall {
			v.calls++
		}
		if r.Mark.Outcome == "failed" {
			v.failed++
		}
		for _, result := range r.Results {
			v.UpTo = max(v.UpTo, result.Mark.Sequence)
		}
		costs := r.Costs
		if r.Mark.Type == eventlog.TypeCost {
			costs = []*row{r}
		}
		for _, c := range costs {
			v.UpTo = max(v.UpTo, c.Mark.Sequence)
			if usd, err := strconv.ParseFloat(c.Mark.USD, 64); err == nil && !c.Hidden {
				v.usd += usd
				v.estimated = v.estimated || strings.HasPrefix(c.Mark.Amount, approximately)
			}
		}
		v.add(r.Nested)
	}
}
