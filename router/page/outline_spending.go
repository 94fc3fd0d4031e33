package page

import (
	"jrweb/eventlog"
	"jrweb/router/price"
)

// spending follows what a run costs, step by step, in money or estimated. The totals
// are the log's: this is for the shape of a run, where a cost belongs.
type spending struct {
	usd   float64
	known map[string]float64 // the largest said of a message, or of a model in all
}

// mostKnown is how many messages are remembered. Of those before, what is said again
// would count twice.
const mostKnown = 2000

func (s *spending) add(data fields, prices *price.Table) {
	amount := amountOf(data, prices)
	key := ""
	switch {
	case data.text("id") != "":
		key = "i" + data.text("id")
	case data.text("scope") == "cumulative":
		key = "m" + data.text("model")
	}
	if key == "" {
		s.usd += max(amount, 0)
		return
	}
	if s.known == nil || len(s.known) >= mostKnown {
		s.known = map[string]float64{}
	}
	if before := s.known[key]; amount > before {
		s.usd += amount - before
		s.known[key] = amount
	}
}

// amountOf is what one cost event says, or what its tokens are worth.
func amountOf(data fields, prices *price.Table) float64 {
	t := costTotals(data, prices)
	return float64(t.USD) + float64(t.EstimatedUSD)
}

// dollars is an amount of money.
func dollars(usd float64) string { return price.Dollars(eventlog.USD(usd)) }
