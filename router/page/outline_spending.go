package page

import (
	"jrweb/eventlog"
	"jrweb/router/price"
)

// spending follows what a run costs, step by step, in money or estimated. The totals
// are the log's: this is for the shape of a run, where a cost belongs.
type spending struct {
	usd       float64
	estimated bool               // some of it
	known     map[string]float64 // the largest said of a message, or of a model so far
	accounts  map[string]account
}

// account is what several messages are part of: a process of an agent, a thread.
type account struct {
	said  float64 // the largest said of it in all
	since float64 // what messages have added after that
}

// mostKnown is how many messages are remembered, and how many accounts. Of those before,
// what is said again would count twice.
const mostKnown = 2000

func (s *spending) add(data fields, prices *price.Table) {
	t := costTotals(data, prices)
	s.estimated = s.estimated || t.EstimatedUSD > 0
	amount, id, step := sumOf(&t), data.text("id"), isCostOfStep(data)
	switch {
	case id == "" && step:
		s.usd += max(amount, 0)
	case id == "":
		s.grow("m"+data.text("model"), amount)
	case !step:
		s.inAll(id, amount)
	default:
		added := s.grow("i"+id, amount)
		if partOf := data.text("part_of"); partOf != "" {
			a := s.accounts[partOf]
			a.since += added
			s.keep(partOf, a)
		}
	}
}

// grow takes what is said again of something.
func (s *spending) grow(key string, amount float64) (added float64) {
	if s.known == nil || len(s.known) >= mostKnown {
		s.known = map[string]float64{}
	}
	added = max(amount-s.known[key], 0)
	s.usd += added
	s.known[key] += added
	return added
}

// inAll takes what is said of an account in all: what its messages have added is in it.
func (s *spending) inAll(id string, amount float64) {
	a := s.accounts[id]
	if before := a.said + a.since; amount > before {
		s.usd += amount - before
	}
	if amount > a.said {
		a = account{said: amount}
	}
	s.keep(id, a)
}

func (s *spending) keep(id string, a account) {
	if _, known := s.accounts[id]; !known && (s.accounts == nil || len(s.accounts) >= mostKnown) {
		s.accounts = map[string]account{}
	}
	s.accounts[id] = a
}

// amountOf is what one cost event says, or what its tokens are worth.
func amountOf(data fields, prices *price.Table) float64 {
	t := costTotals(data, prices)
	return sumOf(&t)
}

func sumOf(t *eventlog.Totals) float64 { return float64(t.USD) + float64(t.EstimatedUSD) }

// approximately stands before money of which some is estimated.
const approximately = "≈ "

// dollars is an amount of money.
func dollars(usd float64, estimated bool) string {
	text := price.Dollars(eventlog.USD(usd))
	if estimated {
		return approximately + text
	}
	return text
}
