package auth_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
	"jrweb/router/auth"
	"jrweb/streamer"
)

// server is a log behind auth, mounted below a prefix.
type server struct {
	*testing.T
	log    *eventlog.Log
	auth   *auth.Auth
	url    string
	tokens string // the path of the file
	roles  string
	said   *lines // the lines of the log
	http   *httptest.Server
}

// lines is a log that a test reads while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const (
	readToken  = "read-token-0123456789"
	writeToken = "write-token-0123456789"
	steerToken = "steer-token-0123456789"
	adminToken = "admin-token-0123456789"
)

var allTokens = "# who may come in\n\nvi:read:" + readToken + "\nagent:write:" + writeToken + "\nann:steer:" + steerToken + "\nroot:admin:" + adminToken + "\n"

// loopback is the network of all of a test's requests.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func serve(t *testing.T, change func(*auth.Options)) *server {
	t.Helper()
	return serveOver(t, (*httptest.Server).Start, change)
}

// serveOver is serve with another kind of connections, which start begins.
func serveOver(t *testing.T, start func(*httptest.Server), change func(*auth.Options)) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{T: t, tokens: filepath.Join(dir, "tokens"), roles: filepath.Join(dir, "roles"), said: &lines{}}
	s.write(s.tokens, allTokens)
	s.write(s.roles, "ann@example.org:steer\n@crew:read\n")
	o := auth.Options{
		TokenFile: s.tokens, RolesFile: s.roles, KeyFile: filepath.Join(dir, "key"),
		Logger: slog.New(slog.NewTextHandler(s.said, nil)),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if s.log, err = eventlog.New(eventlogtest.NewStore(), nil); err != nil {
		t.Fatal(err)
	}
	if s.auth, err = auth.Open(o); err != nil {
		t.Fatal(err)
	}
	streams := streamer.New(s.log, nil)
	handler, err := router.New(s.log, streams, &router.Options{Authorize: s.auth.Authorize, Routes: s.auth.Routes(), Logger: slog.New(slog.NewTextHandler(s.said, nil)), Metrics: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(s.auth.Wrap(http.StripPrefix("/jr", handler)))
	h.Config.ConnContext = streams.ConnContext
	start(h)
	s.http = h
	s.url = h.URL + "/jr"
	t.Cleanup(func() {
		streams.Shutdown()
		s.auth.Close()
		h.CloseClientConnections()
		h.Close()
		if err := s.log.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, task := range []string{"t-1", "t-2"} {
		if _, err := s.log.Start(t.Context(), task, nil); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *server) write(path, text string) {
	s.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// answer is the answer to a request.
type answer struct {
	*http.Response
	body string
}

// do sends a request. A header is "Name: value".
func (s *server) do(client *http.Client, method, path, body string, headers ...string) answer {
	s.Helper()
	target := path
	if !strings.HasPrefix(path, "http") {
		target = s.url + path
	}
	r, err := http.NewRequestWithContext(s.Context(), method, target, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	res, err := client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer{res, string(text)}
}

// get sends a request like a program without cookies.
func (s *server) get(path string, headers ...string) answer {
	s.Helper()
	return s.do(stranger, http.MethodGet, path, "", headers...)
}

// stranger follows no redirects and keeps no cookies.
var stranger = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// browser follows redirects and keeps cookies.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func bearer(token string) string { return "Authorization: Bearer " + token }

const wantsHTML = "Accept: text/html"

func form(values ...string) string {
	f := url.Values{}
	for i := 0; i < len(values); i += 2 {
		f.Set(values[i], values[i+1])
	}
	return f.Encode()
}

const formType = "Content-Type: application/x-www-form-urlencoded"

// want checks the status of an answer.
func (s *server) want(a answer, status int) answer {
	s.Helper()
	if a.StatusCode != status {
		s.Fatalf("%s %s was answered %d, not %d: %.300s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.body)
	}
	return a
}

func batch(task string) *eventlog.Batch {
	return &eventlog.Batch{Task: task, Events: []eventlog.Event{{Type: eventlog.TypeThought, Data: []byte(`{"content":"x"}`)}}}
}
