package page

import "jrweb/eventlog"

// chart is the shape of a run: how many calls, errors and how much money there were in
// each stretch of it. A stretch grows as the run does, so that there are never many.
type chart struct {
	width     uint64 // events of a stretch
	stretches []stretchOfRun
	spent     float64
}

// stretchOfRun is what there was between two events.
type stretchOfRun struct {
	Events, Calls, Errors, Says int
	USD                         float64
	FirstError                  uint64
}

// mostStretches is how many there are at most; then two become one.
const mostStretches = 160

func (c *chart) add(e *eventlog.Event, data fields, parent string, usd float64) {
	if c.width == 0 {
		c.width = 1
	}
	for e.Sequence > c.width*mostStretches {
		c.halve()
	}
	at := int((e.Sequence - 1) / c.width)
	for len(c.stretches) <= at {
		c.stretches = append(c.stretches, stretchOfRun{})
	}
	s := &c.stretches[at]
	s.Events++
	switch {
	case e.Type == eventlog.TypeToolCall:
		s.Calls++
	case e.Type == eventlog.TypeAssistant && parent == "":
		s.Says++
	case e.Type == eventlog.TypeError, e.Type == eventlog.TypeToolResult && string(data.raw("success")) == "false":
		if s.Errors++; s.Errors == 1 {
			s.FirstError = e.Sequence
		}
	}
	s.USD += usd - c.spent
	c.spent = usd
}

// halve makes one of every two stretches.
func (c *chart) halve() {
	var half []stretchOfRun
	for i := 0; i < len(c.stretches); i += 2 {
		s := c.stretches[i]
		if i+1 < len(c.stretches) {
			next := c.stretches[i+1]
			s.Events += next.Events
			s.Calls += next.Calls
			s.Errors += next.Errors
			s.Says += next.Says
			s.USD += next.USD
			if s.FirstError == 0 {
				s.FirstError = next.FirstError
			}
		}
		half = append(half, s)
	}
	c.stretches = half
	c.width *= 2
}
