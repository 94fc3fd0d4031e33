package page

import (
	"html/template"
	"net/url"
	"slices"
	"strings"

	"jrweb/eventlog"
	"jrweb/router/price"
)

// fact is something that is known of a run. One without a value is not shown, but a
// script may learn it later.
type fact struct {
	ID, Name, Value string
	Code            bool
	Link            template.URL
}

// factsOf are the facts of a session that stand beside its times and what it cost.
func factsOf(s *eventlog.SessionInfo) []fact {
	if s == nil {
		s = &eventlog.SessionInfo{}
	}
	return []fact{
		{ID: "directory", Name: "Directory", Value: s.Cwd, Code: true},
		{ID: "branch", Name: "Branch", Value: s.Branch, Code: true},
		{ID: "owner", Name: "Started by", Value: s.Owner},
		{ID: "machine", Name: "Machine", Value: s.Machine},
		{ID: "thread", Name: "Agent’s session", Value: s.ExternalID, Code: true},
		{ID: "counted-elsewhere", Name: "Counted elsewhere", Value: elsewhere(s.Elsewhere)},
		{ID: "parent-thread", Name: "Begun by session", Value: s.ParentExternalID, Code: true},
	}
}

// elsewhere tells what of a run's cost counts in other runs, and so is not in its own.
func elsewhere(e *eventlog.Elsewhere) string {
	if e == nil {
		return ""
	}
	text := count(float64(e.Tokens)) + " tokens"
	if e.USD > 0 {
		text += ", " + price.Dollars(e.USD)
	}
	if len(e.Tasks) > 0 {
		text += ", in " + strings.Join(e.Tasks, ", ")
	}
	return text
}

// Elsewhere are the tokens of the run that count in other runs, in short; empty without any.
func (v taskView) Elsewhere() string {
	if v.Shown == nil || v.Whole || v.Shown.Elsewhere == nil {
		return ""
	}
	return count(float64(v.Shown.Elsewhere.Tokens))
}

// agentOf is the agent of a session with its version.
func agentOf(s *eventlog.SessionInfo) string {
	if s == nil {
		return ""
	}
	return strings.TrimSpace(s.Agent + " " + s.Version)
}

// Facts are what is known of the run that is shown.
func (v taskView) Facts() []fact {
	list := factsOf(v.Shown)
	if v.ParentRun.Task != "" {
		list[len(list)-1].Link = template.URL("./" + url.PathEscape(v.ParentRun.Task) + "?session=" + v.ParentRun.Session.String())
	}
	return list
}

// HasDetails says that there is more to tell than fits beside the title.
func (v taskView) HasDetails() bool {
	return tokenKinds(&v.Totals) != "" || slices.ContainsFunc(v.Facts(), func(f fact) bool { return f.Value != "" })
}

// Agent is who runs; empty if nobody is known.
func (v taskView) Agent() string { return agentOf(v.Shown) }

// Model is the latest model that works; empty if none is known.
func (v taskView) Model() string {
	if v.Shown == nil {
		return ""
	}
	return v.Shown.Model
}
