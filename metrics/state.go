package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"jrweb/eventlog"
)

// logState reads the state of a log at each scrape, so there is no copy that could be
// wrong.
type logState struct {
	log atomic.Pointer[eventlog.Log] // nil until CollectLog

	open, size, free *prometheus.Desc
	cluster          *clusterState
}

func newLogState() *logState {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, nil, nil)
	}
	return &logState{
		open: desc("sessions_open", "Sessions that are open."),
		size: desc("log_size_bytes", "Bytes that the log takes on disk; 0 if its store cannot say."),
		free: desc("log_free_bytes", "Bytes of log_size_bytes that are free for reuse."),

		cluster: newClusterState(),
	}
}

// Describe implements [prometheus.Collector].
func (s *logState) Describe(ch chan<- *prometheus.Desc) {
	ch <- s.open
	ch <- s.size
	ch <- s.free
	s.cluster.describe(ch)
}

// Collect implements [prometheus.Collector].
func (s *logState) Collect(ch chan<- prometheus.Metric) {
	log := s.log.Load()
	if log == nil {
		return
	}
	stats := log.Stats()
	if log.Err() != nil {
		return // the log has ended, perhaps during Stats: ignore the result
	}
	gauge := func(desc *prometheus.Desc, value float64) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	gauge(s.open, float64(stats.OpenSessions))
	gauge(s.size, float64(stats.Store.Size))
	gauge(s.free, float64(stats.Store.Free))
	s.cluster.collect(ch, stats.Cluster)
}
