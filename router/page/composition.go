package page

import (
	"slices"
	"strings"
)

// composition is what became of one file: each place that was changed, from its first
// state to its last. Edits tell only the text that they change, so a place is known again
// by its text; where that is not certain, edits stand for themselves, in their order.
type composition struct{ places []*changedPlace }

// changedPlace is a text before and after, and the events that made one of the other.
type changedPlace struct {
	before, after string
	whole         bool // it is all of the file
	deleted       bool
	events        []uint64
}

func (p *changedPlace) by(events ...uint64) {
	for _, one := range events {
		if !slices.Contains(p.events, one) {
			p.events = append(p.events, one)
		}
	}
}

// add takes the next edit of the file, and the event that made it.
func (c *composition) add(e edit, event uint64) {
	switch {
	case e.kind == "delete":
		c.places = append(c.places, &changedPlace{deleted: true, events: []uint64{event}})
	case e.whole || e.kind == "add":
		_, text := e.texts()
		if len(c.places) == 1 && c.places[0].whole {
			c.places[0].after = text
			c.places[0].by(event)
			return
		}
		c.places = append(c.places, &changedPlace{after: text, whole: true, events: []uint64{event}})
	default:
		for _, one := range e.hunks() {
			c.change(one, event)
		}
	}
}

func (c *composition) change(e edit, event uint64) {
	place := &changedPlace{before: e.before, after: e.after, events: []uint64{event}}
	if !e.everywhere && e.before != "" {
		known, n := c.holding(e.before)
		if n == 1 {
			known.after = strings.Replace(known.after, e.before, e.after, 1)
			known.by(event)
			return
		}
		if n == 0 {
			c.takeIn(place)
		}
	}
	c.places = append(c.places, place)
}

// holding finds the place that has a text, and counts how often it is there in all.
func (c *composition) holding(text string) (last *changedPlace, n int) {
	for _, p := range c.places {
		if found := strings.Count(p.after, text); found > 0 {
			last = p
			n += found
		}
	}
	return last, n
}

// takeIn makes one place of a new one and of those that lie in what it changes.
func (c *composition) takeIn(place *changedPlace) {
	c.places = slices.DeleteFunc(c.places, func(p *changedPlace) bool {
		if p.whole || !tellsPlace(p.after) || strings.Count(place.before, p.after) != 1 {
			return false
		}
		place.before = strings.Replace(place.before, p.after, p.before, 1)
		place.events = append(slices.Clone(p.events), place.events...)
		return true
	})
	slices.Sort(place.events)
	place.events = slices.Compact(place.events)
}

// tellsPlace tells whether a text is long enough to be found in one place only.
func tellsPlace(text string) bool { return len(strings.TrimSpace(text)) >= 16 }

// hunks are the texts that an edit changes, before and after.
func (e edit) hunks() []edit {
	if e.unified == "" {
		return []edit{e}
	}
	var all []edit
	var lines []diffLine
	flush := func() {
		before, after := textsOf(lines)
		if before != after {
			all = append(all, edit{before: before, after: after})
		}
		lines = nil
	}
	for _, l := range unifiedLines(e.unified) {
		if l.Kind == "skip" {
			flush()
			continue
		}
		lines = append(lines, l)
	}
	flush()
	return all
}

// texts are all lines that an edit shows, before and after.
func (e edit) texts() (before, after string) {
	if e.unified == "" {
		return e.before, e.after
	}
	return textsOf(unifiedLines(e.unified))
}

func textsOf(lines []diffLine) (before, after string) {
	var b, a []string
	for _, l := range lines {
		switch l.Kind {
		case "added":
			a = append(a, l.Text)
		case "removed":
			b = append(b, l.Text)
		case "same":
			a, b = append(a, l.Text), append(b, l.Text)
		}
	}
	return strings.Join(b, "\n"), strings.Join(a, "\n")
}
