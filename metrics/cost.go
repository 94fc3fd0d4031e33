package metrics

import (
	"cmp"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"jrweb/eventlog"
)

// maxModels is how many models have their own series. The name of a model comes from a
// payload: without a bound, anyone who appends could fill a Prometheus.
const maxModels = 100

// costMetrics are the sums of the cost events.
type costMetrics struct {
	usd    *prometheus.CounterVec
	tokens *prometheus.CounterVec

	mu      sync.Mutex
	byModel map[string]*modelCounters // at most maxModels, and other
}

// modelCounters are the counters of one model.
type modelCounters struct {
	usd, input, output, cacheRead, cacheWrite prometheus.Counter
}

func newCostMetrics() *costMetrics {
	m := &costMetrics{
		usd: newCounters("agent_cost_usd_total",
			"What agents cost, in US dollars, as their cost events say, by model.",
			"model"),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "agent_tokens_total",
			Help: "Tokens that agents used, as their cost events say, by model and kind.",
		}, []string{"model", "kind"}),
		byModel: map[string]*modelCounters{},
	}
	m.byModel[other] = m.begin(other)
	return m
}

func (m *costMetrics) group() group { return group{m.usd, m.tokens} }

// begin starts the series of a model.
func (m *costMetrics) begin(model string) *modelCounters {
	return &modelCounters{
		usd:        m.usd.WithLabelValues(model),
		input:      m.tokens.WithLabelValues(model, "input"),
		output:     m.tokens.WithLabelValues(model, "output"),
		cacheRead:  m.tokens.WithLabelValues(model, "cache_read"),
		cacheWrite: m.tokens.WithLabelValues(model, "cache_write"),
	}
}

// counters returns the counters of a model. An event without a model counts as unknown.
func (m *costMetrics) counters(model string) *modelCounters {
	model = cmp.Or(model, "unknown")
	m.mu.Lock()
	defer m.mu.Unlock()
	c, known := m.byModel[model]
	switch {
	case known:
		return c
	case len(m.byModel) > maxModels:
		return m.byModel[other]
	}
	c = m.begin(model)
	m.byModel[model] = c
	return c
}

func (m *costMetrics) add(cost eventlog.CostAdded) {
	c := m.counters(cost.Model)
	c.usd.Add(cost.USD)
	c.input.Add(float64(cost.InputTokens))
	c.output.Add(float64(cost.OutputTokens))
	c.cacheRead.Add(float64(cost.CacheReadTokens))
	c.cacheWrite.Add(float64(cost.CacheWriteTokens))
}
