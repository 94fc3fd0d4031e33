package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// budgetState reads at each scrape what may be spent, and what was.
type budgetState struct {
	read atomic.Pointer[func() (usd, spent float64, ok bool)] // nil until CollectBudget

	usd, spent *prometheus.Desc
}

func newBudgetState() *budgetState {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, nil, nil)
	}
	return &budgetState{
		usd:   desc("budget_usd", "US dollars that may be spent in a period, if there is a budget."),
		spent: desc("budget_spent_usd", "US dollars that were spent in the present period of the budget, with estimates."),
	}
}

// Describe implements [prometheus.Collector].
func (s *budgetState) Describe(ch chan<- *prometheus.Desc) {
	ch <- s.usd
	ch <- s.spent
}

// Collect implements [prometheus.Collector].
func (s *budgetState) Collect(ch chan<- prometheus.Metric) {
	read := s.read.Load()
	if read == nil {
		return
	}
	if usd, spent, ok := (*read)(); ok {
		ch <- prometheus.MustNewConstMetric(s.usd, prometheus.GaugeValue, usd)
		ch <- prometheus.MustNewConstMetric(s.spent, prometheus.GaugeValue, spent)
	}
}

// CollectBudget sets the function that says what may be spent in a period, and what was
// spent in the present one. Without a call there is no budget, and no such metric.
func (m *Metrics) CollectBudget(read func() (usd, spent float64, ok bool)) {
	m.budget.read.Store(&read)
}
