// Package budget compares what agents have spent with what they may.
//
//		b, err := budget.Parse("50/day")
//		k := budget.New(budget.Options{Budget: b, Prices: prices, Reached: tell})
//		log, err := eventlog.Open(path, &eventlog.Options{Trace: trace.Join(k.Trace())})
//		k.Watch(log)
//		defer k.Close()
//
//	  - A period is a day, a week from Monday or a month, of UTC.
//	  - What was spent is what the log has counted for its days: what agents said, and
//	    estimates of tokens without money. Deletions lower nothing.
//	  - Reached is called once when a period reaches 80 % of the budget, and once when it
//	    passes it. What was reached before Watch is not told again.
//	  - Nothing waits for it: a commit only leaves a mark.
package budget

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Budget is how much may be spent in a period.
type Budget struct {
	USD float64
	Per string // day, week or month
}

// Parse reads a budget such as 50/day.
func Parse(text string) (Budget, error) {
	amount, per, _ := strings.Cut(text, "/")
	usd, err := strconv.ParseFloat(strings.TrimPrefix(amount, "$"), 64)
	switch {
	case err != nil, !(usd > 0), math.IsInf(usd, 0):
		return Budget{}, fmt.Errorf("%q is not US dollars for a time, such as 50/day", text)
	case per != "day" && per != "week" && per != "month":
		return Budget{}, fmt.Errorf("%q is for a day, a week or a month: 50/day", text)
	}
	return Budget{usd, per}, nil
}

// begin is when the period of a moment begins.
func (b Budget) begin(now time.Time) time.Time {
	day := now.UTC().Truncate(24 * time.Hour)
	switch b.Per {
	case "week":
		return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	case "month":
		return day.AddDate(0, 0, 1-day.Day())
	}
	return day
}

// Status is a period and what was spent in it.
type Status struct {
	Budget
	Since time.Time // the first day
	// Spent is what agents said and what is estimated. Estimated says that there is such.
	Spent     float64
	Estimated bool
}

// Level is how far a period has come.
type Level int

// The levels. Each includes those before it.
const (
	Below Level = iota
	Near        // 80 %
	Passed
)

// Level returns how far the period has come.
func (s *Status) Level() Level {
	switch {
	case s.Spent > s.USD:
		return Passed
	case s.Spent >= 0.8*s.USD:
		return Near
	}
	return Below
}
