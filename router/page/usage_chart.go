package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"jrweb/eventlog"
	"jrweb/router/price"
)

// usageChart is what was spent as a picture: a bar for each day or week, with a piece for
// each of the names that spent most.
type usageChart struct {
	Width, Height int
	Bars          []usageBar
	Series        []usageSeries
	Top           string // what the highest bar could reach
	First, Last   string
	By            string // what a piece is of, empty if there are none
	Summary       string // in words, for those who do not see it
}

// usageBar is one day or week. Its pieces stand on each other. What says all of it.
type usageBar struct {
	X, Width string
	What     string
	Pieces   []usagePiece
}

type usagePiece struct {
	Series    int
	Y, Height string
}

// usageSeries is a name with the color of its pieces.
type usageSeries struct {
	Number int
	Name   string
	Totals eventlog.Totals
}

// The measures of the picture, in its own units.
const (
	usageWidth  = 1000
	usageHeight = 240
	mostSeries  = 6 // and one more of all others
)

func newUsageChart(p *UsagePage) *usageChart {
	times := p.times()
	if times == "" || len(p.Rows) == 0 {
		return nil
	}
	at, by := slices.Index(p.By, times), slices.Index(p.By, p.stack())
	c := &usageChart{Width: usageWidth, Height: usageHeight, By: p.stack()}
	numbers := c.series(p.Rows, by)
	amount := func(t *eventlog.Totals) float64 { return float64(t.USD + t.EstimatedUSD) }
	if amount(&p.Total) == 0 { // nobody knows what it has cost
		amount = func(t *eventlog.Totals) float64 {
			return float64(t.InputTokens + t.CacheWriteTokens + t.OutputTokens)
		}
	}
	days := barsOf(p, times)
	sums := map[string][]eventlog.Totals{}
	most, highest := 0.0, ""
	for _, row := range p.Rows {
		day := row.Names[at]
		if sums[day] == nil {
			sums[day] = make([]eventlog.Totals, len(c.Series))
		}
		addAmounts(&sums[day][numbers[nameIn(row.Names, by)]], &row.Totals)
	}
	for day, of := range sums {
		if sum := barAmount(of, amount); sum > most || sum == most && day < highest {
			most, highest = sum, day
		}
	}
	wide := float64(usageWidth) / float64(len(days))
	for i, day := range days {
		bar := usageBar{X: number(float64(i) * wide), Width: number(wide), What: c.what(times, day, sums[day])}
		base := float64(usageHeight)
		for n := range sums[day] {
			if height := amount(&sums[day][n]) / max(most, 1e-12) * usageHeight; height > 0 {
				base -= height
				bar.Pieces = append(bar.Pieces, usagePiece{n, number(base), number(height)})
			}
		}
		c.Bars = append(c.Bars, bar)
	}
	total := totalOf(sums[highest])
	c.Top = spentText(&total)
	c.First, c.Last = days[0], days[len(days)-1]
	c.Summary = fmt.Sprintf("What was spent each %s from %s to %s. Most was spent on %s: %s.", times, c.First, c.Last, highest, c.Top)
	return c
}

func nameIn(names []string, i int) string {
	if i < 0 {
		return ""
	}
	return names[i]
}

// series picks the names that spent most, and returns the number of each name.
func (c *usageChart) series(rows []UsageRow, by int) map[string]int {
	sums := map[string]*eventlog.Totals{}
	var names []string
	for _, row := range rows {
		name := nameIn(row.Names, by)
		if sums[name] == nil {
			sums[name] = &eventlog.Totals{}
			names = append(names, name)
		}
		addAmounts(sums[name], &row.Totals)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b].USD+sums[b].EstimatedUSD, sums[a].USD+sums[a].EstimatedUSD),
			cmp.Compare(sums[b].OutputTokens, sums[a].OutputTokens), cmp.Compare(a, b))
	})
	numbers := map[string]int{}
	for i, name := range names {
		if i < mostSeries || len(names) == mostSeries+1 {
			c.Series = append(c.Series, usageSeries{i, usageName(name), *sums[name]})
		} else if i == mostSeries {
			c.Series = append(c.Series, usageSeries{i, fmt.Sprintf("%d others", len(names)-i), *sums[name]})
		} else {
			addAmounts(&c.Series[mostSeries].Totals, sums[name])
		}
		numbers[name] = min(i, mostSeries)
	}
	return numbers
}

// barsOf are the names of all days or weeks of the range, with those in which nothing was
// spent.
func barsOf(p *UsagePage, times string) (days []string) {
	day, step := p.Since, 1
	if times == "week" {
		day, step = day.AddDate(0, 0, -(int(day.Weekday())+6)%7), 7
	}
	for ; !day.After(p.Until); day = day.AddDate(0, 0, step) {
		days = append(days, day.Format(time.DateOnly))
	}
	return days
}

// what says what a bar shows, a line for each piece.
func (c *usageChart) what(times, day string, of []eventlog.Totals) string {
	if times == "week" {
		day = "Week of " + day
	}
	total := totalOf(of)
	lines := []string{day + ": " + spentText(&total)}
	if c.By != "" {
		for n := range of {
			if of[n] != (eventlog.Totals{}) {
				lines = append(lines, c.Series[n].Name+": "+spentText(&of[n]))
			}
		}
	}
	return strings.Join(lines, "\n")
}

func totalOf(of []eventlog.Totals) (sum eventlog.Totals) {
	for i := range of {
		addAmounts(&sum, &of[i])
	}
	return sum
}

func barAmount(of []eventlog.Totals, amount func(*eventlog.Totals) float64) (sum float64) {
	for i := range of {
		sum += amount(&of[i])
	}
	return sum
}

// spentText is what totals come to, for people: money, then tokens.
func spentText(t *eventlog.Totals) string {
	text := price.Text(t)
	if t.Unpriced {
		text += " and what is unknown"
	}
	if n := tokens(*t); n != "0" {
		text += ", " + n + " tokens"
	}
	return text
}

func addAmounts(to, t *eventlog.Totals) {
	to.USD += t.USD
	to.EstimatedUSD += t.EstimatedUSD
	to.Unpriced = to.Unpriced || t.Unpriced
	to.InputTokens += t.InputTokens
	to.OutputTokens += t.OutputTokens
	to.CacheReadTokens += t.CacheReadTokens
	to.CacheWriteTokens += t.CacheWriteTokens
}
