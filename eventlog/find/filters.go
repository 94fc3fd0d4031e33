package find

import (
	"slices"
	"strings"
	"time"

	"jrweb/eventlog/event"
)

// Tasks are the only tasks in which the query looks, or none if it looks in all of them.
func (q *Query) Tasks() []string { return q.tasks }

// Project reports whether the query looks into tasks of a project.
func (q *Query) Project(name string) bool { return anyPart(q.projects, name) }

// AsksProject reports whether the query looks into some projects only.
func (q *Query) AsksProject() bool { return len(q.projects) > 0 }

// Session reports whether the query looks into a session. It does not look into one that
// had ended before, or has started after, the times that it asks for.
func (q *Query) Session(s *event.SessionInfo) bool {
	return anyPart(q.agents, s.Agent) && anyPart(q.models, s.Model) && anyPart(q.people, s.Owner) &&
		(len(q.statuses) == 0 || slices.Contains(q.statuses, s.Status)) &&
		(q.before.IsZero() || s.Started.Before(q.before)) && (s.Ended.IsZero() || !q.Over(s.Ended.Time))
}

// Over reports whether sessions that ended this early are outside the query.
func (q *Query) Over(ended time.Time) bool { return ended.Before(q.after) }

// Kind reports whether the query looks for events of a time and a type.
func (q *Query) Kind(at time.Time, kind string) bool {
	switch {
	case len(q.types) > 0 && !slices.Contains(q.types, kind),
		len(q.tools) > 0 && kind != event.TypeToolCall && kind != event.TypeToolResult,
		at.Before(q.after), !q.before.IsZero() && !at.Before(q.before):
		return false
	}
	return true
}

// anyPart reports whether a name has one of some parts, or there are none.
func anyPart(parts []string, name string) bool {
	if len(parts) == 0 {
		return true
	}
	folded := foldText(name)
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(folded, part) })
}
