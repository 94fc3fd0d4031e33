package page

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"jrweb/eventlog"
	"jrweb/router/price"
)

// WallPage is what the wall shows: the tasks that run, one card each.
type WallPage struct {
	Cards []Card
	// More says that more tasks run than there are cards.
	More bool
	// Kiosk leaves out what leads elsewhere: for a screen that nobody operates.
	Kiosk bool
	// Person is who looks, if there is a page where people sign in and out; "" for nobody.
	Person string
	// Warning stands at the top, "" for none.
	Warning string
}

// Card is a task on the wall, with its latest session and what the agent does in it.
type Card struct {
	Task    eventlog.Task
	Session eventlog.SessionInfo
	Now     Now
}

// Wall writes the page of the running tasks.
func Wall(w io.Writer, p WallPage) error {
	p.Cards = slices.Clone(p.Cards)
	slices.SortStableFunc(p.Cards, func(a, b Card) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), b.Session.Started.Compare(a.Session.Started.Time))
	})
	if err := templates.ExecuteTemplate(w, "wall.html", p); err != nil {
		return fmt.Errorf("page: wall: %w", err)
	}
	return nil
}

// rank puts first what waits for a person. The script, which has a clock, knows more: see
// assets/wallcard.js.
func (c Card) rank() int {
	if c.Now.Kind == "asks" {
		return 0
	}
	return 1
}

// Blank is the card that the script fills for a task that begins later.
func (p WallPage) Blank() Card { return Card{Now: NewOutline(nil).Now()} }

// What is what the agent does, and which subagent does it.
func (c Card) What() string {
	if c.Now.Who == "" {
		return c.Now.What
	}
	return c.Now.Who + ": " + c.Now.What
}

// Who names the agent and the project.
func (c Card) Who() string {
	switch {
	case c.Task.Project == "":
		return c.Session.Agent
	case c.Session.Agent == "":
		return c.Task.Project
	}
	return c.Session.Agent + " · " + c.Task.Project
}

// Cost is what the run has cost, "" if nothing is known.
func (c Card) Cost() string {
	if sumOf(&c.Session.Totals) == 0 {
		return ""
	}
	return price.Text(&c.Session.Totals)
}

// leastRate is the cost of a minute from which the wall shows it.
const leastRate = 0.01

// PerMinute is what a minute costs. What counts in other sessions is nothing here.
func (c Card) PerMinute() float64 {
	if c.Cost() == "" {
		return 0
	}
	return c.Now.PerMinute
}

// Estimated says that some of the cost is estimated.
func (c Card) Estimated() bool { return c.Session.Totals.EstimatedUSD > 0 }

// Rate is PerMinute in words, "" if it is little.
func (c Card) Rate() string {
	if c.PerMinute() < leastRate {
		return ""
	}
	return dollars(c.PerMinute(), c.Estimated()) + "/min"
}

// Behind says that events were left out, because there were too many to read at once.
func (c Card) Behind() bool { return c.Now.Sequence < c.Session.Head }
