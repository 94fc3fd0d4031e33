package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// prometheusFiles is where the rules are that operators take.
var prometheusFiles = filepath.Join("..", "..", "..", "deploy", "prometheus")

// promtool reads the scrape configuration and the rules, and runs the tests of the alerts:
// each one fires when it should, and is quiet when something comes near.
func TestPromtoolPassesTheRules(t *testing.T) {
	promtool := needs(t, "promtool")
	for _, args := range [][]string{
		{"check", "config", "prometheus.yml"},
		{"check", "rules", "jrweb-recording.yml", "jrweb-alerts.yml"},
		{"test", "rules", "jrweb-alerts-test.yml"},
	} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = prometheusFiles
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func TestEachAlertIsTestedFiringAndQuiet(t *testing.T) {
	tests := readText(t, filepath.Join(prometheusFiles, "jrweb-alerts-test.yml"))
	for _, name := range alertNames(t) {
		for _, how := range []string{" fires\n", " is quiet\n"} {
			if !strings.Contains(tests, "- name: "+name+how) {
				t.Errorf("there is no test %q", name+strings.TrimSpace(how))
			}
		}
	}
}

var alertName = regexp.MustCompile(`(?m)^ *- alert: (\w+)$`)

// alertNames are the alerts in the order of the file.
func alertNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, match := range alertName.FindAllStringSubmatch(readText(t, filepath.Join(prometheusFiles, "jrweb-alerts.yml")), -1) {
		names = append(names, match[1])
	}
	if len(names) < 10 {
		t.Fatalf("only %d alerts are found", len(names))
	}
	return names
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A real Prometheus, with the files that operators take, scrapes a real server: every rule
// is evaluated, every metric and label in an alert exists, and every query of the dashboard
// has an answer.
func TestRulesAndDashboardAskForWhatTheServerSays(t *testing.T) {
	t.Parallel()
	s := &server{t: t, db: filepath.Join(t.TempDir(), "jr.db"), flags: []string{
		"-budget", "50/day",
		"-cluster-embedded", t.TempDir(), "-cluster-name", "a", "-cluster-replicas", "1", // a cluster of one has all metrics
		"-cluster-snapshot-bytes", "1",
	}}
	s.start()
	p := startOperatorsPrometheus(t, s.addr)
	session := s.append("t-1", says("one"), `{"type":"cost","data":{"usd":0.5,"input_tokens":9,"model":"m"}}`).Session
	s.stream(t.Context(), "/tasks/t-1/events/stream")
	s.complete("t-1", session)
	p.wait(`sum(jrweb_events_appended_total)`, 3)

	exposed := s.metrics()
	rules := p.rules()
	for _, r := range rules {
		for _, metric := range metricPattern.FindAllString(recorded.ReplaceAllString(r.Query, ""), -1) {
			metric = histogramPart.ReplaceAllString(metric, "")
			if !exposed[metric] {
				t.Errorf("%s asks for %s, which the server does not have", r.Name, metric)
			}
		}
		for _, selector := range selectorPattern.FindAllString(r.Query, -1) {
			if strings.Contains(selector, "code=") {
				continue // these series begin with the first answer of their kind
			}
			p.some(r.Name, selector)
		}
	}
	if len(rules) < 20 {
		t.Errorf("Prometheus has only %d rules", len(rules))
	}

	inDashboard := map[string]bool{}
	for _, query := range dashboardQueries(t) {
		for _, metric := range metricPattern.FindAllString(query, -1) {
			inDashboard[histogramPart.ReplaceAllString(metric, "")] = true
		}
		p.some("the dashboard", query)
	}
	for metric := range exposed {
		if strings.HasPrefix(metric, "jrweb_") && metric != "jrweb_build_info" && !inDashboard[metric] {
			t.Errorf("the dashboard does not show %s", metric)
		}
	}
}

var (
	metricPattern   = regexp.MustCompile(`\b(?:jrweb|process|go)_[a-z_]+\b`)
	selectorPattern = regexp.MustCompile(`\bjrweb_[a-z_]+\{[^}]*\}`)
	recorded        = regexp.MustCompile(`\b\w+:\w+:?\w*`) // what another rule makes
	histogramPart   = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// metrics are the names that the server exposes, without the parts of histograms.
func (s *server) metrics() map[string]bool {
	s.t.Helper()
	res, err := http.Get(s.url + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ := strings.Cut(rest, " ")
			names[name] = true
		}
	}
	return names
}

// startOperatorsPrometheus starts a Prometheus with the files of deploy/prometheus, with
// another target, and more haste.
func startOperatorsPrometheus(t *testing.T, target string) *prometheusServer {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"jrweb-recording.yml", "jrweb-alerts.yml"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(readText(t, filepath.Join(prometheusFiles, file))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := readText(t, filepath.Join(prometheusFiles, "prometheus.yml"))
	config = strings.ReplaceAll(config, "interval: 15s", "interval: 200ms")
	config = strings.ReplaceAll(config, "127.0.0.1:7071", target)
	return startPrometheusWith(t, dir, config)
}

// rule is a rule as Prometheus sees it.
type rule struct{ Name, Query, Health, LastError string }

// rules returns the rules once all of them have been evaluated, and well.
func (p *prometheusServer) rules() []rule {
	p.t.Helper()
	var all []rule
	p.until("all rules are evaluated", func() error {
		var answer struct {
			Data struct{ Groups []struct{ Rules []rule } }
		}
		if err := p.get("/api/v1/rules", &answer); err != nil {
			return err
		}
		all = nil
		for _, group := range answer.Data.Groups {
			all = append(all, group.Rules...)
		}
		if i := slices.IndexFunc(all, func(r rule) bool { return r.Health != "ok" }); i >= 0 || len(all) == 0 {
			return fmt.Errorf("of %d rules, %+v", len(all), all[max(i, 0):max(i, 0)+min(1, len(all))])
		}
		return nil
	})
	return all
}

// some waits until a query has an answer with a series in it.
func (p *prometheusServer) some(who, query string) {
	p.t.Helper()
	p.until(who+" gets an answer to "+query, func() error {
		var answer struct {
			Status, Error string
			Data          struct{ Result []any }
		}
		if err := p.get("/api/v1/query?query="+url.QueryEscape(query), &answer); err != nil {
			return err
		}
		if answer.Status != "success" || len(answer.Data.Result) == 0 {
			return fmt.Errorf("%s %s with %d series", answer.Status, answer.Error, len(answer.Data.Result))
		}
		return nil
	})
}

func (p *prometheusServer) get(path string, answer any) error {
	res, err := http.Get(p.url + path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(answer)
}

// until asks again and again until there is no error.
func (p *prometheusServer) until(what string, ask func() error) {
	p.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if err = ask(); err == nil {
			return
		}
	}
	p.t.Fatalf("never: %s: %v", what, err)
}

// dashboardQueries are the queries of the dashboard, with its variables as Grafana fills
// them in.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	var d any
	decoder := json.NewDecoder(bytes.NewReader([]byte(readText(t, filepath.Join(prometheusFiles, "..", "grafana", "jrweb.json")))))
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$__rate_interval", "1m", "$job", "jrweb", "$instance", ".*")
	queries := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if expr, ok := v["expr"].(string); ok {
				queries[fill.Replace(expr)] = true
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(d)
	if len(queries) < 20 {
		t.Errorf("the dashboard has only %d queries", len(queries))
	}
	return slices.Sorted(maps.Keys(queries))
}
