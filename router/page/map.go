package page

import (
	"fmt"
	"html/template"
	"strings"

	"jrweb/eventlog"
)

// mapView is the run as a picture: what it cost from left to right, where something
// failed, and when subagents were at work. Each stretch of it leads to its events.
type mapView struct {
	Session eventlog.SessionID
	Head    uint64
	Height  int
	Bars    []barView
	Lanes   []laneView
	Summary string // in words, for those who do not see it
}

// barView is one stretch of the run.
type barView struct {
	Link      template.URL
	First     uint64
	X, Width  string
	Y, Height int // of what it cost, or of how much was done
	Failed    bool
	What      string
}

// laneView is a subagent.
type laneView struct {
	Link     template.URL
	First    uint64
	X, Width string
	Y        int
	Failed   bool
	What     string
}

// The measures of the picture, in its own units. It is mapWidth wide.
const (
	mapWidth   = 1000
	barsHeight = 44
	laneHeight = 9
	mostLanes  = 8
)

func (v *view) runMap(s *Summary) *mapView {
	if s == nil || s.UpTo < 2 {
		return nil
	}
	m := &mapView{Session: s.Session, Head: s.UpTo, Height: barsHeight}
	scale := func(sequence uint64) float64 { return float64(sequence-1) / float64(s.UpTo) * mapWidth }
	most, byCost := s.chart.most()
	for i, one := range s.chart.stretches {
		first := uint64(i)*s.chart.width + 1
		if one.Events == 0 {
			continue
		}
		last := min(first+s.chart.width-1, s.UpTo)
		amount := float64(one.Calls + one.Says)
		if byCost {
			amount = one.USD
		}
		height := 0
		if most > 0 && amount > 0 {
			height = max(int(amount/most*(barsHeight-12)), 2)
		}
		at := first
		if one.Errors > 0 {
			at = one.FirstError
		}
		link, _ := v.place(s.Session, at)
		m.Bars = append(m.Bars, barView{
			Link: link, First: at, X: number(scale(first)), Width: number(scale(last+1) - scale(first)),
			Y: barsHeight - height, Height: height, Failed: one.Errors > 0, What: whatOf(first, last, one, s.estimated),
		})
	}
	m.addLanes(v, s, scale)
	m.Summary = fmt.Sprintf("%d events", s.UpTo)
	if s.errors > 0 {
		m.Summary += ", " + plural(s.errors, "failure")
	}
	if n := len(s.agents); n > 0 {
		m.Summary += ", " + plural(n, "subagent")
	}
	return m
}

// addLanes puts the subagents below, each where there is room.
func (m *mapView) addLanes(v *view, s *Summary, scale func(uint64) float64) {
	var ends []uint64
	for _, a := range s.agents {
		lane := 0
		for lane < len(ends) && ends[lane] >= a.first {
			lane++
		}
		if lane == mostLanes {
			continue
		}
		if lane == len(ends) {
			ends = append(ends, 0)
		}
		ends[lane] = a.last
		link, _ := v.place(s.Session, a.first)
		m.Lanes = append(m.Lanes, laneView{
			Link: link, First: a.first, X: number(scale(a.first)), Width: number(max(scale(a.last+1)-scale(a.first), 3)),
			Y: barsHeight + 3 + lane*laneHeight, Failed: a.failed,
			What: fmt.Sprintf("%s · %s · %s, %s", a.name, a.call, plural(a.events, "event"), plural(a.calls, "call")),
		})
	}
	if len(ends) > 0 {
		m.Height = barsHeight + 3 + len(ends)*laneHeight
	}
}

// most is the largest amount of a stretch: of money if any was spent, else of calls and
// words.
func (c *chart) most() (amount float64, byCost bool) {
	for _, s := range c.stretches {
		amount = max(amount, s.USD)
	}
	if amount > 0 {
		return amount, true
	}
	for _, s := range c.stretches {
		amount = max(amount, float64(s.Calls+s.Says))
	}
	return amount, false
}

// failures counts tools that failed, and errors.
func (c *chart) failures() int {
	n := 0
	for _, s := range c.stretches {
		n += s.Errors
	}
	return n
}

func whatOf(first, last uint64, s stretchOfRun, estimated bool) string {
	parts := []string{fmt.Sprintf("#%d–#%d", first, last)}
	if first == last {
		parts[0] = fmt.Sprintf("#%d", first)
	}
	if s.Calls > 0 {
		parts = append(parts, plural(s.Calls, "call"))
	}
	if s.Errors > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", s.Errors))
	}
	if s.USD > 0 {
		parts = append(parts, dollars(s.USD, estimated))
	}
	return strings.Join(parts, " · ")
}

// number is a measure of the picture.
func number(f float64) string { return fmt.Sprintf("%.2f", f) }
