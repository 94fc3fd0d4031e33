package page

import (
	"fmt"
	"html/template"
	"slices"
	"time"

	"jrweb/eventlog"
)

// listView is a ListPage with what its template would otherwise have to look up.
type listView struct {
	ListPage
	Tasks   []taskRow
	Choices []choice
	Next    template.URL
}

// choice is one thing that tasks are chosen by, with the values that there are.
type choice struct {
	Name, Label, Any, Value string
	Values                  []string
}

// taskRow is a task with how its sessions ended, the oldest first.
type taskRow struct {
	eventlog.Task
	Tries []eventlog.SessionInfo
	// Started and Ended are when the agent ran last.
	Started, Ended eventlog.Time
	Spark          *Spark // nil: there is too little to draw
}

// Ran is the day on which the agent ran, if that is long before it was recorded.
func (r taskRow) Ran() eventlog.Time {
	if r.Ended.IsZero() || r.Updated.Sub(r.Ended.Time) < longAgo {
		return eventlog.Time{}
	}
	return r.Ended
}

// longAgo is so long that a run was not recorded live.
const longAgo = time.Hour

// mostTries is how many sessions of a task the list shows one by one.
const mostTries = 10

func newListView(p ListPage) listView {
	v := listView{ListPage: p, Next: template.URL(p.Next)} // its maker has encoded it
	for _, task := range p.Tasks {
		tries := slices.Clone(p.Sessions[task.ID])
		tries = tries[:min(len(tries), mostTries)]
		slices.Reverse(tries)
		row := taskRow{Task: task, Tries: tries}
		if n := len(tries); n > 0 {
			row.Started, row.Ended = tries[n-1].Started, tries[n-1].Ended
			row.Spark = NewSpark(p.Pulses[task.ID], tries[n-1].Head)
		}
		v.Tasks = append(v.Tasks, row)
	}
	v.Total = max(v.Total, len(v.Tasks))
	v.choose()
	return v
}

// choose offers what the tasks that are shown have, and what was chosen.
func (v *listView) choose() {
	statuses := []string{"open", "succeeded", "failed", "canceled", "interrupted", "none"}
	of := func(value func(*eventlog.Task) string, chosen string) []string {
		all := []string{}
		if chosen != "" {
			all = append(all, chosen)
		}
		for i := range v.Tasks {
			if text := value(&v.Tasks[i].Task); text != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
		slices.Sort(all)
		return all
	}
	f := v.Filter
	v.Choices = []choice{
		{"status", "Status", "Any status", f["status"], statuses},
		{"agent", "Agent", "Any agent", f["agent"], of(func(t *eventlog.Task) string { return t.Agent }, f["agent"])},
		{"model", "Model", "Any model", f["model"], of(func(t *eventlog.Task) string { return t.Model }, f["model"])},
		{"owner", "Person", "Anybody", f["owner"], of(func(t *eventlog.Task) string { return t.Owner }, f["owner"])},
		{"project", "Project", "Any project", f["project"], of(func(t *eventlog.Task) string { return t.Project }, f["project"])},
	}
}

// Count says how many tasks there are.
func (v listView) Count() string {
	text := plural(v.Total, "task")
	if v.AtLeast {
		text = fmt.Sprintf("more than %s", text)
	}
	if len(v.Filter) > 0 {
		text += " found"
	}
	return text
}

// Empty says that there is no task at all.
func (v listView) Empty() bool { return v.Total == 0 && len(v.Filter) == 0 && !v.Older }
