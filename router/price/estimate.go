package price

import (
	"fmt"

	"jrweb/eventlog"
)

// EstimateTask fills in what the totals of a task do not have from the log: what its
// unpriced tokens would cost.
func (t *Table) EstimateTask(task *eventlog.Task) { t.estimate(&task.Totals, task.Unpriced) }

// EstimateSession is EstimateTask for a session.
func (t *Table) EstimateSession(s *eventlog.SessionInfo) { t.estimate(&s.Totals, s.Unpriced) }

func (t *Table) estimate(totals *eventlog.Totals, unpriced []eventlog.ModelTokens) {
	totals.EstimatedUSD, totals.Unpriced = 0, false
	for _, m := range unpriced {
		p, known := t.Price(m.Model)
		if !known {
			totals.Unpriced = true
			continue
		}
		totals.EstimatedUSD += eventlog.USD(p.Of(Tokens{m.InputTokens, m.CacheReadTokens, m.CacheWriteTokens, m.OutputTokens}))
	}
}

// UnpricedOf returns the tokens of a usage row that no cost with money covers.
func UnpricedOf(row *eventlog.UsageRow) Tokens {
	u := &row.Unpriced
	return Tokens{Input: u.InputTokens, Cached: u.CacheReadTokens, CacheWrite: u.CacheWriteTokens, Output: u.OutputTokens}
}

// Text is what totals cost, for people: "$1.23" as agents said, "≈ $1.23" with an
// estimate in it, and "–" if nothing is known.
func Text(t *eventlog.Totals) string {
	switch sum := t.USD + t.EstimatedUSD; {
	case sum == 0:
		return "–"
	case t.EstimatedUSD > 0:
		return "≈ " + Dollars(sum)
	default:
		return Dollars(sum)
	}
}

// Dollars is an amount of money, with more digits where there would be none.
func Dollars(v eventlog.USD) string {
	switch {
	case v > 0 && v < 0.0001:
		return "<$0.0001"
	case v > 0 && v < 0.01:
		return fmt.Sprintf("$%.4f", v)
	}
	return fmt.Sprintf("$%.2f", v)
}
