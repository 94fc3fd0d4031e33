package metrics_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"jrweb/eventlog"
	"jrweb/metrics"
)

// series maps the text before the value in a scrape, without "jrweb_", to the value. For a
// histogram it has the count. It leaves out sizes and build_info, which are not known
// beforehand.
type series map[string]float64

// scrape returns the series of a registry.
func scrape(t *testing.T, g prometheus.Gatherer) series {
	t.Helper()
	out := series{}
	for name, family := range gather(t, g) {
		short, ours := strings.CutPrefix(name, "jrweb_")
		if !ours || short == "build_info" || strings.HasSuffix(short, "_bytes") {
			continue
		}
		for _, m := range family.GetMetric() {
			out[short+labels(m)] = value(m)
		}
	}
	return out
}

func gather(t *testing.T, g prometheus.Gatherer) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*dto.MetricFamily{}
	for _, f := range families {
		out[f.GetName()] = f
	}
	return out
}

func labels(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.GetLabel() {
		pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	if pairs == nil {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

func value(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	}
	return float64(m.Histogram.GetSampleCount())
}

// since returns what changed after before, and by how much.
func (s series) since(before series) series {
	changes := maps.Clone(s)
	maps.DeleteFunc(changes, func(name string, v float64) bool { return v == before[name] })
	for name := range changes {
		changes[name] -= before[name]
	}
	for name, v := range before {
		if _, still := s[name]; !still {
			changes[name] = -v
		}
	}
	return changes
}

// expect fails the test unless got equals want.
func expect(t *testing.T, got, want series) {
	t.Helper()
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s changed by %v, want %v", name, got[name], v)
		}
	}
	for name, v := range got {
		if _, wanted := want[name]; !wanted {
			t.Errorf("%s changed by %v, want no change", name, v)
		}
	}
}

// newMetrics returns metrics and their registry, which checks its collectors.
func newMetrics(t *testing.T) (*metrics.Metrics, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	m, err := metrics.New(reg)
	if err != nil {
		t.Fatal(err)
	}
	return m, reg
}

// openLog opens a measured log until the end of the test.
func openLog(t *testing.T, m *metrics.Metrics) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(t.TempDir()+"/jr.db", &eventlog.Options{Trace: m.LogTrace()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	m.CollectLog(log)
	return log
}

// start starts a session.
func start(t *testing.T, log *eventlog.Log, task string) *eventlog.Session {
	t.Helper()
	s, err := log.Start(t.Context(), task, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// appendTo appends events that must be accepted.
func appendTo(t *testing.T, s *eventlog.Session, events ...eventlog.Event) {
	t.Helper()
	if _, err := s.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
}

func event(typ, data string) eventlog.Event {
	return eventlog.Event{Type: typ, Data: []byte(data)}
}

func thought() eventlog.Event { return event("thought", `{"content":"hm"}`) }
