package agents

import (
	"errors"
	"maps"
	"strings"
	"sync"
)

// Way is a way in.
type Way string

// The ways in.
const (
	ByRun    Way = "run"
	ByImport Way = "import"
	ByFollow Way = "follow"
)

// Ways are all of them, in the order of the report.
var Ways = []Way{ByRun, ByImport, ByFollow}

// Cell says how a scenario of an agent came in.
type Cell struct {
	Differences []string
	// Hidden are the reasons why something is not to be seen.
	Hidden []string
	// Impossible says why the agent cannot do it at all.
	Impossible string
}

// Report collects cells. It may be used concurrently.
type Report struct {
	mu    sync.Mutex
	cells map[string]Cell
}

// NewReport makes an empty report.
func NewReport() *Report { return &Report{cells: map[string]Cell{}} }

func (r *Report) key(a *Agent, s Scenario, way Way) string {
	return strings.Join([]string{a.Name, s.Name, string(way)}, "/")
}

// Add adds a cell.
func (r *Report) Add(a *Agent, s Scenario, way Way, c Cell) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cells[r.key(a, s, way)] = c
}

// table is what an agent played.
func (r *Report) table(a *Agent, version string) table {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := table{version: version, rows: map[string]row{}}
	for _, s := range Scenarios() {
		var cells row
		for _, way := range Ways {
			if c, ok := r.cells[r.key(a, s, way)]; ok {
				cells = append(cells, c.shown())
			}
		}
		if len(cells) == len(Ways) {
			t.rows[s.Name] = cells
		}
	}
	return t
}

// Markdown is the report as tables, one for each agent.
func (r *Report) Markdown(version func(*Agent) string) string {
	var all []string
	for _, a := range All() {
		if t := r.table(a, version(a)); len(t.rows) > 0 {
			all = append(all, t.markdown(a))
		}
	}
	return strings.Join(all, "\n")
}

// What stands between these lines of a page is the report.
const (
	reportBegins = "<!-- make test-agents writes what follows -->\n"
	reportEnds   = "<!-- make test-agents wrote this -->\n"
)

// Update puts the report into a page. What other agents played stays there, and what
// the same version of an agent played at another time.
func (r *Report) Update(page string, version func(*Agent) string) (string, error) {
	before, rest, begins := strings.Cut(page, reportBegins)
	report, after, ends := strings.Cut(rest, reportEnds)
	if !begins || !ends {
		return "", errors.New("the page has no place for the report")
	}
	var b strings.Builder
	for _, a := range All() {
		old, now := parseTable(report, a), r.table(a, version(a))
		switch {
		case len(now.rows) == 0:
			now = old
		case now.version == old.version:
			maps.Copy(old.rows, now.rows)
			now = old
		}
		if len(now.rows) > 0 {
			b.WriteString("\n" + now.markdown(a))
		}
	}
	return before + reportBegins + b.String() + "\n" + reportEnds + after, nil
}
