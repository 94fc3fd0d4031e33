package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// rawly sends bytes to a server, and returns the status of the answer.
func rawly(t *testing.T, url, request string) int {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// startWatched starts a server with a second address, for metrics.
func startWatched(t *testing.T, args ...string) (s running, watched string) {
	t.Helper()
	var log serverLog
	s = startServeTo(t, &log, append(args, "-metrics-addr", "127.0.0.1:0")...)
	said := regexp.MustCompile(`msg="serving metrics" url=(http://[0-9.:]+)/`).FindStringSubmatch(log.String())
	if said == nil {
		t.Fatalf("the log does not say where the metrics are: %s", log.String())
	}
	return s, said[1]
}

// Who reaches the address for metrics need not sign in, and sees nothing else.
func TestTheAddressForMetricsShowsNothingElse(t *testing.T) {
	tokens := write(t, filepath.Join(t.TempDir(), "tokens"), []byte("ann:admin:"+strings.Repeat("t", 32)+"\n"))
	s, watched := startWatched(t, "-token-file", tokens)
	for request, status := range map[string]int{
		"GET /metrics": 200, "GET /healthz": 200, "GET /readyz": 200, "HEAD /metrics": 200, "POST /metrics": 405,
		"GET /": 404, "GET /tasks": 404, "GET /stream": 404, "GET /backup": 404, "GET /login": 404, "POST /login": 404, "GET /metrics/../backup": 307,
	} {
		if got := rawly(t, watched, request+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); got != status {
			t.Errorf("%s is answered %d, not %d", request, got, status)
		}
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		if got := rawly(t, watched, "GET "+path+" HTTP/1.1\r\nHost: evil.example\r\n\r\n"); got != 421 {
			t.Errorf("%s for a foreign host is answered %d", path, got)
		}
	}
	if got := rawly(t, s.url, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"); got != 401 {
		t.Errorf("where people sign in, /metrics is answered %d", got)
	}
}

func TestTheHeaderOfARequestHasALimit(t *testing.T) {
	s, watched := startWatched(t)
	for _, url := range []string{s.url, watched} {
		for kib, status := range map[int]int{30: 200, 37: 431} {
			for _, parts := range []int{1, 30} { // one long line, or many short ones
				var header strings.Builder
				for i := range parts {
					fmt.Fprintf(&header, "X-%d: %s\r\n", i, strings.Repeat("x", (kib<<10)/parts-10))
				}
				if got := rawly(t, url, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"+header.String()+"\r\n"); got != status {
					t.Errorf("%s: %d KiB of header in %d parts are answered %d, not %d", url, kib, parts, got, status)
				}
			}
		}
	}
	plain := new(http.Protocols)
	plain.SetUnencryptedHTTP2(true)
	c := &http.Client{Transport: &http.Transport{Protocols: plain}}
	get(t, c, s.url+"/healthz") // the client has heard of the limit
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("x", 37<<10))
	if res, err := c.Do(r); err == nil {
		t.Errorf("over HTTP/2 it is answered %s", res.Status)
		res.Body.Close()
	} else if !strings.Contains(err.Error(), "header list larger") {
		t.Error(err)
	}
}

// What clients make long is cut in the log, with its length, and what would act on a
// terminal or begin a line of its own is escaped.
func TestTheLineOfARequestIsCutAndEscaped(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var log serverLog
		s := startServeTo(t, &log, "-log-format", format)
		long := "/" + strings.Repeat("%E2%82%AC", 500)
		for _, request := range []string{
			"GET /tasks/%0d%0alevel=ERROR%20msg=forged%1b%5B2J%C2%9B1m%E2%80%AE HTTP/1.1\r\nHost: localhost\r\n\r\n",
			"GET " + long + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
			strings.Repeat("M", 900) + " /tasks HTTP/1.1\r\nHost: localhost\r\n\r\n",
		} {
			rawly(t, s.url, request)
		}
		if code := s.stop(); code != 0 {
			t.Errorf("it ends with %d", code)
		}
		requests := 0
		for line := range strings.Lines(log.String()) {
			if !strings.Contains(line, "request") {
				continue
			}
			requests++
			if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), hidden) || len(line) > 1500 || strings.Contains(line, "\ufffd") || strings.Contains(line, `\x`+"e2") {
				t.Errorf("%s: %q", format, line)
			}
		}
		text := log.String()
		if requests != 3 || strings.Count(text, "€… (1501 bytes)") != 1 || strings.Count(text, "MMM… (900 bytes)") != 1 || strings.Contains(text, "\nlevel=ERROR") {
			t.Errorf("%s: %d lines of requests: %s", format, requests, text)
		}
	}
}
