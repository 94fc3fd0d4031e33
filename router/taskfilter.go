package router

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"jrweb/eventlog"
)

// taskFilter says which tasks of a list are wanted. The zero value wants all.
type taskFilter struct {
	words                        []string // in lower case; each must be in a text of the task
	status                       eventlog.Status
	agent, model, project, owner string
}

// taskFilters are the names of filters in a query. Agent, model and owner are those of the
// latest session.
var taskFilters = []string{"q", "status", "agent", "model", "project", "owner"}

var taskStatuses = []eventlog.Status{
	eventlog.StatusNone, eventlog.StatusOpen, eventlog.Succeeded, eventlog.Failed, eventlog.Canceled, eventlog.Interrupted,
}

// maxFilter bounds the value of a filter: no name in the log is longer.
const maxFilter = 1024

// readTaskFilter reads the filter of a query. An empty value means no filter, because forms
// also send fields that were left empty.
func readTaskFilter(q queryValues) (taskFilter, error) {
	for _, name := range taskFilters {
		if len(q[name]) > maxFilter || !utf8.ValidString(q[name]) {
			return taskFilter{}, badQuery(name, fmt.Sprintf("must be at most %d bytes of UTF-8", maxFilter))
		}
	}
	f := taskFilter{
		words: strings.Fields(strings.ToLower(q["q"])), status: eventlog.Status(q["status"]),
		agent: q["agent"], model: q["model"], project: q["project"], owner: q["owner"],
	}
	if f.status != "" && !slices.Contains(taskStatuses, f.status) {
		return taskFilter{}, badQuery("status", fmt.Sprintf("must be one of %v", taskStatuses))
	}
	return f, nil
}

// of returns a function that reports whether a task matches the filter and may be seen.
func (f taskFilter) of(g *Grant) func(*eventlog.Task) bool {
	return func(t *eventlog.Task) bool { return g.sees(t.ID) && f.wants(t) }
}

func (f *taskFilter) wants(t *eventlog.Task) bool {
	for _, c := range [][2]string{
		{f.agent, t.Agent}, {f.model, t.Model}, {f.project, t.Project}, {f.owner, t.Owner}, {string(f.status), string(t.Status)},
	} {
		if c[0] != "" && c[0] != c[1] {
			return false
		}
	}
	if len(f.words) == 0 {
		return true
	}
	text := strings.ToLower(strings.Join([]string{t.ID, t.Title, t.Type, t.Project, t.Description}, "\n"))
	return !slices.ContainsFunc(f.words, func(word string) bool { return !strings.Contains(text, word) })
}
