package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jrweb/eventlog"
)

// eventTypes are the types that have their own series.
var eventTypes = []string{
	eventlog.TypeAssistant, eventlog.TypeThought, eventlog.TypeUser,
	eventlog.TypeToolCall, eventlog.TypeToolResult, eventlog.TypeCost, eventlog.TypeError,
	eventlog.TypeStatus, eventlog.TypeComment, eventlog.TypeCheckpoint, eventlog.TypeGuardrail,
	eventlog.TypeQuestion, eventlog.TypeAnswer, eventlog.TypeReceipt,
	eventlog.TypeSession, eventlog.TypeComplete,
}

// logMetrics are the counters of a log.
type logMetrics struct {
	events      *prometheus.CounterVec
	seconds     prometheus.Histogram
	batchEvents prometheus.Histogram
	errors      *prometheus.CounterVec
	sealed      *prometheus.CounterVec
	damaged     prometheus.Counter
	costs       *costMetrics

	// The counters of events, looked up once: Committed is called for each event, and every
	// writer waits for it.
	byType     map[string]prometheus.Counter
	otherTypes prometheus.Counter
}

func newLogMetrics() *logMetrics {
	m := &logMetrics{
		events: newCounters("events_appended_total",
			"Events that were committed, by type.",
			"type"),
		seconds: newHistogram("append_seconds",
			"Time that writers waited for an append that was acknowledged.",
			latencyBuckets),
		batchEvents: newHistogram("append_batch_events",
			"Events in an append that was acknowledged.",
			[]float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000}),
		errors: newCounters("append_errors_total",
			"Appends that failed, by reason.",
			"reason", appendReasons()...),
		sealed: newCounters("sessions_sealed_total",
			"Sessions that ended, by status.",
			"status", string(eventlog.Succeeded), string(eventlog.Failed), string(eventlog.Canceled), string(eventlog.Interrupted)),
		damaged: newCounter("damaged_records_total",
			"Records that were found damaged, each counted once."),
		costs:  newCostMetrics(),
		byType: map[string]prometheus.Counter{},
	}
	for _, t := range eventTypes {
		m.byType[t] = m.events.WithLabelValues(t)
	}
	m.otherTypes = m.events.WithLabelValues(other)
	return m
}

func (m *logMetrics) group() group {
	return group{m.events, m.seconds, m.batchEvents, m.errors, m.sealed, m.damaged, m.costs.group()}
}

func (m *logMetrics) trace() *eventlog.Trace {
	return &eventlog.Trace{
		Appended: func(b *eventlog.Batch, took time.Duration, err error) {
			if err != nil {
				m.errors.WithLabelValues(appendReason(err)).Inc()
				return
			}
			m.seconds.Observe(took.Seconds())
			m.batchEvents.Observe(float64(len(b.Events)))
		},
		Committed: func(e *eventlog.Event) {
			if c, known := m.byType[e.Type]; known {
				c.Inc()
			} else {
				m.otherTypes.Inc()
			}
		},
		Cost:    m.costs.add,
		Damaged: func(*eventlog.DamageError) { m.damaged.Inc() },
		Sealed:  func(s eventlog.SessionInfo) { m.sealed.WithLabelValues(string(s.Status)).Inc() },
	}
}
