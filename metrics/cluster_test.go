package metrics_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
	"jrweb/metrics"
)

// clustered is a store that says what the test says.
type clustered struct {
	store.Store
	state store.Cluster
}

func (c *clustered) Cluster() store.Cluster { return c.state }

// openCluster makes the metrics collect a log of a cluster in some state.
func openCluster(t *testing.T, m *metrics.Metrics) *clustered {
	t.Helper()
	s := &clustered{Store: eventlogtest.NewStore(), state: store.Cluster{
		Connected: true, Position: 42, Writer: true, Lag: 3, Conflicts: 7, Servers: 1, Weaknesses: []store.Weakness{store.FewServers, store.UnknownSync},
		Snapshots: store.Snapshots{Position: 40, Taken: time.UnixMilli(1500), Bytes: 900, Stored: 90, Made: 2, Failed: 1},
	}}
	log, err := eventlog.New(s, &eventlog.Options{Trace: m.LogTrace()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	m.CollectLog(log)
	return s
}

func TestAClusterIsCollected(t *testing.T) {
	m, reg := newMetrics(t)
	openLog(t, m)
	ofCluster := func() series {
		all := scrape(t, reg)
		maps.DeleteFunc(all, func(name string, _ float64) bool { return !strings.HasPrefix(name, "cluster_") })
		return all
	}
	if got := ofCluster(); len(got) != 0 {
		t.Errorf("a log on one machine has %v", got)
	}
	s := openCluster(t, m)
	want := series{
		`cluster_connected`: 1, `cluster_position`: 42, `cluster_writer`: 1, `cluster_lag`: 3, `cluster_conflicts_total`: 7,
		`cluster_weakness{what="few_servers"}`: 1, `cluster_weakness{what="unknown_sync"}`: 1, `cluster_weakness{what="late_sync"}`: 0,
		`cluster_weakness{what="erasable"}`: 0, `cluster_weakness{what="bounded"}`: 0, `cluster_weakness{what="frail_snapshots"}`: 0,
		`cluster_snapshot_timestamp_seconds`: 1.5, `cluster_snapshot_position`: 40,
		`cluster_snapshots_total{result="made"}`: 2, `cluster_snapshots_total{result="failed"}`: 1,
	}
	if got := ofCluster(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// scrape leaves sizes out.
	if got := value(gather(t, reg)["jrweb_cluster_snapshot_stored_bytes"].GetMetric()[0]); got != 90 {
		t.Errorf("the snapshot takes %v bytes, want 90", got)
	}
	s.state.Connected, want["cluster_connected"] = false, 0
	if got := ofCluster(); !maps.Equal(got, want) {
		t.Errorf("without a connection: got %v, want %v", got, want)
	}
}
