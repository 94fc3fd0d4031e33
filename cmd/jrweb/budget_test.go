package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jrweb/router/client"
)

// A budget is told to the webhook when most of it is spent, and when all of it is, and the
// metrics say what is spent.
func TestABudgetIsToldToItsWebhook(t *testing.T) {
	told := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		told <- string(body)
	}))
	defer hook.Close()
	s := startServe(t, "-budget", "1/day", "-webhook", hook.URL)
	c, err := client.New(s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	today := time.Now().UTC().Format(time.DateOnly)
	for _, spends := range []struct{ usd, kind, spent string }{
		{"0.5", "", ""}, {"0.375", "budget.near", "0.875"}, {"0.0625", "", ""}, {"0.3125", "budget.passed", "1.25"},
	} {
		if _, err := c.Append(t.Context(), "t-1", client.Append{Body: []byte(`{"type":"cost","data":{"usd":` + spends.usd + `}}`)}); err != nil {
			t.Fatal(err)
		}
		if spends.kind == "" {
			continue
		}
		var m struct {
			Type string
			Data json.RawMessage
		}
		if err := json.Unmarshal([]byte(<-told), &m); err != nil {
			t.Fatal(err)
		}
		want := `{"usd":1,"period":"day","since":"` + today + `","spent_usd":` + spends.spent + `,"estimated":false,"path":"usage"}`
		if m.Type != spends.kind || string(m.Data) != want {
			t.Errorf("it is told %s %s, not %s %s", m.Type, m.Data, spends.kind, want)
		}
	}
	text, err := io.ReadAll(get(t, http.DefaultClient, s.url+"/metrics").Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\njrweb_budget_usd 1\n", "\njrweb_budget_spent_usd 1.25\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the metrics do not have %q", want)
		}
	}
	if _, err := c.Append(t.Context(), "t-1", client.Append{Body: []byte(`{"type":"cost","data":{"usd":1}}`)}); err != nil {
		t.Fatal(err)
	}
	if s.stop(); len(told) > 0 {
		t.Errorf("it is told %s as well", <-told)
	}
}

// A watch that serves warns of a budget as any server does.
func TestAWatchThatServesWarnsOfABudget(t *testing.T) {
	home := t.TempDir()
	for name, value := range map[string]string{"HOME": home, "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "CLAUDE_CONFIG_DIR": "", "CODEX_HOME": "", "GEMINI_CLI_HOME": ""} {
		t.Setenv(name, value)
	}
	out, stderr := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"watch", "-serve", "-addr", "127.0.0.1:0", "-spool", filepath.Join(home, "spool"), "-budget", "1/day"}, strings.NewReader(""), io.Discard, stderr)
		stderr.Close()
	}()
	defer func() { stop(); <-ended }()
	said := bufio.NewReader(out)
	line, err := said.ReadString('\n')
	url, listens := strings.CutPrefix(strings.TrimSpace(line), "jrweb: listening on ")
	if err != nil || !listens {
		t.Fatalf("it says %q, %v", line, err)
	}
	c, err := client.New(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	wall := func() string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/wall", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "text/html")
		res, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		page, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	if page := wall(); !strings.Contains(page, `class="warning" id="warning" hidden>`) {
		t.Errorf("before anything is spent it says\n%s", page)
	}
	if _, err := c.Append(t.Context(), "t-1", client.Append{Body: []byte(`{"type":"cost","data":{"usd":1.25}}`)}); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(line, "much of the budget is spent") {
		if line, err = said.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, said) }() // ends with the watch
	if page := wall(); !strings.Contains(page, "The budget of $1.00 a day is spent: $1.25") {
		t.Errorf("when it is spent it says\n%s", page)
	}
}
