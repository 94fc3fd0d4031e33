package metrics_test

import (
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"jrweb/eventlog"
	"jrweb/metrics"
	"jrweb/streamer"
)

// catalog is section 6 of the contract: every metric, its kind and its labels.
var catalog = map[string]string{
	"jrweb_streams_active":           "gauge",
	"jrweb_streams_opened_total":     "counter resumed",
	"jrweb_stream_disconnects_total": "counter reason",
	"jrweb_stream_events_sent_total": "counter phase",
	"jrweb_stream_bytes_sent_total":  "counter",
	"jrweb_stream_delivery_seconds":  "histogram",
	"jrweb_stream_resets_total":      "counter reason",
	"jrweb_stream_heartbeats_total":  "counter",
	"jrweb_stream_polls_total":       "counter result",
	"jrweb_events_appended_total":    "counter type",
	"jrweb_damaged_records_total":    "counter",
	"jrweb_append_seconds":           "histogram",
	"jrweb_append_batch_events":      "histogram",
	"jrweb_append_errors_total":      "counter reason",
	"jrweb_sessions_open":            "gauge",
	"jrweb_sessions_sealed_total":    "counter status",
	"jrweb_log_size_bytes":           "gauge",
	"jrweb_log_free_bytes":           "gauge",
	"jrweb_cluster_connected":        "gauge",
	"jrweb_cluster_position":         "gauge",
	"jrweb_cluster_writer":           "gauge",
	"jrweb_cluster_lag":              "gauge",
	"jrweb_cluster_conflicts_total":  "counter",
	"jrweb_cluster_weakness":         "gauge what",

	"jrweb_cluster_snapshot_timestamp_seconds": "gauge",
	"jrweb_cluster_snapshot_position":          "gauge",
	"jrweb_cluster_snapshot_stored_bytes":      "gauge",
	"jrweb_cluster_snapshots_total":            "counter result",
	"jrweb_budget_usd":                         "gauge",
	"jrweb_budget_spent_usd":                   "gauge",
	"jrweb_agent_cost_usd_total":               "counter model",
	"jrweb_agent_tokens_total":                 "counter kind model",
	"jrweb_http_request_seconds":               "histogram code method route",
	"jrweb_request_bodies_bytes":               "gauge",
	"jrweb_build_info":                         "gauge goversion revision version",
}

// TestCatalog also makes sure that no label names a task or a session.
func TestCatalog(t *testing.T) {
	m, reg := newMetrics(t)
	openCluster(t, m)
	m.CollectBudget(func() (float64, float64, bool) { return 50, 12, true })
	m.RequestTrace().Answered("/tasks", "GET", 200, time.Millisecond)

	got := map[string]string{}
	foreign := map[string]bool{}
	for name, family := range gather(t, reg) {
		if prefix, _, _ := strings.Cut(name, "_"); prefix != "jrweb" {
			foreign[prefix] = true
			continue
		}
		words := []string{strings.ToLower(family.GetType().String())}
		for _, l := range family.GetMetric()[0].GetLabel() {
			words = append(words, l.GetName())
		}
		got[name] = strings.Join(words, " ")
	}
	if !maps.Equal(got, catalog) {
		t.Errorf("metrics, kinds and labels:\n got %v\nwant %v", got, catalog)
	}
	if want := map[string]bool{"go": true, "process": true}; !maps.Equal(foreign, want) {
		t.Errorf("prefixes beside jrweb_: %v, want %v", slices.Collect(maps.Keys(foreign)), slices.Collect(maps.Keys(want)))
	}
}

func TestNamesAndHelpFollowTheConventions(t *testing.T) {
	m, reg := newMetrics(t)
	openLog(t, m)
	m.CollectBudget(func() (float64, float64, bool) { return 50, 12, true })
	m.RequestTrace().Answered("/tasks", "GET", 200, time.Millisecond)
	problems, err := testutil.GatherAndLint(reg, slices.Collect(maps.Keys(catalog))...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems { // none needs an exception
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestSeriesThatExistFromTheStart(t *testing.T) {
	m, reg := newMetrics(t)
	openLog(t, m)
	want := []string{
		`agent_cost_usd_total{model="other"}`,
		`agent_tokens_total{kind="cache_read",model="other"}`,
		`agent_tokens_total{kind="cache_write",model="other"}`,
		`agent_tokens_total{kind="input",model="other"}`,
		`agent_tokens_total{kind="output",model="other"}`,
		`append_batch_events`,
		`append_errors_total{reason="canceled"}`,
		`append_errors_total{reason="closed"}`,
		`append_errors_total{reason="damaged"}`,
		`append_errors_total{reason="failed"}`,
		`append_errors_total{reason="full"}`,
		`append_errors_total{reason="invalid"}`,
		`append_errors_total{reason="key_reused"}`,
		`append_errors_total{reason="not_committed"}`,
		`append_errors_total{reason="not_found"}`,
		`append_errors_total{reason="other"}`,
		`append_errors_total{reason="sealed"}`,
		`append_errors_total{reason="too_large"}`,
		`append_errors_total{reason="unsettled"}`,
		`append_seconds`,
		`damaged_records_total`,
		`events_appended_total{type="answer"}`,
		`events_appended_total{type="assistant"}`,
		`events_appended_total{type="checkpoint"}`,
		`events_appended_total{type="comment"}`,
		`events_appended_total{type="complete"}`,
		`events_appended_total{type="cost"}`,
		`events_appended_total{type="error"}`,
		`events_appended_total{type="guardrail"}`,
		`events_appended_total{type="other"}`,
		`events_appended_total{type="question"}`,
		`events_appended_total{type="receipt"}`,
		`events_appended_total{type="session"}`,
		`events_appended_total{type="status"}`,
		`events_appended_total{type="thought"}`,
		`events_appended_total{type="tool_call"}`,
		`events_appended_total{type="tool_result"}`,
		`events_appended_total{type="user"}`,
		`sessions_open`,
		`sessions_sealed_total{status="canceled"}`,
		`sessions_sealed_total{status="failed"}`,
		`sessions_sealed_total{status="interrupted"}`,
		`sessions_sealed_total{status="succeeded"}`,
		`stream_bytes_sent_total`,
		`stream_delivery_seconds`,
		`stream_disconnects_total{reason="client_gone"}`,
		`stream_disconnects_total{reason="complete"}`,
		`stream_disconnects_total{reason="deleted"}`,
		`stream_disconnects_total{reason="error"}`,
		`stream_disconnects_total{reason="rejected"}`,
		`stream_disconnects_total{reason="revoked"}`,
		`stream_disconnects_total{reason="shutdown"}`,
		`stream_disconnects_total{reason="write_timeout"}`,
		`stream_events_sent_total{phase="live"}`,
		`stream_events_sent_total{phase="replay"}`,
		`stream_heartbeats_total`,
		`stream_polls_total{result="idle"}`,
		`stream_polls_total{result="new"}`,
		`stream_resets_total{reason="ahead"}`,
		`stream_resets_total{reason="malformed"}`,
		`stream_resets_total{reason="unknown"}`,
		`streams_active`,
		`streams_opened_total{resumed="false"}`,
		`streams_opened_total{resumed="true"}`,
	}
	got := scrape(t, reg)
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("series:\n got %s\nwant %s", strings.Join(names, "\n     "), strings.Join(want, "\n     "))
	}
	for name, v := range got {
		if v != 0 {
			t.Errorf("%s starts at %v", name, v)
		}
	}
}

func TestRegistryThatHasGoMetricsKeepsItsOwn(t *testing.T) {
	for name, has := range map[string]prometheus.Collector{
		"the same":     collectors.NewGoCollector(),
		"another kind": collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.MetricsAll)),
	} {
		t.Run(name, func(t *testing.T) {
			reg := prometheus.NewPedanticRegistry()
			reg.MustRegister(has)
			if _, err := metrics.New(reg); err != nil {
				t.Fatal(err)
			}
			if !reg.Unregister(has) {
				t.Error("the program's collector is gone")
			}
			gather(t, reg)
		})
	}
}

func TestSecondMetricsOfOneRegistererIsAnError(t *testing.T) {
	_, reg := newMetrics(t)
	if _, err := metrics.New(reg); err == nil {
		t.Error("registered the same names twice")
	}
}

func TestLogsOfOneRegistryAreToldApartByALabel(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	for _, name := range []string{"a", "b"} {
		if _, err := metrics.New(prometheus.WrapRegistererWith(prometheus.Labels{"log": name}, reg)); err != nil {
			t.Errorf("log %s: %v", name, err)
		}
	}
	if n := len(gather(t, reg)["jrweb_streams_active"].GetMetric()); n != 2 {
		t.Errorf("there are %d series of streams_active, want 2", n)
	}
}

// If a name is taken, the registry stays as it was.
func TestNewRegistersAllOrNothing(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "jrweb_stream_heartbeats_total", Help: "Taken."}))
	if _, err := metrics.New(reg); err == nil {
		t.Fatal("no error")
	}
	if names := slices.Collect(maps.Keys(gather(t, reg))); len(names) != 1 {
		t.Errorf("the registry has %v", names)
	}
}

func TestBuildInfo(t *testing.T) {
	_, reg := newMetrics(t)
	info := gather(t, reg)["jrweb_build_info"].GetMetric()
	if len(info) != 1 || value(info[0]) != 1 {
		t.Fatalf("build_info is %v", info)
	}
	byName := map[string]string{}
	for _, l := range info[0].GetLabel() {
		byName[l.GetName()] = l.GetValue()
	}
	if byName["goversion"] != runtime.Version() || byName["version"] == "" || byName["revision"] == "" {
		t.Errorf("labels are %v", byName)
	}
}

func TestBuildOf(t *testing.T) {
	settings := []debug.BuildSetting{{Key: "vcs.revision", Value: "4bc"}}
	for name, test := range map[string]struct {
		info              *debug.BuildInfo
		version, revision string
	}{
		"no build information": {nil, "unknown", "unknown"},
		"built from its own repository": {
			&debug.BuildInfo{Main: debug.Module{Path: "jrweb", Version: "v1.2.3"}, Settings: settings},
			"v1.2.3", "4bc",
		},
		"embedded: the commit is another module's": {
			&debug.BuildInfo{
				Main: debug.Module{Path: "example.com/jr", Version: "v9"}, Settings: settings,
				Deps: []*debug.Module{{Path: "example.com/x", Version: "v5"}, {Path: "jrweb", Version: "v1.2.3"}},
			},
			"v1.2.3", "unknown",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if version, revision := metrics.BuildOf(test.info); version != test.version || revision != test.revision {
				t.Errorf("got %s, %s", version, revision)
			}
		})
	}
}

func TestConcurrentCountsAreExact(t *testing.T) {
	m, reg := newMetrics(t)
	openLog(t, m)
	before := scrape(t, reg)

	const goroutines, rounds = 8, 200
	logs, streams, requests := m.LogTrace(), m.StreamTrace(), m.RequestTrace()
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for range rounds {
				e := thought()
				logs.Committed(&e)
				logs.Appended(&eventlog.Batch{Events: []eventlog.Event{e}}, time.Millisecond, nil)
				logs.Cost(eventlog.CostAdded{Model: string(rune('a' + i%4)), USD: 0.5})
				streams.Opened(true)
				streams.Sent(true, 3)
				streams.Polled(false)
				streams.Closed(streamer.Complete)
				requests.Answered("/tasks", "GET", 200, time.Millisecond)
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			if _, err := reg.Gather(); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()

	const n = goroutines * rounds
	want := series{
		`events_appended_total{type="thought"}`:                        n,
		`append_seconds`:                                               n,
		`append_batch_events`:                                          n,
		`streams_opened_total{resumed="true"}`:                         n,
		`stream_events_sent_total{phase="live"}`:                       3 * n,
		`stream_polls_total{result="idle"}`:                            n,
		`stream_disconnects_total{reason="complete"}`:                  n,
		`http_request_seconds{code="200",method="GET",route="/tasks"}`: n,
	}
	for _, model := range []string{"a", "b", "c", "d"} {
		want[`agent_cost_usd_total{model="`+model+`"}`] = n / 4 * 0.5
	}
	expect(t, scrape(t, reg).since(before), want)
}
