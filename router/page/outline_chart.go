package page

import "jrweb/eventlog"

// chart is the shape of a run: how many calls, errors and how much money there were in
// each stretch of it. A stretch grows as the run does, so that there are never many.
type chart struct {
	width     uint64 // events of a stretch
	stretches []stretchOfRun
	spent     float64
	turn      uint64 // the last event before the steps that are not summed up yet
	summed    bool   // what they cost in all was said
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
	if usd != c.spent && c.summed {
		c.turn, c.summed = e.Sequence-1, false
	}
	s.USD += usd - c.spent
	c.spent = usd
}

// inAll takes what the steps of a turn have cost in all. Agents tell of some tokens only
// there: they belong to the steps, each by what else it has cost. Where two turns share a
// stretch, all of it counts for the later one.
func (c *chart) inAll(usd float64) {
	if c.width == 0 {
		return
	}
	steps := c.stretches[min(int(c.turn/c.width), len(c.stretches)):]
	sum := 0.0
	for _, s := range steps {
		sum += s.USD
	}
	if sum <= 0 {
		return // it stands where it was said
	}
	more := (usd - c.spent) / sum
	for i := range steps {
		steps[i].USD += more * steps[i].USD
	}
	c.spent, c.summed = usd, true
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
