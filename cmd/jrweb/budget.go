package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/budget"
	"jrweb/cmd/jrweb/internal/webhook"
	"jrweb/eventlog"
	"jrweb/metrics"
	"jrweb/router/price"
)

func budgetFlag(usage string) cli.Flag { return stringFlag("budget", "", usage) }

// readBudget returns the budget of the flag, nil if there is none.
func readBudget(c *cli.Command) (*budget.Budget, error) {
	if !c.IsSet("budget") {
		return nil, nil
	}
	b, err := budget.Parse(c.String("budget"))
	if err != nil {
		return nil, usagef("-budget: %v", err)
	}
	return &b, nil
}

// budgetWarning is what pages say of a budget, or empty.
func budgetWarning(k *budget.Keeper) string {
	s, ok := k.Status()
	if !ok || s.Level() == budget.Below {
		return ""
	}
	totals := eventlog.Totals{USD: eventlog.USD(s.Spent)}
	if s.Estimated {
		totals = eventlog.Totals{EstimatedUSD: eventlog.USD(s.Spent)}
	}
	what := "is nearly spent"
	if s.Level() == budget.Passed {
		what = "is spent"
	}
	return fmt.Sprintf("The budget of %s a %s %s: %s since %s.", price.Dollars(eventlog.USD(s.USD)), s.Per, what, price.Text(&totals), s.Since.Format(time.DateOnly))
}

// watchBudget lets the keeper, if there is one, watch the log, and metrics say what it knows.
func (s *server) watchBudget(m *metrics.Metrics) error {
	if s.keeper == nil {
		return nil
	}
	m.CollectBudget(func() (usd, spent float64, ok bool) {
		status, ok := s.keeper.Status()
		return status.USD, status.Spent, ok
	})
	return s.keeper.Watch(s.log)
}

// reached reports a level of the budget.
func (s *server) reached(b budget.Status) {
	passed := b.Level() == budget.Passed
	since := b.Since.Format(time.DateOnly)
	s.logger.Warn("much of the budget is spent", "budget", b.USD, "period", b.Per, "since", since, "spent", b.Spent, "passed", passed)
	if s.hook != nil {
		s.hook.Spent(passed, webhook.Budget{USD: b.USD, Period: b.Per, Since: since, Spent: b.Spent, Estimated: b.Estimated})
	}
}
