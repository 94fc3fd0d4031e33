package agents

import (
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
	notes []string
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

// note is the number of a remark below the tables.
func (r *Report) note(text string) int {
	if i := slices.Index(r.notes, text); i >= 0 {
		return i + 1
	}
	r.notes = append(r.notes, text)
	return len(r.notes)
}

// Markdown is the report as tables, one for each agent.
func (r *Report) Markdown(version func(*Agent) string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = nil
	var b strings.Builder
	for _, a := range All() {
		var rows strings.Builder
		for _, s := range Scenarios() {
			row := ""
			for _, way := range Ways {
				c, ok := r.cells[r.key(a, s, way)]
				if !ok {
					break
				}
				row += " " + r.cell(c) + " |"
			}
			if row != "" {
				fmt.Fprintf(&rows, "| %s |%s\n", s.Name, row)
			}
		}
		if rows.Len() > 0 {
			fmt.Fprintf(&b, "### %s (%s %s)\n\n| | run | import | import -follow |\n|---|---|---|---|\n%s\n", a.Title, a.Package, version(a), rows.String())
		}
	}
	for i, n := range r.notes {
		fmt.Fprintf(&b, "%d. %s\n", i+1, n)
	}
	return b.String()
}

func (r *Report) cell(c Cell) string {
	if c.Impossible != "" {
		return fmt.Sprintf("– [%d]", r.note(c.Impossible))
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
		notes = append(notes, fmt.Sprint(r.note(h)))
	}
	if notes != nil {
		text += " [" + strings.Join(notes, ", ") + "]"
	}
	return text
}
