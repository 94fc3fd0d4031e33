package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jrweb/internal/freeport"
)

// A real Prometheus scrapes the server, and its answers are what happened.
func TestPrometheusSeesStreamsAndWhyTheyEnded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	prometheus := startPrometheus(t, s.addr)
	session := s.append("t-metrics", says("one"), says("two")).Session

	// Three clients: one reads to the end, one leaves, one stays.
	s.append("t-stays", says("hello"))
	toTheEnd := s.stream(t.Context(), "/tasks/t-metrics/events/stream")
	leaving, leave := context.WithCancel(t.Context())
	s.stream(leaving, "/tasks/t-stays/events/stream")
	s.stream(t.Context(), "/tasks/t-stays/events/stream")
	prometheus.wait("jrweb_streams_active", 3)
	leave()
	s.complete("t-metrics", session)
	for range toTheEnd {
		// until the response ends
	}
	prometheus.wait("jrweb_streams_active", 1)
	prometheus.wait(`jrweb_stream_disconnects_total{reason="complete"}`, 1)
	prometheus.wait(`jrweb_stream_disconnects_total{reason="client_gone"}`, 1)
	prometheus.wait(`jrweb_stream_disconnects_total{reason="write_timeout"}`, 0)
	prometheus.wait(`sum(jrweb_streams_opened_total)`, 3)
	prometheus.wait(`sum(jrweb_events_appended_total{type="assistant"})`, 3)
	prometheus.wait(`jrweb_sessions_sealed_total{status="succeeded"}`, 1)
	prometheus.wait(`jrweb_sessions_open`, 1)
	prometheus.wait(`up{job="jrweb"}`, 1)
}

// stream opens a stream and returns its lines; the channel is closed at its end.
// The first frame has arrived when it returns.
func (s *server) stream(ctx context.Context, path string) <-chan string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatal(err, res)
	}
	lines := make(chan string, 1024)
	scanner := bufio.NewScanner(res.Body)
	for scanner.Scan() && !strings.HasPrefix(scanner.Text(), "data:") {
		// up to the first event
	}
	go func() {
		defer close(lines)
		defer res.Body.Close()
		for scanner.Scan() {
			lines <- scanner.Text()
		}
	}()
	return lines
}

type prometheusServer struct {
	t   *testing.T
	url string
}

func startPrometheus(t *testing.T, target string) *prometheusServer {
	t.Helper()
	return startPrometheusWith(t, t.TempDir(), fmt.Sprintf(
		"global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs:\n- job_name: jrweb\n  static_configs: [{targets: [%q]}]\n", target))
}

// startPrometheusWith starts a Prometheus with a configuration, in a folder that may hold
// the rules for it.
func startPrometheusWith(t *testing.T, dir, text string) *prometheusServer {
	t.Helper()
	program := needs(t, "prometheus")
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeport.Addr(t)
	var log strings.Builder
	cmd := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return &prometheusServer{t, "http://" + addr}
}

// wait asks until the query has the value.
func (p *prometheusServer) wait(query string, want float64) {
	p.t.Helper()
	last := "no answer"
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		got, ok, err := p.query(query)
		if err == nil && ok && got == want {
			return
		}
		last = fmt.Sprintf("%v (has a value: %v, error: %v)", got, ok, err)
	}
	p.t.Fatalf("%s never became %v, it is %s", query, want, last)
}

func (p *prometheusServer) query(query string) (value float64, ok bool, err error) {
	res, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return 0, false, err
	}
	defer res.Body.Close()
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any
			}
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return 0, false, err
	}
	if len(answer.Data.Result) != 1 {
		return 0, false, nil
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	_, err = fmt.Sscan(text, &value)
	return value, true, err
}
