package agents

import (
	"errors"
	"fmt"
	"slices"
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

// Table is a table of what an agent played, as Markdown with its heading and remarks.
type Table struct {
	Agent *Agent
	Text  string
	// Whole says that all scenarios are in it.
	Whole bool
}

// Tables are the tables of the agents of which there are cells.
func (r *Report) Tables(version func(*Agent) string) (all []Table) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range All() {
		var rows strings.Builder
		var notes remarks
		whole := true
		for _, s := range Scenarios() {
			row := ""
			for _, way := range Ways {
				c, ok := r.cells[r.key(a, s, way)]
				if !ok {
					whole, row = false, ""
					break
				}
				row += " " + notes.cell(c) + " |"
			}
			if row != "" {
				fmt.Fprintf(&rows, "| %s |%s\n", s.Name, row)
			}
		}
		if rows.Len() > 0 {
			all = append(all, Table{a, fmt.Sprintf("%s (%s %s)\n\n| | run | import | import -follow |\n|---|---|---|---|\n%s%s", a.heading(), a.Package, version(a), rows.String(), notes), whole})
		}
	}
	return all
}

func (a *Agent) heading() string { return "### " + a.Title }

// What stands between these lines of a page is the report.
const (
	reportBegins = "<!-- make test-agents writes what follows -->\n"
	reportEnds   = "<!-- make test-agents wrote this -->\n"
)

// Merge puts tables that are whole into a page, in place of older ones of the same
// agents.
func Merge(page string, tables []Table) (string, error) {
	before, rest, begins := strings.Cut(page, reportBegins)
	report, after, ends := strings.Cut(rest, reportEnds)
	if !begins || !ends {
		return "", errors.New("the page has no place for the report")
	}
	var b strings.Builder
	for _, a := range All() {
		text := ""
		if _, old, found := strings.Cut(report, a.heading()+" ("); found {
			old, _, _ = strings.Cut(old, "\n### ")
			text = a.heading() + " (" + strings.TrimSpace(old) + "\n"
		}
		for _, t := range tables {
			if t.Agent == a && t.Whole {
				text = t.Text
			}
		}
		if text != "" {
			b.WriteString("\n" + text)
		}
	}
	return before + reportBegins + b.String() + "\n" + reportEnds + after, nil
}

// remarks are numbered below a table.
type remarks []string

func (r *remarks) number(text string) int {
	if i := slices.Index(*r, text); i >= 0 {
		return i + 1
	}
	*r = append(*r, text)
	return len(*r)
}

// String is the list of them.
func (r remarks) String() string {
	var b strings.Builder
	for i, text := range r {
		if i == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%d. %s\n", i+1, text)
	}
	return b.String()
}

func (r *remarks) cell(c Cell) string {
	if c.Impossible != "" {
		return fmt.Sprintf("– [%d]", r.number(c.Impossible))
	}
	text := "ok"
	if len(c.Differences) > 0 {
		var aspects []string
		for _, d := range c.Differences {
			aspect, _, _ := strings.Cut(d, ":")
			if !slices.Contains(aspects, aspect) {
				aspects = append(aspects, aspect)
			}
		}
		text = "differs: " + strings.Join(aspects, ", ")
	}
	var notes []string
	for _, h := range c.Hidden {
		notes = append(notes, fmt.Sprint(r.number(h)))
	}
	if notes != nil {
		text += " [" + strings.Join(notes, ", ") + "]"
	}
	return text
}
