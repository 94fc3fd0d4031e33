// Package metrics has Prometheus metrics of a log, of its streams and of the requests to
// it.
//
//	m, err := metrics.New(prometheus.DefaultRegisterer)
//	log, err := eventlog.Open("jr.db", &eventlog.Options{Trace: m.LogTrace()})
//	m.CollectLog(log)
//
// The streamer gets [Metrics.StreamTrace], the router [Metrics.RequestTrace]. Every name
// begins with jrweb_; the help texts say what each metric means. The Go runtime's go_
// metrics and the process_ metrics are registered as well.
//
// Promises:
//   - No label ever holds the name of a task or a session. Label values from users are
//     bounded: the first 100 models, the standard methods, the known types of events; all
//     others share the value "other".
//   - A counter whose label values are known beforehand has all of them from the start, at
//     0, so that rate() sees the first increase.
//   - An event is counted after its commit, before its append is acknowledged. Counting it
//     allocates no memory.
//   - Only a scrape reads the state of the log, and it reads no event.
//
// Caveats: counters begin at 0 with each process, and the first 100 models are the first of
// the process. A scrape does not have the state of a log that is closed or has failed. An
// append that was answered from its idempotency key is in append_seconds and
// append_batch_events like any other, but not in events_appended_total, which counts only
// what was committed.
package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"jrweb/eventlog"
	"jrweb/router"
	"jrweb/streamer"
)

// namespace is the prefix of every name.
const namespace = "jrweb"

// other stands for all label values that do not have their own series.
const other = "other"

// Metrics are the metrics of one log and of its servers. The methods, and the functions of
// the traces, may be called concurrently.
type Metrics struct {
	log      *logMetrics
	state    *logState
	streams  *streamMetrics
	requests *requestMetrics
	budget   *budgetState
}

// New makes metrics and registers them, all or none. It also registers the go_ and process_
// metrics, unless reg has them already, as [prometheus.DefaultRegisterer] does. Two Metrics
// need two registerers; those of [prometheus.WrapRegistererWith] that differ in one label
// may share a registry.
func New(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		log:      newLogMetrics(),
		state:    newLogState(),
		streams:  newStreamMetrics(),
		requests: newRequestMetrics(),
		budget:   newBudgetState(),
	}
	own := group{newBuildInfo(), m.log.group(), m.state, m.streams.group(), m.requests.group(), m.budget}
	if err := reg.Register(own); err != nil {
		return nil, fmt.Errorf("metrics: register: %w", err)
	}
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		// This fails only if these names are taken: by the same collector, or by one that
		// the program has set up itself and wants to keep.
		_ = reg.Register(c)
	}
	return m, nil
}

// LogTrace returns the trace for [eventlog.Options].
func (m *Metrics) LogTrace() *eventlog.Trace { return m.log.trace() }

// CollectLog sets the log whose state is read at each scrape: its open sessions and its
// sizes. Before the first call these metrics are missing. The caller still owns the log,
// may close it at any time, and may call CollectLog again with another one.
func (m *Metrics) CollectLog(log *eventlog.Log) { m.state.log.Store(log) }

// StreamTrace returns the trace for [streamer.Options].
func (m *Metrics) StreamTrace() *streamer.Trace { return m.streams.trace() }

// RequestTrace returns the trace for the options of package router.
func (m *Metrics) RequestTrace() *router.Trace { return m.requests.trace() }
