package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"jrweb/eventlog/store"
)

// clusterState is what a log on several machines says of itself. A log on one machine has no
// such metrics.
type clusterState struct {
	connected, position, writer, lag, conflicts, weakness *prometheus.Desc
}

func newClusterState() *clusterState {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "cluster", name), help, labels, nil)
	}
	return &clusterState{
		connected: desc("connected", "1 if there is a connection to the engine of the cluster, else 0."),
		position:  desc("position", "Number of the last commit that this replica has."),
		writer:    desc("writer", "1 if this replica is the one that makes the commits, else 0."),
		lag:       desc("lag", "Commits of others that this replica is known to lack."),
		conflicts: desc("conflicts_total", "Commits that were made anew because another replica was faster."),
		weakness:  desc("weakness", "1 if the settings of the cluster break what the label names, else 0.", "what"),
	}
}

func (s *clusterState) describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{s.connected, s.position, s.writer, s.lag, s.conflicts, s.weakness} {
		ch <- desc
	}
}

func (s *clusterState) collect(ch chan<- prometheus.Metric, c *store.Cluster) {
	if c == nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	gauge(s.connected, oneIf(c.Connected))
	gauge(s.position, float64(c.Position))
	gauge(s.writer, oneIf(c.Writer))
	gauge(s.lag, float64(c.Lag))
	ch <- prometheus.MustNewConstMetric(s.conflicts, prometheus.CounterValue, float64(c.Conflicts))
	for _, w := range store.Weaknesses() {
		gauge(s.weakness, oneIf(slices.Contains(c.Weaknesses, w)), string(w))
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
