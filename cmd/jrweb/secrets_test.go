package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// serverLog is what a server has logged.
type serverLog struct {
	mu sync.Mutex
	bytes.Buffer
}

func (s *serverLog) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.Write(p)
}

func (s *serverLog) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.String()
}

// Each secret that clients use, good or not, is in no line of the log, no metric and no
// answer but the one that gives it.
func TestNoSecretIsSaid(t *testing.T) {
	const good, wrong, query = "good-token-0123456789", "wrong-token-0123456789", "query-token-0123456789"
	tokens := write(t, filepath.Join(t.TempDir(), "tokens"), []byte("ann:admin:"+good+"\n"))
	var log serverLog
	s := startServeTo(t, &log, "-token-file", tokens, "-log-level", "debug")
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var answers strings.Builder
	ask := func(method, path, body string, headers ...string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			r.Header.Add(name, value)
		}
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(text)
	}
	tell := func(method, path, body string, headers ...string) int {
		t.Helper()
		res, text := ask(method, path, body, headers...)
		answers.WriteString(text)
		for name, values := range res.Header {
			answers.WriteString(name + ": " + strings.Join(values, ", ") + "\n")
		}
		return res.StatusCode
	}
	bearer := "Authorization: Bearer " + good
	if status := tell("POST", "/tasks/t-1/events", `{"type":"thought","data":{"content":"x"}}`, bearer); status != 200 {
		t.Fatalf("the append is answered %d", status)
	}
	signedIn, _ := ask("POST", "/login", `{"token":"`+good+`"}`)
	cookie, _, _ := strings.Cut(signedIn.Header.Get("Set-Cookie"), ";")
	_, secretCookie, _ := strings.Cut(cookie, "=")
	var link struct{ Ticket string }
	if _, text := ask("POST", "/tasks/t-1/share", "", bearer); json.Unmarshal([]byte(text), &link) != nil || link.Ticket == "" || secretCookie == "" {
		t.Fatalf("no ticket, or no cookie %q: %s", cookie, text)
	}
	for _, path := range []string{"/", "/tasks", "/tasks/t-1", "/tasks/t-1/events", "/nothing", "/tasks/%00", "/metrics", "/backup"} {
		for _, headers := range [][]string{
			{"Authorization: Bearer " + wrong}, {"Authorization: Basic " + wrong}, {"Cookie: " + cookie + wrong}, {"Cookie: jrweb=" + wrong}, {"Cookie: " + cookie}, nil,
		} {
			if path == "/backup" && len(headers) > 0 && headers[0] == "Cookie: "+cookie {
				continue // the file is not an answer to search in
			}
			tell("GET", path, "", headers...)
		}
		tell("GET", path+"?ticket="+link.Ticket, "")
		tell("GET", path+"?ticket="+wrong, "", "Accept: text/html")
	}
	tell("POST", "/login", url.Values{"token": {wrong}, "next": {"tasks"}}.Encode(), "Content-Type: application/x-www-form-urlencoded")
	tell("POST", "/login", `{"token":"`+wrong)
	tell("GET", "/tasks?token="+query, "", bearer) // a field that is not known is named, not its value
	tell("DELETE", "/tasks/t-1/sessions/0123456789ABCDEFGHIJKLMNO0", "", "Cookie: "+cookie)
	tell("POST", "/logout", "", "Cookie: "+cookie)
	_, metrics := ask("GET", "/metrics", "", bearer)
	if !strings.Contains(metrics, "jrweb_http_request_seconds") {
		t.Fatalf("the metrics: %s", metrics)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	if !strings.Contains(log.String(), "audit=true") || !strings.Contains(log.String(), "path=/tasks/t-1/events") {
		t.Errorf("the log says %s", log.String())
	}
	for place, text := range map[string]string{"the log": log.String(), "a metric": metrics, "an answer": answers.String()} {
		for _, secret := range []string{good, wrong, query, secretCookie, link.Ticket} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s tells %s: %s", place, secret, text[max(0, i-100):min(len(text), i+100)])
			}
		}
	}
}
