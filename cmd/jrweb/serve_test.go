package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// running is a server that runs in this process.
type running struct {
	url  string
	stop func() (code int) // ends it like a signal
}

func startServe(t *testing.T, args ...string) running {
	t.Helper()
	return startServeTo(t, t.Output(), append([]string{"-log-level", "error"}, args...)...)
}

// startServeTo is startServe with a place for the log.
func startServeTo(t *testing.T, stderr io.Writer, args ...string) running {
	t.Helper()
	return beginServe(t, stderr, args...)()
}

// beginServe begins what startServeTo does, and returns a function that waits for it.
func beginServe(t *testing.T, stderr io.Writer, args ...string) (wait func() running) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	code := make(chan int, 1)
	if !slices.Contains(args, "-db") {
		args = append([]string{"-db", filepath.Join(t.TempDir(), "jr.db")}, args...)
	}
	args = append([]string{"serve", "-addr", "127.0.0.1:0"}, args...)
	go func() {
		code <- run(ctx, args, strings.NewReader(""), stdout, stderr)
		stdout.Close()
	}()
	stop := func() int {
		cancel()
		c := <-code
		code <- c // for the next one who asks
		return c
	}
	t.Cleanup(func() { stop() })
	return func() running {
		t.Helper()
		line, err := bufio.NewReader(out).ReadString('\n')
		url, ok := strings.CutPrefix(strings.TrimSpace(line), "jrweb: listening on ")
		if err != nil || !ok {
			t.Fatalf("it does not listen: %q, %v", line, err)
		}
		return running{url, stop}
	}
}

func get(t *testing.T, c *http.Client, url string) *http.Response {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOpenStreamsDoNotHoldUpTheEnd(t *testing.T) {
	s := startServe(t)
	c := &http.Client{Transport: &http.Transport{}}
	if code, _, stderr := runIt(t, `{"type":"thought","data":{"content":"hm"}}`, "append", "-task", "t-1", "-url", s.url); code != 0 {
		t.Fatal(stderr)
	}
	streams := []*http.Response{get(t, c, s.url+"/tasks/t-1/events/stream"), get(t, c, s.url+"/stream")}
	if metrics := body(t, get(t, c, s.url+"/metrics")); !strings.Contains(metrics, "\njrweb_streams_active 1\n") || !strings.Contains(metrics, "\njrweb_sessions_open 1\n") {
		t.Errorf("the metrics do not show the stream, or the session:\n%s", metrics)
	}
	start := time.Now()
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(start); took > shutdownTimeout {
		t.Errorf("it took %v", took)
	}
	for _, stream := range streams {
		text := body(t, stream) // to its end, which is not an error
		if i := strings.LastIndex(text, "retry: "); i <= 0 || !strings.HasSuffix(text, "\n\n") {
			t.Errorf("the stream does not end with a new retry: %q", text)
		}
	}
	if _, err := c.Get(s.url + "/healthz"); err == nil {
		t.Error("it still answers")
	}
}

func TestItSpeaksHTTP2WithAndWithoutTLS(t *testing.T) {
	cert, key, pool := certificate(t)
	plain := new(http.Protocols)
	plain.SetUnencryptedHTTP2(true)
	for _, c := range []struct {
		scheme    string
		flags     []string
		transport *http.Transport
	}{
		{"http", nil, &http.Transport{Protocols: plain}},
		{"https", []string{"-tls-cert", cert, "-tls-key", key}, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}},
	} {
		s := startServe(t, c.flags...)
		if !strings.HasPrefix(s.url, c.scheme+"://127.0.0.1:") {
			t.Errorf("it listens on %s, want %s", s.url, c.scheme)
		}
		client := &http.Client{Transport: c.transport}
		for _, path := range []string{"/healthz", "/stream"} {
			if res := get(t, client, s.url+path); res.ProtoMajor != 2 || res.StatusCode != http.StatusOK {
				t.Errorf("%s%s: %s %s, want HTTP/2", s.url, path, res.Proto, res.Status)
			}
		}
		if code := s.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
}

func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	write := func(name, kind string, der []byte) string {
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if kind == "CERTIFICATE" && !pool.AppendCertsFromPEM(text) {
			t.Fatal("the certificate is none")
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER), pool
}

func TestOnlyAllowedHostsAreAnswered(t *testing.T) {
	s := startServe(t, "-allowed-host", "runs.example", "-allowed-host", "10.0.0.0/8")
	for host, want := range map[string]int{"runs.example": 200, "10.1.2.3:80": 200, "localhost": 200, "evil.example": 421} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("Host %s: %d, want %d", host, res.StatusCode, want)
		}
	}
}

func TestALimitOfTheCommandLineHolds(t *testing.T) {
	s := startServe(t, "-max-event-bytes", "100", "-max-request-bytes", "1000")
	for name, c := range map[string]struct{ input, want string }{
		"event":   {`{"type":"thought","data":{"content":"` + strings.Repeat("x", 100) + `"}}`, "413"},
		"request": {strings.Repeat(`{"type":"thought","data":{"content":"x"}}`+"\n", 50), "413"},
		"neither": {`{"type":"thought","data":{"content":"x"}}`, ""},
	} {
		code, _, stderr := runIt(t, c.input, "append", "-task", "t-1", "-url", s.url)
		if (code == 0) != (c.want == "") || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, stderr %q", name, code, stderr)
		}
	}
}

func TestTheDemoTakesAFreePortIfItsOwnIsTaken(t *testing.T) {
	held, err := net.Listen("tcp", defaultAddr)
	if err == nil {
		defer held.Close()
	} else if !errors.Is(err, syscall.EADDRINUSE) { // somebody else may have it: it is taken
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	if code, stdout, stderr := runIt(t, "", "demo", "-addr", defaultAddr); code != exitFailed || stdout != "" || !strings.Contains(stderr, "choose another -addr") {
		t.Errorf("asked for that port: exit code %d, %q, %q", code, stdout, stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"demo", "-log-level", "error"}, strings.NewReader(""), stdout, t.Output())
	}()
	lines := bufio.NewScanner(out)
	lines.Scan()
	url, ok := strings.CutPrefix(lines.Text(), "jrweb: listening on ")
	if !ok || strings.HasSuffix(url, ":7070") {
		t.Errorf("first line %q", lines.Text())
	}
	if lines.Scan(); !strings.Contains(lines.Text(), url+"/") {
		t.Errorf("second line %q, want one with the URL to open", lines.Text())
	}
	cancel()
	if c := <-code; c != exitDone {
		t.Errorf("exit code %d", c)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
